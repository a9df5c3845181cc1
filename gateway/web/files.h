/*
 * files: the texts that the pages about the interface are made of, put into the program by
 * embed.cmake.
 */
#ifndef USHER_GATEWAY_WEB_FILES_H
#define USHER_GATEWAY_WEB_FILES_H

#include "shared/base.h"

struct web_file {
    const char *text; /* NUL-terminated */
    size_t size_bytes;
};

extern const struct web_file web_openapi_json;
extern const struct web_file web_page_css;

#endif

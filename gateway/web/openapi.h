/*
 * openapi: finding one's way in an OpenAPI document. What is returned belongs to the document.
 */
#ifndef USHER_GATEWAY_WEB_OPENAPI_H
#define USHER_GATEWAY_WEB_OPENAPI_H

#include "shared/base.h"

#include <jansson.h>

/* What a Reference Object ("#/components/…") leads to; `value` itself when it is none. */
const json_t *openapi_follow(const json_t *document, const json_t *value);
/* The last part of a Reference Object's pointer; NULL when `value` is none. */
const char *openapi_name(const json_t *value);
/* A text of an object; NULL when it has none of this name. */
const char *openapi_text(const json_t *object, const char *name);

/* Calls with every operation, in the document's order. */
void openapi_each_operation(const json_t *document,
                            void (*each)(void *context, const char *path, const char *method,
                                         const json_t *operation),
                            void *context);
/* A response's problems by code, with an example each; NULL when it tells of none. */
const json_t *openapi_problems(const json_t *document, const json_t *response);

#endif

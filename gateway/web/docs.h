/*
 * docs: /docs, the document as a page for people: routes with parameters, answers, codes and
 * examples, then the schemas that they name.
 */
#ifndef USHER_GATEWAY_WEB_DOCS_H
#define USHER_GATEWAY_WEB_DOCS_H

#include "gateway/text.h"

#include <jansson.h>

void docs_put(struct text *text, const json_t *document);

#endif

/*
 * html: pieces of the pages about the interface. Everything from the document is escaped.
 */
#ifndef USHER_GATEWAY_WEB_HTML_H
#define USHER_GATEWAY_WEB_HTML_H

#include "gateway/text.h"

#include <jansson.h>

/* From the doctype to the opening of the body, with the style in it; html_end closes. */
void html_begin(struct text *text, const char *title);
void html_end(struct text *text);
/* Escaped for text and for attributes. NULL: nothing. */
void html_text(struct text *text, const char *plain);
/* The same; what stands in `backticks` becomes code. */
void html_prose(struct text *text, const char *plain);
/* <p>: an empty line begins the next. */
void html_paragraphs(struct text *text, const char *plain);
/* <pre> of a JSON value. */
void html_json(struct text *text, const json_t *value);

#endif

/*
 * schema_html: a schema in words, and the fields of an object as a table.
 */
#ifndef USHER_GATEWAY_WEB_SCHEMA_HTML_H
#define USHER_GATEWAY_WEB_SCHEMA_HTML_H

#include "gateway/text.h"

#include <jansson.h>

/* "list of SeatId, at most 10"; a schema with a name is a link to #schema-NAME. */
void schema_html_type(struct text *text, const json_t *schema);
/* One named schema, with its table. */
void schema_html_put(struct text *text, const char *name, const json_t *schema);

#endif

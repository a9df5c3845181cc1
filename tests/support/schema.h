/*
 * schema: whether a JSON value fits a schema: the part of JSON Schema (2020-12) that usher's
 * document uses. A keyword that is not known here is told by schemas_know, and never passed over.
 *
 *   type properties required additionalProperties minProperties enum const pattern minimum maximum
 *   minLength maxLength items minItems maxItems oneOf anyOf allOf $ref
 *
 * An object whose schema names members has those and no others, unless "additionalProperties" says
 * that it may: what usher sends and does not document is a mistake, though a client has to live
 * with it. Lengths count characters. Patterns are POSIX extended regular expressions that read the
 * same in ECMA-262.
 */
#ifndef USHER_TESTS_SUPPORT_SCHEMA_H
#define USHER_TESTS_SUPPORT_SCHEMA_H

#include "shared/base.h"

#include <jansson.h>

enum { SCHEMA_PROBLEM_SIZE = 512 };

/* The schemas of one document, with what was compiled of them. */
struct schemas;

/* `document` is kept by pointer. */
struct schemas *schemas_create(const json_t *document);
/* NULL is allowed. */
void schemas_destroy(struct schemas *schemas);

/* What a "$ref" of the document leads to, NULL when to nothing; `value` itself when it has none. */
const json_t *schemas_follow(const struct schemas *schemas, const json_t *value);
/* False, with the place and what is wrong there: "/events/0/id: less than 1". */
MUST_CHECK bool schemas_accept(struct schemas *schemas, const json_t *schema, const json_t *value,
                               char problem[SCHEMA_PROBLEM_SIZE]);
/* Whether everything in the schema is understood: keywords, types, patterns and references. */
MUST_CHECK bool schemas_know(struct schemas *schemas, const json_t *schema,
                             char problem[SCHEMA_PROBLEM_SIZE]);

#endif

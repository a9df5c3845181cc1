/*
 * input: the JSON that requests bring (RFC 8259), and how what is wrong with it is told.
 */
#ifndef USHER_GATEWAY_INPUT_H
#define USHER_GATEWAY_INPUT_H

#include "gateway/http/http.h"
#include "shared/catalogue_input.h"

enum { INPUT_KEY_MAX_BYTES = 128 };

/* The request's body as an object. An empty body counts as {} when `may_be_empty`. NULL: it was
 * answered, 400 (not JSON, a repeated name, nested too deep), 415 or 422 (no object). The caller's:
 * json_decref. */
MUST_CHECK json_t *input_read(struct http_request *request, bool may_be_empty);

/* A request that says all with its method and path: its body, if any, has to be {}; else false,
 * answered as above. */
MUST_CHECK bool input_nothing(struct http_request *request);

/* Adds a line; past CATALOGUE_PROBLEMS_MAX it is dropped. */
void input_problem(struct catalogue_problems *problems, const char *field, const char *problem);
/* Adds a line for every member of the object that is not in the NULL-terminated list. */
void input_known_fields(const json_t *object, const char *path, const char *const *known,
                        struct catalogue_problems *problems);
/* Answers 422 `unknown-field` or `invalid` with errors:[{field, problem}]. */
void input_refuse(struct http_request *request, const struct catalogue_problems *problems);
/* 422 `invalid` with one line. */
void input_refuse_field(struct http_request *request, const char *field, const char *problem);

/* The Idempotency-Key (*key NULL: none), which has to be 1 to 128 visible ASCII characters; else
 * false, answered. */
MUST_CHECK bool input_idempotency_key(struct http_request *request, const char **key);
/* `limit` of a list: 1 … 100, default 20; else false, answered. */
MUST_CHECK bool input_limit(struct http_request *request, uint32_t *limit);
/* A positive integer; false when it is anything else. */
MUST_CHECK bool input_u64(const char *text, uint64_t *value);

#endif

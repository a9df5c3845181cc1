/*
 * values: JSON by chance, that fits a schema or does not (part of requests.h).
 */
#ifndef USHER_TESTS_INTEGRATION_VALUES_H
#define USHER_TESTS_INTEGRATION_VALUES_H

#include "tests/integration/requests.h"

/* A value that fits, of what is known where something is; `path` is the operation's. The caller's,
 * json_decref. */
json_t *values_fitting(struct requests *requests, const char *path, const json_t *schema);
/* Changes one thing somewhere in an object: away, another type, another value, or one too many. */
void values_spoil(struct requests *requests, json_t *body);
/* A body that is no object, or no JSON, or too long. The caller's, free. */
char *values_odd_body(struct requests *requests);

#endif

/*
 * requests: requests made from the document of the interface by chance: valid ones, and ones with
 * something wrong in path, query, headers or body. The same seed makes the same requests, as long
 * as the same things are known.
 */
#ifndef USHER_TESTS_INTEGRATION_REQUESTS_H
#define USHER_TESTS_INTEGRATION_REQUESTS_H

#include "tests/support/contract.h"
#include "tests/support/http_client.h"

enum { REQUESTS_OPERATIONS_MAX = 64 };

struct operation {
    const char *path;
    const char *method; /* in lower case, as the document has it */
    const json_t *told; /* the Operation Object */
};

struct requests {
    struct contract *contract;
    uint64_t random;
    /* By name of a schema, values that mean something to this usher: {"EventId": [1, 2]}. Under
     * "/admin EventId" stand those for routes of the administration. */
    json_t *known;
    size_t operation_count;
    struct operation operations[REQUESTS_OPERATIONS_MAX];
};

/* One request; its texts belong to it. */
struct made_request {
    const struct operation *operation;
    bool changed; /* something about it is not as documented */
    char method[16];
    char *target;
    char *headers;
    char *body; /* NULL: none */
    char content_type[64];
};

void requests_open(struct requests *requests, uint64_t seed);
void requests_close(struct requests *requests);
/* Takes the value. */
void requests_know(struct requests *requests, const char *schema, json_t *value);
void requests_make(struct requests *requests, struct made_request *made);
void made_request_free(struct made_request *made);

size_t requests_below(struct requests *requests, size_t count);
bool requests_chance(struct requests *requests, unsigned percent);
const char *requests_one_of(struct requests *requests, const char *const *texts, size_t count);

#endif

/*
 * contract: gateway/web/openapi.json as the tests hold usher to it.
 *
 * An answer is allowed when its status is documented for its route and method, the headers that the
 * document requires are there and fit, and so does the body. HEAD is answered as GET without the
 * body; what has no route, or a method that the route does not have, is answered as "x-unrouted"
 * says.
 */
#ifndef USHER_TESTS_SUPPORT_CONTRACT_H
#define USHER_TESTS_SUPPORT_CONTRACT_H

#include "tests/support/schema.h"

enum { CONTRACT_PROBLEM_SIZE = SCHEMA_PROBLEM_SIZE + 256 };

struct contract;

/* What came of a request. */
struct contract_answer {
    const char *method;
    const char *target; /* path and query, as they were sent */
    int status;
    const char *head; /* status line and headers */
    const char *body;
    size_t body_bytes;
};

/* Reads the document; the test fails when it can't be read. */
struct contract *contract_open(void);
void contract_close(struct contract *contract);
const json_t *contract_document(const struct contract *contract);
struct schemas *contract_schemas(const struct contract *contract);

/* The path of the document that a request's target belongs to; NULL: none. */
const char *contract_find_path(const struct contract *contract, const char *target);
/* Whether the document lets usher answer so; if not, why. */
MUST_CHECK bool contract_allows(struct contract *contract, const struct contract_answer *answer,
                                char problem[CONTRACT_PROBLEM_SIZE]);

#endif

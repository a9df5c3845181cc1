/*
 * contract: gateway/web/openapi.json as the tests hold usher to it.
 *
 * An answer is allowed when its status is documented for its route and method, the headers that the
 * document requires are there, all headers are documented and fit, and so does the body, with every
 * member that it has (schema.h). HEAD is answered as GET without the body; what has no route, or a
 * method that the route does not have, is answered as "x-unrouted" says, and what is no request, or
 * not a whole one, as "x-unread" says. Headers that any answer may have are in "x-every-answer".
 *
 * Every answer of a public port that a test in tests/integration receives goes through here, on
 * whichever way it comes:
 *
 *   http_client   requests, and bytes sent as they are; by itself
 *   relay         a browser's: everything that passes between it and usher, preflights and answers
 *                 that the page is not shown, too
 *   libcurl       https_test hands each to contract_expect
 *   ws_client     answers to the handshake; what follows a 101 is not HTTP
 *   curl          in shell scripts, by the program answer-check
 *
 * Not here: the processes' own ops ports, which are not in the document (`unchecked`), and what
 * usher-load receives, which counts statuses; overload_test asks beside it. That a wrong answer
 * fails its test is shown for every way (contract_ways_test).
 */
#ifndef USHER_TESTS_SUPPORT_CONTRACT_H
#define USHER_TESTS_SUPPORT_CONTRACT_H

#include "tests/support/schema.h"

enum { CONTRACT_PROBLEM_SIZE = SCHEMA_PROBLEM_SIZE + 256 };

struct contract;

/* What came of a request. */
struct contract_answer {
    const char *method; /* NULL: what was sent is no request, or not its whole first line */
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
/* The test fails when the document does not let usher answer so. */
void contract_expect(const struct contract_answer *answer);
/* Whether it does; if not, why. */
MUST_CHECK bool contract_allows(struct contract *contract, const struct contract_answer *answer,
                                char problem[CONTRACT_PROBLEM_SIZE]);

#endif

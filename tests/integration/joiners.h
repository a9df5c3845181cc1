/*
 * joiners: people who join the waiting rooms of a cluster's events, many at a time, through
 * whichever gateway; what each was told, and when.
 */
#ifndef USHER_TESTS_INTEGRATION_JOINERS_H
#define USHER_TESTS_INTEGRATION_JOINERS_H

#include "tests/support/shop.h"

struct joiner {
    struct shop_customer customer;
    unsigned gateway; /* asked, or to be asked */
    int status;       /* of the last answer; 0: none came */
    int64_t number;
    int64_t position;
    char queue_token[SHOP_TEXT_SIZE];
    int64_t sent_us;
    int64_t done_us;
};

/* Guests; the caller's, free. They ask the gateways in turn. */
struct joiner *joiners_create(struct cluster *cluster, size_t count);
/* Each joins through its gateway, at most `at_once` at a time. A 201 or 200 has to tell a number.
 */
void joiners_join(struct cluster *cluster, int64_t event_id, struct joiner *joiners, size_t count,
                  size_t at_once);
/* All at once; they have asked when it returns. joiners_take waits for their answers, and frees. */
struct joiners_asked;
struct joiners_asked *joiners_ask(struct cluster *cluster, int64_t event_id, struct joiner *joiners,
                                  size_t count);
void joiners_take(struct joiners_asked *asked);
/* One of them. */
void joiner_join(struct cluster *cluster, int64_t event_id, struct joiner *joiner);

/* Fails unless their numbers are `first`, first + 1, … each once. */
void joiners_expect_dense(const struct joiner *joiners, size_t count, int64_t first);
/* Fails unless whoever had an answer before another asked has the lower number. Returns how many
 * pairs were so. */
uint64_t joiners_expect_order(const struct joiner *joiners, size_t count);

#endif

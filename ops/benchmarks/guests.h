/*
 * guests: sessions of distinct guests, made through POST /sessions.
 */
#ifndef USHER_OPS_BENCHMARKS_GUESTS_H
#define USHER_OPS_BENCHMARKS_GUESTS_H

#include "ops/benchmarks/client.h"

#include <stdio.h>

enum { GUESTS_MAX = 200000, GUEST_TOKEN_MAX_BYTES = 512, GUEST_USER_SIZE = 40 };

struct guest {
    char *token;
    char user[GUEST_USER_SIZE];
};

/* Fills `guests`, which are zeroed, at most GUESTS_MAX; guests_clear them, also after a failure.
 * False, with one line on stderr, when an answer is missing or is not a session. */
MUST_CHECK bool guests_create(struct client *client, uint32_t count, struct guest *guests);
/* To a file and back, for a later run: a line each, token and user. */
void guests_write(const struct guest *guests, uint32_t count, FILE *file);
/* As guests_create. False, with one line on stderr, when there are fewer. */
MUST_CHECK bool guests_read(const char *path, uint32_t count, struct guest *guests);
void guests_clear(struct guest *guests, uint32_t count);

#endif

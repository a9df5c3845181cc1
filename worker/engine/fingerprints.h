/*
 * fingerprints: which bookings may have ended. Keeps 8 bytes of each id, in an open-addressed table
 * that doubles as it grows. It never says no of an id that was added; of one that was not, it
 * hardly ever says yes, until `limit` fingerprints are there (or memory ran out): then it drops
 * them and says yes to everything.
 *
 * The 8 bytes are the id's last ones. They come from an HMAC (shared/ids.h), so they spread evenly
 * and nobody can choose them.
 */
#ifndef USHER_WORKER_ENGINE_FINGERPRINTS_H
#define USHER_WORKER_ENGINE_FINGERPRINTS_H

#include "shared/base.h"

struct fingerprints;

/* NULL when there is no memory. Allocates no table before the first is added. */
MUST_CHECK struct fingerprints *fingerprints_create(size_t limit);
/* NULL is allowed. */
void fingerprints_destroy(struct fingerprints *fingerprints);

void fingerprints_add(struct fingerprints *fingerprints, const struct id128 *id);
bool fingerprints_may_hold(const struct fingerprints *fingerprints, const struct id128 *id);
size_t fingerprints_size_bytes(const struct fingerprints *fingerprints);

#endif

/*
 * feed: seat changes out to the gateways. A delta is published after its batch is committed; once a
 * second the versions of all loaded shows are announced, so that a lost message or a takeover shows
 * within a second.
 */
#ifndef USHER_WORKER_FEED_H
#define USHER_WORKER_FEED_H

#include "shared/bus.h"
#include "worker/batch.h"
#include "worker/partitions.h"
#include "worker/shows.h"

struct feed;

MUST_CHECK struct feed *feed_create(struct bus *bus, const struct id128 *installation,
                                    const struct partitions *partitions);
void feed_destroy(struct feed *feed);
/* Whose changes these are from now on. */
void feed_set_instance(struct feed *feed, uint64_t instance);
uint64_t feed_instance(const struct feed *feed);
/* Packs the changes of one show of a committed batch. Sent by feed_flush. */
void feed_add(struct feed *feed, const struct batch_show *item);
void feed_flush(struct feed *feed);
void feed_announce_versions(struct feed *feed, const struct shows *shows);

#endif

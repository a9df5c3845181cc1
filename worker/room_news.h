/*
 * room_news: how waiting rooms stand, and what became of single persons' turns and bookings, out to
 * the gateways. Only what is stored is told. What is lost on the way is made good by the next
 * announcement; news for persons are for those who happen to watch, and published only while a
 * gateway has asked for them (WIRE_ASK_PEOPLE_MS).
 */
#ifndef USHER_WORKER_ROOM_NEWS_H
#define USHER_WORKER_ROOM_NEWS_H

#include "shared/bus.h"
#include "shared/clock.h"
#include "worker/batch.h"

struct room_news;

MUST_CHECK struct room_news *room_news_create(struct bus *bus, const struct id128 *installation,
                                              struct partitions *partitions,
                                              const struct database_clock *clock);
void room_news_destroy(struct room_news *news);
/* Whose news these are from now on. */
void room_news_set_instance(struct room_news *news, uint64_t instance);
/* Packs how a room stands. Sent by room_news_flush. */
void room_news_add(struct room_news *news, const struct room_state *state);
void room_news_flush(struct room_news *news);
/* Sends what a stored batch means to single persons. */
void room_news_people(struct room_news *news, const struct batch *batch);

#endif

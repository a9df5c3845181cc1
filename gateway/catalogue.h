/*
 * catalogue: events, halls and lists of events as everybody may see them, read through small
 * caches. Events and lists are at most CATALOGUE_FRESH_MS old while the database answers, and as
 * old as it takes while it does not. Layouts never change and stay as long as there is room.
 */
#ifndef USHER_GATEWAY_CATALOGUE_H
#define USHER_GATEWAY_CATALOGUE_H

#include "gateway/fresh.h"
#include "gateway/keep.h"
#include "gateway/layout.h"
#include "gateway/reads.h"
#include "gateway/search.h"

enum { CATALOGUE_FRESH_MS = 1000, CATALOGUE_PATIENCE_MS = 500 };

struct catalogue;

enum catalogue_part { CATALOGUE_LAYOUTS, CATALOGUE_EVENTS, CATALOGUE_LISTS, CATALOGUE_PART_COUNT };
const char *catalogue_part_text(enum catalogue_part part);

struct catalogue_event {
    uint64_t event_id;
    bool draft;    /* for admins only */
    bool room_off; /* it has no waiting room */
    bool guests;   /* may book */
    struct layout *layout;
    struct body *body; /* GET /events/{id} */
};

/* `keep` (may be NULL) holds copies for a start without database. NULL when there is no memory. */
MUST_CHECK struct catalogue *catalogue_create(struct reads *reads, struct keep *keep);
/* After reads_destroy. NULL is allowed. */
void catalogue_destroy(struct catalogue *catalogue);

/* The handler's value is a `const struct catalogue_event`. `any_age`: for what never changes
 * (layout). */
void catalogue_want_event(struct catalogue *catalogue, uint64_t event_id, bool any_age,
                          fresh_handler *handler, void *context);
/* What is known of it without asking, else NULL; ends with the next call. */
const struct catalogue_event *catalogue_peek_event(struct catalogue *catalogue, uint64_t event_id);
/* It has been changed: the next fresh look asks. */
void catalogue_expire_event(struct catalogue *catalogue, uint64_t event_id);
/* The handler's value is a `struct body`. */
void catalogue_want_list(struct catalogue *catalogue, const struct search_query *query,
                         fresh_handler *handler, void *context);
void catalogue_tick(struct catalogue *catalogue);
const struct fresh_numbers *catalogue_numbers(const struct catalogue *catalogue,
                                              enum catalogue_part part);

#endif

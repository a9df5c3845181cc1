/*
 * catalogue_input: venues and events as people write them (POST /admin/venues, POST /admin/events,
 * PATCH /admin/events/{id}, usherctl import). Checks a JSON document against the API's rules and
 * yields plain data ready to be stored by `catalogue_insert_*` (shared/catalogue_sql.h). No I/O.
 *
 * Every problem found is listed with its field as a path ("sections[2].rows[0].seats"), up to
 * CATALOGUE_PROBLEMS_MAX; `unknown_field` says that the first one is a field the API does not know.
 */
#ifndef USHER_SHARED_CATALOGUE_INPUT_H
#define USHER_SHARED_CATALOGUE_INPUT_H

#include "shared/booking.h"
#include "shared/status.h"

#include <jansson.h>

enum {
    CATALOGUE_PROBLEMS_MAX = 16,
    CATALOGUE_NAME_MAX_BYTES = 200,
    CATALOGUE_DESCRIPTION_MAX_BYTES = 10000,
    CATALOGUE_ARTISTS_MAX = 20,
    CATALOGUE_SEAT_ID_MAX_BYTES = 64,
    CATALOGUE_PRICE_MAX = 100000000, /* minor units */
};

struct catalogue_problems {
    uint32_t count;
    bool unknown_field;
    struct {
        char field[120];
        char problem[160];
    } items[CATALOGUE_PROBLEMS_MAX];
};

/* None. The items, kilobytes, stay as they are. */
static inline void catalogue_problems_init(struct catalogue_problems *problems) {
    problems->count = 0;
    problems->unknown_field = false;
}

struct venue_input;
struct event_input;

/*
 * Seats lie 1.0 apart, rows as well, each row in the middle of its section's longest one; `x`, `y`
 * are the section's top left corner, by default centred around 0 and below the sections before it.
 * Seated sections may share a name as long as seats' ids differ; a general one, which is asked for
 * by name, may not.
 *
 * STATUS_INVALID with problems, STATUS_NO_MEMORY. On STATUS_OK *venue is the caller's:
 * venue_input_free. */
MUST_CHECK enum status venue_input_read(const json_t *document, struct venue_input **venue,
                                        struct catalogue_problems *problems);
void venue_input_free(struct venue_input *venue);
uint32_t venue_input_seat_count(const struct venue_input *venue);
/* The `sections` of GET /events/{id}/layout as JSON text: ids, numbers and coordinates filled in;
 * general admission as one row "" with all its seats, and `capacity`. Belongs to the venue. */
const char *venue_input_layout_json(const struct venue_input *venue);

/* What a new event needs to know of its venue to be checked against it. */
struct venue_facts {
    uint32_t category_count;
    char categories[PRICE_CATEGORIES_MAX][CATALOGUE_NAME_MAX_BYTES + 1];
};

/* `patch`: only what is there is checked, and `venueId` is refused. Without a venue (NULL) prices
 * are checked for form only. */
MUST_CHECK enum status event_input_read(const json_t *document, bool patch,
                                        const struct venue_facts *venue, struct event_input **event,
                                        struct catalogue_problems *problems);
void event_input_free(struct event_input *event);
/* 0 in a patch. */
int64_t event_input_venue_id(const struct event_input *event);

/*
 * A checked patch travels to the event's owner as `command.patch`: JSON made by
 * event_input_command_text and read by event_patch_read, with prices by position in the layout's
 * categories, so that the owner needs no names.
 */
struct event_patch;

/* JSON text, belongs to the event; at most EVENT_PATCH_MAX_BYTES (else NULL). */
const char *event_input_command_text(const struct event_input *event);
MUST_CHECK enum status event_patch_read(const char *text, struct event_patch **patch);
void event_patch_free(struct event_patch *patch);

/* The part of a patch that the engine has to know; what is not `has_…` stays as it is. */
struct event_patch_settings {
    bool has_state, has_on_sale, has_sale_end, has_hold, has_seats_per_user, has_guests, has_prices,
        has_room;
    uint32_t state;      /* enum show_state, worker/engine/show.h */
    int64_t on_sale_us;  /* 0: at once */
    int64_t sale_end_us; /* 0: never */
    int64_t hold_seconds;
    uint32_t seats_per_user;
    bool guests;
    uint32_t price_count;
    int64_t prices[PRICE_CATEGORIES_MAX];
    char currency[CURRENCY_SIZE];
};
const struct event_patch_settings *event_patch_get_settings(const struct event_patch *patch);
/* has_room: what of the waiting room's settings changes, as JSON for room_settings_apply. Belongs
 * to the patch; else NULL. */
const char *event_patch_room(const struct event_patch *patch);

#endif

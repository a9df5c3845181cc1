/*
 * layout: the seats of a hall in their order, with their names; never changes. Counted by
 * reference: a catalogue, seat maps and requests under way hold one together. Seat numbers are what
 * commands carry, names what people see.
 */
#ifndef USHER_GATEWAY_LAYOUT_H
#define USHER_GATEWAY_LAYOUT_H

#include "gateway/body.h"
#include "shared/booking.h"
#include "shared/status.h"

struct layout_section {
    const char *name;
    const char *category; /* price category */
    bool general;
    uint32_t first_seat;
    uint32_t seat_count;
};

struct layout;

/* Copies everything but `body` (GET /events/{id}/layout), of which it takes the reference, also on
 * failure. Sections lie one after another and cover all seats. STATUS_INVALID when they don't,
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status layout_create(uint32_t version, const struct layout_section *sections,
                                     uint32_t section_count, const char *const *seat_ids,
                                     uint32_t seat_count, struct body *body,
                                     struct layout **layout);
/* The same from the body alone, which holds it all as JSON. STATUS_INVALID when it does not. */
MUST_CHECK enum status layout_read_take(uint32_t version, struct body *body,
                                        struct layout **layout);
struct layout *layout_keep(struct layout *layout);
/* NULL is allowed. */
void layout_release(struct layout *layout);

uint32_t layout_version(const struct layout *layout);
uint32_t layout_seat_count(const struct layout *layout);
/* `seat` < layout_seat_count. */
const char *layout_seat_id(const struct layout *layout, uint32_t seat);
const struct layout_section *layout_section_of(const struct layout *layout, uint32_t seat);
/* False when there is none of that name. */
MUST_CHECK bool layout_find_seat(const struct layout *layout, const char *seat_id, uint32_t *seat);
MUST_CHECK bool layout_find_section(const struct layout *layout, const char *name,
                                    uint32_t *section);
const struct layout_section *layout_section_at(const struct layout *layout, uint32_t section);
struct body *layout_body(const struct layout *layout);
size_t layout_memory_bytes(const struct layout *layout);

#endif

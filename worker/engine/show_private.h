/*
 * show_private: what a show is made of, for the engine's own files.
 *
 * show.c          making, settings, what can be asked
 * show_restore.c  recovery
 * show_decide.c   commands and the sweep: who is refused, who is served
 * show_change.c   the only code that moves a seat or a booking
 * show_check.c    the invariants
 */
#ifndef USHER_WORKER_ENGINE_SHOW_PRIVATE_H
#define USHER_WORKER_ENGINE_SHOW_PRIVATE_H

#include "shared/id_map.h"
#include "worker/engine/fingerprints.h"
#include "worker/engine/guards.h"
#include "worker/engine/heap.h"
#include "worker/engine/live_booking.h"
#include "worker/engine/seat_index.h"
#include "worker/engine/show.h"

struct show {
    uint64_t event_id;
    struct show_settings settings;
    uint32_t section_count;
    uint32_t seat_count;
    struct show_section *sections;
    uint16_t *seat_sections;       /* of each seat */
    struct live_booking **seats;   /* who has it; NULL: free; &blocked */
    struct live_booking blocked;   /* stands for the promoter; only its address counts */
    struct seat_index *free_seats; /* of all sections, which lie one after another */
    struct id_map *bookings;       /* live ones, by id: struct live_booking */
    struct id_map *holders;        /* by user: struct holder */
    struct heap *deadlines;        /* of the PENDING ones */
    struct fingerprints *ended;
    struct show_counts counts;
};

/* Makes a new booking live and gives it its seats, which are free and distinct. STATUS_NO_MEMORY.
 */
MUST_CHECK enum status show_add_booking(struct show *show, const struct booking *booking);
/* PENDING to CONFIRMED, CANCELLED or EXPIRED, CONFIRMED to CANCELLED. What ends gives its seats
 * back and is freed. */
void show_move_booking(struct show *show, struct live_booking *live, enum booking_status to,
                       struct show_change *change);
/* A live booking to another user; all else of it stays. STATUS_NO_MEMORY. */
MUST_CHECK enum status show_transfer_booking(struct show *show, struct live_booking *live,
                                             const struct id128 *user, struct show_change *change);
void show_block_seat(struct show *show, uint32_t seat);

#endif

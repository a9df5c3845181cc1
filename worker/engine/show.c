#include "worker/engine/show.h"

#include "worker/engine/show_private.h"

#include <stdlib.h>

static void settings_ensure(const struct show *show, const struct show_settings *settings) {
    ensure(settings->state >= SHOW_DRAFT && settings->state <= SHOW_CANCELLED);
    ensure(settings->hold_ms >= SHOW_HOLD_MIN_MS && settings->hold_ms <= SHOW_HOLD_MAX_MS);
    ensure(settings->price_count <= PRICE_CATEGORIES_MAX);
    for (uint32_t i = 0; i < settings->price_count; i++) {
        ensure(settings->prices[i] >= 0 && settings->prices[i] <= INT64_MAX / BOOKING_SEATS_MAX);
    }
    for (uint32_t i = 0; i < show->section_count; i++) {
        ensure(show->sections[i].price_category < settings->price_count);
    }
}

static uint32_t layout_seat_count(const struct show_layout *layout) {
    ensure(layout->section_count > 0 && layout->section_count <= SHOW_SECTIONS_MAX);
    uint32_t seat_count = 0;
    for (uint32_t i = 0; i < layout->section_count; i++) {
        const struct show_section *section = &layout->sections[i];
        ensure(section->first_seat == seat_count);
        ensure(section->seat_count > 0 && section->seat_count <= SHOW_SEATS_MAX - seat_count);
        seat_count += section->seat_count;
    }
    return seat_count;
}

static bool allocate(struct show *show, size_t ended_limit) {
    show->sections = calloc(show->section_count, sizeof *show->sections);
    show->seat_sections = calloc(show->seat_count, sizeof *show->seat_sections);
    show->seats = calloc(show->seat_count, sizeof(struct live_booking *));
    show->free_seats = seat_index_create(show->seat_count);
    show->bookings = id_map_create(show->seat_count);    /* each has at least a seat */
    show->holders = id_map_create(show->seat_count + 1); /* one more while a booking moves */
    show->deadlines = heap_create();
    show->ended = fingerprints_create(ended_limit);
    return show->sections != NULL && show->seat_sections != NULL && show->seats != NULL &&
           show->free_seats != NULL && show->bookings != NULL && show->holders != NULL &&
           show->deadlines != NULL && show->ended != NULL;
}

struct show *show_create(uint64_t event_id, const struct show_layout *layout,
                         const struct show_settings *settings, size_t ended_limit) {
    uint32_t seat_count = layout_seat_count(layout);
    struct show *show = calloc(1, sizeof *show);
    if (show == NULL) {
        return NULL;
    }
    show->event_id = event_id;
    show->section_count = layout->section_count;
    show->seat_count = seat_count;
    if (!allocate(show, ended_limit)) {
        show_destroy(show);
        return NULL;
    }
    for (uint32_t i = 0; i < show->section_count; i++) {
        show->sections[i] = layout->sections[i];
        for (uint32_t seat = 0; seat < show->sections[i].seat_count; seat++) {
            show->seat_sections[show->sections[i].first_seat + seat] = (uint16_t)i;
        }
    }
    show->counts.seats[SEAT_AVAILABLE] = seat_count;
    show_set_settings(show, settings);
    return show;
}

static void destroy_values(struct id_map *map) {
    size_t cursor = 0;
    void *value = NULL;
    while (map != NULL && id_map_next(map, &cursor, NULL, &value)) {
        free(value);
    }
    id_map_destroy(map);
}

void show_destroy(struct show *show) {
    if (show == NULL) {
        return;
    }
    destroy_values(show->bookings);
    destroy_values(show->holders);
    heap_destroy(show->deadlines);
    fingerprints_destroy(show->ended);
    seat_index_destroy(show->free_seats);
    free(show->seats);
    free(show->seat_sections);
    free(show->sections);
    free(show);
}

void show_set_settings(struct show *show, const struct show_settings *settings) {
    settings_ensure(show, settings);
    show->settings = *settings;
}

const struct show_settings *show_get_settings(const struct show *show) {
    return &show->settings;
}

int64_t show_next_deadline(const struct show *show) {
    const struct heap_node *first = heap_first(show->deadlines);
    return first == NULL ? INT64_MAX : first->key;
}

uint32_t show_seat_count(const struct show *show) {
    return show->seat_count;
}

enum seat_state show_seat_state(const struct show *show, uint32_t seat) {
    ensure(seat < show->seat_count);
    const struct live_booking *live = show->seats[seat];
    if (live == NULL) {
        return SEAT_AVAILABLE;
    }
    if (live == &show->blocked) {
        return SEAT_BLOCKED;
    }
    return live->booking.status == BOOKING_PENDING ? SEAT_HELD : SEAT_BOOKED;
}

struct show_counts show_count(const struct show *show) {
    return show->counts;
}

void show_pack_seats(const struct show *show, uint8_t *packed) {
    memset(packed, 0, packed_seats_bytes(show->seat_count));
    for (uint32_t seat = 0; seat < show->seat_count; seat++) {
        packed_seats_set(packed, seat, show_seat_state(show, seat));
    }
}

size_t show_size_bytes(const struct show *show) {
    return sizeof *show + show->section_count * sizeof *show->sections +
           show->seat_count * (sizeof *show->seat_sections + sizeof(struct live_booking *)) +
           seat_index_size_bytes(show->free_seats) + id_map_size_bytes(show->bookings) +
           id_map_count(show->bookings) * sizeof(struct live_booking) +
           id_map_size_bytes(show->holders) + id_map_count(show->holders) * sizeof(struct holder) +
           heap_size_bytes(show->deadlines) + fingerprints_size_bytes(show->ended);
}

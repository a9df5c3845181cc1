/*
 * catalogue_data: what catalogue_input has read, as plain data, for catalogue_sql. Internal to the
 * two.
 */
#ifndef USHER_SHARED_CATALOGUE_DATA_H
#define USHER_SHARED_CATALOGUE_DATA_H

#include "shared/catalogue_input.h"

struct text_block;

/* All texts belong to the venue. The arrays are parallel, ready to be sent as arrays of PostgreSQL.
 */
struct venue_input {
    const char *name, *city, *country, *time_zone;
    uint32_t category_count;
    const char *categories[PRICE_CATEGORIES_MAX];
    uint32_t section_count;
    struct venue_sections {
        const char *names[SHOW_SECTIONS_MAX];
        int16_t general[SHOW_SECTIONS_MAX]; /* 0 or 1 */
        int16_t categories[SHOW_SECTIONS_MAX];
        int32_t first_seats[SHOW_SECTIONS_MAX];
        int32_t seat_counts[SHOW_SECTIONS_MAX];
    } sections;
    uint32_t seat_count;
    struct venue_seats {
        const char **ids, **sections, **rows, **numbers;
    } seats;
    char *layout_json;
    struct text_block *texts;
};

/* What a document says of an event. Texts belong to `document`, a copy. */
struct event_fields {
    json_t *document;
    const char *name;        /* NULL: not given */
    const char *description; /* NULL: not given */
    int64_t start_us;        /* 0: not given */
    bool has_end;
    int64_t end_us; /* 0: none */
    bool has_artists;
    uint32_t artist_count;
    const char *artists[CATALOGUE_ARTISTS_MAX];
    char *room; /* JSON text; NULL: not given */
    struct event_patch_settings settings;
    bool priced_by_position; /* settings.prices are in the order of the venue's categories */
};

struct event_input {
    int64_t venue_id; /* 0 in a patch */
    struct event_fields fields;
    char *command_text; /* of a patch */
};

struct event_patch {
    struct event_fields fields;
};

#endif

#include "gateway/layout.h"

#include <jansson.h>
#include <stdlib.h>

struct layout {
    uint32_t references;
    uint32_t version;
    uint32_t seat_count;
    uint32_t section_count;
    struct layout_section *sections; /* their texts are in `names` */
    char *names;                     /* all names one after another, each with its NUL */
    size_t names_bytes;
    uint32_t *seat_names; /* where in `names` */
    uint32_t *by_name;    /* hash table with linear probing: seat + 1, or 0 where it is free */
    uint32_t places;      /* in it: a power of two, at least a quarter of them free */
    struct body *body;
};

static bool sections_cover(const struct layout_section *sections, uint32_t section_count,
                           uint32_t seat_count) {
    uint32_t next = 0;
    for (uint32_t i = 0; i < section_count; i++) {
        if (sections[i].first_seat != next || sections[i].seat_count == 0 ||
            sections[i].seat_count > seat_count - next) {
            return false;
        }
        next += sections[i].seat_count;
    }
    return next == seat_count;
}

static const char *add_name(struct layout *layout, const char *name) {
    char *at = layout->names + layout->names_bytes;
    size_t size = strlen(name) + 1;
    memcpy(at, name, size);
    layout->names_bytes += size;
    return at;
}

static uint32_t places_for(uint32_t seat_count) {
    uint32_t places = 4;
    while (places / 4 * 3 < seat_count) {
        places *= 2;
    }
    return places;
}

/* FNV-1a. */
static uint32_t hash_of(const char *name) {
    uint32_t hash = 2166136261;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * 16777619;
    }
    return hash;
}

/* Where in by_name the seat of that name is, or the free place where it would be. */
static uint32_t *find_place(const struct layout *layout, const char *name) {
    for (uint32_t at = hash_of(name);; at++) {
        uint32_t *place = &layout->by_name[at & (layout->places - 1)];
        if (*place == 0 || strcmp(name, layout_seat_id(layout, *place - 1)) == 0) {
            return place;
        }
    }
}

static void fill(struct layout *layout, const struct layout_section *sections,
                 const char *const *seat_ids) {
    for (uint32_t i = 0; i < layout->section_count; i++) {
        layout->sections[i] = sections[i];
        layout->sections[i].name = add_name(layout, sections[i].name);
        layout->sections[i].category = add_name(layout, sections[i].category);
    }
    for (uint32_t seat = 0; seat < layout->seat_count; seat++) {
        layout->seat_names[seat] = (uint32_t)layout->names_bytes;
        (void)add_name(layout, seat_ids[seat]);
        *find_place(layout, seat_ids[seat]) = seat + 1;
    }
}

enum status layout_create(uint32_t version, const struct layout_section *sections,
                          uint32_t section_count, const char *const *seat_ids, uint32_t seat_count,
                          struct body *body, struct layout **layout) {
    struct layout *made = NULL;
    enum status status = STATUS_INVALID;
    if (seat_count == 0 || seat_count > SHOW_SEATS_MAX || section_count > SHOW_SECTIONS_MAX ||
        !sections_cover(sections, section_count, seat_count)) {
        goto out;
    }
    size_t names_bytes = 0;
    for (uint32_t i = 0; i < section_count; i++) {
        names_bytes += strlen(sections[i].name) + strlen(sections[i].category) + 2;
    }
    for (uint32_t seat = 0; seat < seat_count; seat++) {
        names_bytes += strlen(seat_ids[seat]) + 1;
    }
    status = STATUS_NO_MEMORY;
    made = calloc(1, sizeof *made);
    if (made == NULL) {
        goto out;
    }
    *made = (struct layout){.references = 1,
                            .version = version,
                            .seat_count = seat_count,
                            .section_count = section_count,
                            .sections = calloc(section_count, sizeof *sections),
                            .names = malloc(names_bytes),
                            .seat_names = calloc(seat_count, sizeof(uint32_t)),
                            .by_name = calloc(places_for(seat_count), sizeof(uint32_t)),
                            .places = places_for(seat_count),
                            .body = body_keep(body)};
    if (made->sections != NULL && made->names != NULL && made->seat_names != NULL &&
        made->by_name != NULL) {
        fill(made, sections, seat_ids);
        *layout = made;
        made = NULL;
        status = STATUS_OK;
    }
out:
    layout_release(made);
    body_release(body);
    return status;
}

/* What layout_read_take gathers from the JSON; texts belong to the document. */
struct gathered {
    struct layout_section *sections;
    uint32_t section_count;
    const char **seat_ids;
    uint32_t seat_count;
};

static bool gather_seats(const json_t *section, struct gathered *gathered) {
    size_t row_index = 0;
    size_t seat_index = 0;
    const json_t *row = NULL;
    const json_t *seat = NULL;
    json_array_foreach(json_object_get(section, "rows"), row_index, row) {
        json_array_foreach(json_object_get(row, "seats"), seat_index, seat) {
            const char *id = json_string_value(json_object_get(seat, "id"));
            if (id == NULL || gathered->seat_count == SHOW_SEATS_MAX) {
                return false;
            }
            gathered->seat_ids[gathered->seat_count++] = id;
        }
    }
    return true;
}

static bool gather(const json_t *document, struct gathered *gathered) {
    size_t index = 0;
    const json_t *section = NULL;
    json_array_foreach(json_object_get(document, "sections"), index, section) {
        const char *name = json_string_value(json_object_get(section, "name"));
        const char *kind = json_string_value(json_object_get(section, "kind"));
        const char *category = json_string_value(json_object_get(section, "priceCategory"));
        uint32_t first_seat = gathered->seat_count;
        if (name == NULL || kind == NULL || category == NULL ||
            gathered->section_count == SHOW_SECTIONS_MAX || !gather_seats(section, gathered)) {
            return false;
        }
        gathered->sections[gathered->section_count++] =
            (struct layout_section){.name = name,
                                    .category = category,
                                    .general = strcmp(kind, "general") == 0,
                                    .first_seat = first_seat,
                                    .seat_count = gathered->seat_count - first_seat};
    }
    return true;
}

enum status layout_read_take(uint32_t version, struct body *body, struct layout **layout) {
    enum status status = STATUS_NO_MEMORY;
    json_t *document = json_loadb(body->data, body->size_bytes, 0, NULL);
    struct gathered gathered = {
        .sections = calloc(SHOW_SECTIONS_MAX, sizeof *gathered.sections),
        .seat_ids = calloc(SHOW_SEATS_MAX, sizeof *gathered.seat_ids),
    };
    if (document == NULL || gathered.sections == NULL || gathered.seat_ids == NULL) {
        body_release(body);
    } else if (!gather(document, &gathered)) {
        status = STATUS_INVALID;
        body_release(body);
    } else {
        status = layout_create(version, gathered.sections, gathered.section_count,
                               gathered.seat_ids, gathered.seat_count, body, layout);
    }
    free(gathered.sections);
    free(gathered.seat_ids);
    json_decref(document);
    return status;
}

struct layout *layout_keep(struct layout *layout) {
    layout->references++;
    return layout;
}

void layout_release(struct layout *layout) {
    if (layout != NULL && --layout->references == 0) {
        free(layout->sections);
        free(layout->names);
        free(layout->seat_names);
        free(layout->by_name);
        body_release(layout->body);
        free(layout);
    }
}

uint32_t layout_version(const struct layout *layout) {
    return layout->version;
}

uint32_t layout_seat_count(const struct layout *layout) {
    return layout->seat_count;
}

const char *layout_seat_id(const struct layout *layout, uint32_t seat) {
    ensure(seat < layout->seat_count);
    return layout->names + layout->seat_names[seat];
}

const struct layout_section *layout_section_of(const struct layout *layout, uint32_t seat) {
    uint32_t low = 0;
    uint32_t high = layout->section_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (layout->sections[middle].first_seat <= seat) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &layout->sections[low];
}

bool layout_find_seat(const struct layout *layout, const char *seat_id, uint32_t *seat) {
    uint32_t found = *find_place(layout, seat_id);
    if (found == 0) {
        return false;
    }
    *seat = found - 1;
    return true;
}

bool layout_find_section(const struct layout *layout, const char *name, uint32_t *section) {
    for (uint32_t i = 0; i < layout->section_count; i++) {
        if (strcmp(layout->sections[i].name, name) == 0) {
            *section = i;
            return true;
        }
    }
    return false;
}

const struct layout_section *layout_section_at(const struct layout *layout, uint32_t section) {
    ensure(section < layout->section_count);
    return &layout->sections[section];
}

struct body *layout_body(const struct layout *layout) {
    return layout->body;
}

size_t layout_memory_bytes(const struct layout *layout) {
    return sizeof *layout + layout->names_bytes +
           ((size_t)layout->seat_count + layout->places) * sizeof(uint32_t) +
           layout->section_count * sizeof layout->sections[0] + 2 * layout->body->size_bytes;
}

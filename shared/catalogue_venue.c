/*
 * A venue is read in two walks: the first checks the document and counts its seats, the second
 * builds the arrays and the layout's JSON, with room for exactly that many, and need not check
 * again. Only what concerns seats' ids shows in the second.
 */
#include "shared/catalogue_data.h"
#include "shared/catalogue_fields.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    TEXT_BLOCK_BYTES = 64 * 1024,
    COORDINATE_MAX = 100000,
    SECTION_GAP = 2, /* between sections laid out automatically, in seats */
};

/* --- texts */

struct text_block {
    struct text_block *next;
    size_t used_bytes;
    char data[TEXT_BLOCK_BYTES];
};

/* Copies `text`, which is far shorter than a block. NULL when there is no memory. */
static const char *venue_copy_text(struct venue_input *venue, const char *text) {
    size_t size = strlen(text) + 1;
    struct text_block *block = venue->texts;
    if (!block || TEXT_BLOCK_BYTES - block->used_bytes < size) {
        block = malloc(sizeof *block);
        if (!block) {
            return NULL;
        }
        block->next = venue->texts;
        block->used_bytes = 0;
        venue->texts = block;
    }
    char *copy = memcpy(block->data + block->used_bytes, text, size);
    block->used_bytes += size;
    return copy;
}

void venue_input_free(struct venue_input *venue) {
    if (!venue) {
        return;
    }
    while (venue->texts) {
        struct text_block *next = venue->texts->next;
        free(venue->texts);
        venue->texts = next;
    }
    free(venue->seats.ids);
    free(venue->seats.sections);
    free(venue->seats.rows);
    free(venue->seats.numbers);
    free(venue->layout_json);
    free(venue);
}

uint32_t venue_input_seat_count(const struct venue_input *venue) {
    return venue->seat_count;
}

const char *venue_input_layout_json(const struct venue_input *venue) {
    return venue->layout_json;
}

/* --- first walk: check and count */

/* An IANA name: "UTC" or Area/City. Whether there is such a zone, the database says when it stores.
 */
static bool is_time_zone_name(const char *text) {
    if (strcmp(text, "UTC") == 0) {
        return true;
    }
    size_t length = strlen(text);
    bool slash = false;
    for (size_t i = 0; i < length; i++) {
        slash |= text[i] == '/' && i > 0 && i + 1 < length;
        if (!isalnum((unsigned char)text[i]) && !strchr("/_+-", text[i])) {
            return false;
        }
    }
    return slash && isupper((unsigned char)text[0]);
}

static void check_head(const struct fields *fields, const char **name, const char **city,
                       const char **country, const char **time_zone) {
    fields_text(fields, "name", CATALOGUE_NAME_MAX_BYTES, FIELD_REQUIRED, name);
    fields_text(fields, "city", CATALOGUE_NAME_MAX_BYTES, FIELD_REQUIRED, city);
    if (fields_text(fields, "country", CATALOGUE_NAME_MAX_BYTES, FIELD_REQUIRED, country) &&
        (strlen(*country) != 2 || strspn(*country, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 2)) {
        problem_add(fields, "country", "must be a country of ISO 3166, two capitals, like NO");
    }
    if (fields_text(fields, "timeZone", CATALOGUE_NAME_MAX_BYTES, FIELD_REQUIRED, time_zone) &&
        !is_time_zone_name(*time_zone)) {
        problem_add(fields, "timeZone", "must be a time zone of IANA, like Europe/Oslo");
    }
}

/* Seats of a row: a number of them, or the list of their names. 0 when there is a problem. */
static size_t check_row_seats(const struct fields *row) {
    const json_t *seats = json_object_get(row->object, "seats");
    if (!json_is_array(seats)) {
        int64_t count = 0;
        fields_integer(row, "seats", 1, SHOW_SEATS_MAX, FIELD_REQUIRED, &count);
        return (size_t)count;
    }
    if (!fields_array(row, "seats", 1, SHOW_SEATS_MAX, FIELD_REQUIRED)) {
        return 0;
    }
    size_t index;
    const json_t *seat;
    const char *text;
    json_array_foreach(seats, index, seat) {
        char field[32];
        snprintf(field, sizeof field, "seats[%zu]", index);
        value_is_text(row, field, seat, CATALOGUE_SEAT_ID_MAX_BYTES, FIELD_REQUIRED, &text);
    }
    return json_array_size(seats);
}

static size_t check_rows(const struct fields *section) {
    static const char *const known[] = {"name", "seats", NULL};
    const json_t *rows = fields_array(section, "rows", 1, SHOW_SEATS_MAX, FIELD_REQUIRED);
    size_t count = 0;
    size_t index;
    const json_t *value;
    json_array_foreach(rows, index, value) {
        struct fields row;
        const char *text;
        if (fields_open_inside(&row, section, value, known, "rows[%zu]", index)) {
            fields_text(&row, "name", CATALOGUE_SEAT_ID_MAX_BYTES, FIELD_REQUIRED, &text);
            count += check_row_seats(&row);
        }
    }
    return count;
}

static size_t check_section(const struct fields *section) {
    const char *text;
    double number;
    fields_text(section, "priceCategory", CATALOGUE_NAME_MAX_BYTES, FIELD_REQUIRED, &text);
    fields_number(section, "x", COORDINATE_MAX, &number);
    fields_number(section, "y", COORDINATE_MAX, &number);
    bool has_rows = json_object_get(section->object, "rows") != NULL;
    bool general = json_object_get(section->object, "capacity") != NULL;
    fields_text(section, "name", CATALOGUE_SEAT_ID_MAX_BYTES,
                FIELD_REQUIRED | (general ? 0 : FIELD_MAY_BE_EMPTY), &text);
    if (has_rows == general) {
        problem_add(section, "rows", "either rows (seated) or capacity (general admission)");
        return 0;
    }
    if (has_rows) {
        return check_rows(section);
    }
    int64_t capacity = 0;
    fields_integer(section, "capacity", 1, SHOW_SEATS_MAX, FIELD_REQUIRED, &capacity);
    return (size_t)capacity;
}

/* A general section is asked for by its name, so nobody else may have it. */
static void check_general_names(const struct fields *venue, const json_t *sections) {
    size_t index;
    const json_t *section;
    json_array_foreach(sections, index, section) {
        const char *name = json_string_value(json_object_get(section, "name"));
        if (!name || !json_object_get(section, "capacity")) {
            continue;
        }
        for (size_t other = 0; other < json_array_size(sections); other++) {
            const char *other_name =
                json_string_value(json_object_get(json_array_get(sections, other), "name"));
            if (other != index && other_name && strcmp(name, other_name) == 0) {
                char field[CATALOGUE_PATH_SIZE];
                snprintf(field, sizeof field, "sections[%zu].name", index);
                problem_add(venue, field, "another section has the name of this general admission");
                break;
            }
        }
    }
}

static size_t check_sections(const struct fields *venue) {
    static const char *const known[] = {"name", "priceCategory", "x", "y",
                                        "rows", "capacity",      NULL};
    const json_t *sections = fields_array(venue, "sections", 1, SHOW_SECTIONS_MAX, FIELD_REQUIRED);
    size_t count = 0;
    size_t index;
    const json_t *value;
    json_array_foreach(sections, index, value) {
        struct fields section;
        if (fields_open_inside(&section, venue, value, known, "sections[%zu]", index)) {
            count += check_section(&section);
        }
    }
    if (count > SHOW_SEATS_MAX) {
        problem_add(venue, "sections", "must have at most %d seats in all", SHOW_SEATS_MAX);
    }
    check_general_names(venue, sections);
    return count;
}

/* --- second walk: build */

struct builder {
    struct venue_input *venue;
    const struct fields *fields; /* where problems go */
    FILE *layout;
    double bottom; /* of what was laid out so far */
    bool no_memory;
};

static void write_text(FILE *out, const char *text) {
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') {
            fputc('\\', out);
        }
        fputc(*text, out); /* control characters were refused */
    }
    fputc('"', out);
}

/* At most one decimal. */
static void write_coordinates(FILE *out, double x, double y) {
    long tenths_x = (long)(x * 10 + (x < 0 ? -0.5 : 0.5));
    long tenths_y = (long)(y * 10 + (y < 0 ? -0.5 : 0.5));
    fprintf(out, "\"x\":%.*f,\"y\":%.*f", tenths_x % 10 ? 1 : 0, (double)tenths_x / 10,
            tenths_y % 10 ? 1 : 0, (double)tenths_y / 10);
}

/* A section, and where its next seat goes. */
struct place {
    const char *section;
    const char *row;
    bool general;
    double x, y; /* top left of the section */
    size_t width;
};

static void build_seat(struct builder *builder, const struct place *place, const char *number,
                       bool first, double x, double y) {
    struct venue_input *venue = builder->venue;
    char id[3 * CATALOGUE_SEAT_ID_MAX_BYTES + 3];
    if (place->general) {
        snprintf(id, sizeof id, "%s-%s", place->section, number);
    } else if (place->section[0]) {
        snprintf(id, sizeof id, "%s-%s-%s", place->section, place->row, number);
    } else {
        snprintf(id, sizeof id, "%s%s", place->row, number);
    }
    if (strlen(id) > CATALOGUE_SEAT_ID_MAX_BYTES) {
        problem_add(builder->fields, "sections", "a seat id is longer than %d bytes: %s",
                    CATALOGUE_SEAT_ID_MAX_BYTES, id);
    }
    uint32_t seat = venue->seat_count++;
    venue->seats.ids[seat] = venue_copy_text(venue, id);
    venue->seats.sections[seat] = place->section;
    venue->seats.rows[seat] = place->row;
    venue->seats.numbers[seat] = venue_copy_text(venue, number);
    builder->no_memory |= !venue->seats.ids[seat] || !venue->seats.numbers[seat];

    fputs(first ? "{\"id\":" : ",{\"id\":", builder->layout);
    write_text(builder->layout, id);
    fputs(",\"number\":", builder->layout);
    write_text(builder->layout, number);
    fputc(',', builder->layout);
    write_coordinates(builder->layout, x, y);
    fputc('}', builder->layout);
}

static size_t row_width(const json_t *row) {
    const json_t *seats = json_object_get(row, "seats");
    return json_is_array(seats) ? json_array_size(seats) : (size_t)json_integer_value(seats);
}

static void build_rows(struct builder *builder, struct place *place, const json_t *rows) {
    size_t row_index;
    const json_t *row;
    json_array_foreach(rows, row_index, row) {
        const json_t *seats = json_object_get(row, "seats");
        size_t width = row_width(row);
        double x = place->x + (double)(place->width - width) / 2;
        const char *name = json_string_value(json_object_get(row, "name"));
        place->row = venue_copy_text(builder->venue, name);
        builder->no_memory |= !place->row;
        fputs(row_index == 0 ? "{\"name\":" : ",{\"name\":", builder->layout);
        write_text(builder->layout, name);
        fputs(",\"seats\":[", builder->layout);
        for (size_t i = 0; i < width && !builder->no_memory; i++) {
            char number[24];
            snprintf(number, sizeof number, "%zu", i + 1);
            const json_t *named = json_array_get(seats, i);
            build_seat(builder, place, named ? json_string_value(named) : number, i == 0,
                       x + (double)i, place->y + (double)row_index);
        }
        fputs("]}", builder->layout);
    }
}

/* General admission: one row "", its places in a block twice as wide as deep. */
static void build_general(struct builder *builder, struct place *place, size_t capacity) {
    place->general = true;
    place->row = "";
    fputs("{\"name\":\"\",\"seats\":[", builder->layout);
    for (size_t i = 0; i < capacity && !builder->no_memory; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        build_seat(builder, place, number, i == 0, place->x + (double)(i % place->width),
                   place->y + (double)(i / place->width));
    }
    fputs("]}", builder->layout);
}

static int16_t venue_category(struct builder *builder, const char *name) {
    struct venue_input *venue = builder->venue;
    for (uint32_t i = 0; i < venue->category_count; i++) {
        if (strcmp(venue->categories[i], name) == 0) {
            return (int16_t)i;
        }
    }
    if (venue->category_count == PRICE_CATEGORIES_MAX) {
        problem_add(builder->fields, "sections", "must have at most %d price categories",
                    PRICE_CATEGORIES_MAX);
        return 0;
    }
    const char *copy = venue_copy_text(venue, name);
    if (!copy) {
        builder->no_memory = true;
        return 0;
    }
    venue->categories[venue->category_count] = copy;
    return (int16_t)venue->category_count++;
}

/* Where a section lies and how wide it is: as said, or centred below what is there already. */
static void place_section(struct builder *builder, struct place *place, const json_t *section,
                          size_t capacity) {
    const json_t *rows = json_object_get(section, "rows");
    size_t depth = json_array_size(rows);
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row) {
        size_t width = row_width(row);
        place->width = width > place->width ? width : place->width;
    }
    if (capacity > 0) {
        for (place->width = 1; place->width * place->width < 2 * capacity; place->width++) {
        }
        depth = (capacity + place->width - 1) / place->width;
    }
    const json_t *x = json_object_get(section, "x");
    const json_t *y = json_object_get(section, "y");
    place->x = x ? json_number_value(x) : (double)-(int64_t)place->width / 2;
    place->y = y ? json_number_value(y) : builder->bottom;
    double bottom = place->y + (double)depth + SECTION_GAP;
    builder->bottom = bottom > builder->bottom ? bottom : builder->bottom;
}

static void build_section(struct builder *builder, const json_t *section) {
    struct venue_input *venue = builder->venue;
    FILE *layout = builder->layout;
    uint32_t number = venue->section_count++;
    size_t capacity = (size_t)json_integer_value(json_object_get(section, "capacity"));
    const char *category = json_string_value(json_object_get(section, "priceCategory"));
    struct place place = {0};
    place.section = venue_copy_text(venue, json_string_value(json_object_get(section, "name")));
    if (!place.section) {
        builder->no_memory = true;
        return;
    }
    place_section(builder, &place, section, capacity);
    venue->sections.names[number] = place.section;
    venue->sections.general[number] = capacity > 0;
    venue->sections.categories[number] = venue_category(builder, category);
    venue->sections.first_seats[number] = (int32_t)venue->seat_count;

    fputs(number == 0 ? "{\"name\":" : ",{\"name\":", layout);
    write_text(layout, place.section);
    fprintf(layout, ",\"kind\":\"%s\",\"priceCategory\":", capacity > 0 ? "general" : "seated");
    write_text(layout, category);
    fputc(',', layout);
    write_coordinates(layout, place.x, place.y);
    if (capacity > 0) {
        fprintf(layout, ",\"capacity\":%zu", capacity);
    }
    fputs(",\"rows\":[", layout);
    if (capacity > 0) {
        build_general(builder, &place, capacity);
    } else {
        build_rows(builder, &place, json_object_get(section, "rows"));
    }
    fputs("]}", layout);
    venue->sections.seat_counts[number] =
        (int32_t)venue->seat_count - venue->sections.first_seats[number];
}

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every pair of equal ids is one problem. */
static enum status check_ids_differ(const struct venue_input *venue, const struct fields *fields) {
    const char **sorted = calloc(venue->seat_count, sizeof *sorted);
    if (!sorted) {
        return STATUS_NO_MEMORY;
    }
    memcpy(sorted, venue->seats.ids, venue->seat_count * sizeof *sorted);
    qsort(sorted, venue->seat_count, sizeof *sorted, compare_texts);
    for (uint32_t i = 1; i < venue->seat_count; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) == 0) {
            problem_add(fields, "sections", "two seats have the id \"%s\"", sorted[i]);
        }
    }
    free(sorted);
    return STATUS_OK;
}

static enum status build_layout(struct venue_input *venue, const struct fields *fields) {
    struct builder builder = {.venue = venue, .fields = fields};
    size_t layout_bytes;
    builder.layout = open_memstream(&venue->layout_json, &layout_bytes);
    if (!builder.layout) {
        return STATUS_NO_MEMORY;
    }
    fputc('[', builder.layout);
    const json_t *sections = json_object_get(fields->object, "sections");
    for (size_t i = 0; i < json_array_size(sections) && !builder.no_memory; i++) {
        build_section(&builder, json_array_get(sections, i));
    }
    fputc(']', builder.layout);
    bool failed = ferror(builder.layout) != 0;
    failed |= fclose(builder.layout) != 0;
    return failed || builder.no_memory ? STATUS_NO_MEMORY : check_ids_differ(venue, fields);
}

static enum status build_venue(struct venue_input *venue, const struct fields *fields,
                               size_t seat_count) {
    venue->seats.ids = calloc(seat_count, sizeof *venue->seats.ids);
    venue->seats.sections = calloc(seat_count, sizeof *venue->seats.sections);
    venue->seats.rows = calloc(seat_count, sizeof *venue->seats.rows);
    venue->seats.numbers = calloc(seat_count, sizeof *venue->seats.numbers);
    if (!venue->seats.ids || !venue->seats.sections || !venue->seats.rows ||
        !venue->seats.numbers) {
        return STATUS_NO_MEMORY;
    }
    venue->name = venue_copy_text(venue, venue->name);
    venue->city = venue_copy_text(venue, venue->city);
    venue->country = venue_copy_text(venue, venue->country);
    venue->time_zone = venue_copy_text(venue, venue->time_zone);
    if (!venue->name || !venue->city || !venue->country || !venue->time_zone) {
        return STATUS_NO_MEMORY;
    }
    return build_layout(venue, fields);
}

enum status venue_input_read(const json_t *document, struct venue_input **result,
                             struct catalogue_problems *problems) {
    static const char *const known[] = {"name", "city", "country", "timeZone", "sections", NULL};
    *problems = (struct catalogue_problems){0};
    struct fields fields;
    if (!fields_open(&fields, problems, document, "", known)) {
        return STATUS_INVALID;
    }
    struct venue_input *venue = calloc(1, sizeof *venue);
    if (!venue) {
        return STATUS_NO_MEMORY;
    }
    check_head(&fields, &venue->name, &venue->city, &venue->country, &venue->time_zone);
    size_t seat_count = check_sections(&fields);
    enum status status = STATUS_INVALID;
    if (problems->count == 0) {
        status = build_venue(venue, &fields, seat_count);
    }
    if (status == STATUS_OK && problems->count > 0) {
        status = STATUS_INVALID;
    }
    if (status != STATUS_OK) {
        venue_input_free(venue);
        return status;
    }
    *result = venue;
    return STATUS_OK;
}

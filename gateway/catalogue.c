#include "gateway/catalogue.h"

#include "gateway/sql.h"
#include "shared/id_map.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    LAYOUTS_LIMIT_BYTES = 256 << 20,
    EVENTS_LIMIT_BYTES = 64 << 20,
    LISTS_LIMIT_BYTES = 32 << 20,
};

struct catalogue {
    struct reads *reads;
    struct keep *keep;
    struct fresh *layouts; /* by venue and version */
    struct fresh *events;  /* by event id */
    struct fresh *lists;   /* by search_query_key */
};

/* One thing on its way from the database into a cache. */
struct load {
    struct catalogue *catalogue;
    struct fresh_entry *entry;
    struct catalogue_event *event; /* an event whose layout is wanted */
    int64_t true_us;               /* of an event from the disk; else 0 */
    uint32_t version;              /* a layout's */
    char name[KEEP_NAME_SIZE];     /* of its copy on disk; "" when none is kept */
    /* Makes the value of a copy; false when it can't be used. */
    bool (*recall)(struct load *load, char *data, size_t size_bytes, int64_t true_us);
};

/* What is not remembered may be on the disk. */
static bool load_recalled(struct load *load) {
    char *data = NULL;
    size_t size_bytes = 0;
    int64_t written_us = 0;
    if (fresh_is_known(load->entry) || load->name[0] == '\0' || load->recall == NULL ||
        keep_read(load->catalogue->keep, load->name, &data, &size_bytes, &written_us) !=
            STATUS_OK) {
        return false;
    }
    bool (*recall)(struct load *, char *, size_t, int64_t) = load->recall;
    load->recall = NULL; /* once: a copy that can't be used is no better the second time */
    bool recalled = recall(load, data, size_bytes, keep_monotonic_us(written_us));
    free(data);
    return recalled;
}

static void load_failed(struct load *load, const struct database_answer *answer) {
    if (answer != NULL && answer->outcome == DATABASE_FAILED) {
        log_write(
            LOG_ERROR, "catalogue-read-failed",
            "The database refuses a statement of the catalogue. Looking is served from memory.",
            LOG_TEXT("why", answer->error));
    }
    if (!load_recalled(load)) {
        fresh_loaded(load->entry, FRESH_UNAVAILABLE, NULL, 0, clock_monotonic_us());
        free(load);
    }
}

static void load_keep(const struct load *load, const void *data, size_t size_bytes) {
    if (load->name[0] != '\0') {
        keep_write(load->catalogue->keep, load->name, data, size_bytes, clock_wall_us());
    }
}

static struct load *load_create(struct catalogue *catalogue, struct fresh_entry *entry) {
    struct load *load = calloc(1, sizeof *load);
    if (load == NULL) {
        fresh_loaded(entry, FRESH_UNAVAILABLE, NULL, 0, clock_monotonic_us());
        return NULL;
    }
    *load = (struct load){.catalogue = catalogue, .entry = entry};
    return load;
}

static void load_send_take(struct load *load, struct database_group *group,
                           database_answer_handler *on_answer) {
    if (group == NULL || database_group_send_take(group, on_answer, load) != STATUS_OK) {
        load_failed(load, NULL);
    }
}

/* --- layouts */

struct layout_key {
    int64_t venue_id;
    int64_t version;
};

static struct body *layout_body_of(const PGresult *head, uint32_t version) {
    struct text text = {0};
    text_format(&text, "{\"layoutVersion\":%" PRIu32 ",\"sections\":", version);
    text_put(&text, database_text(head, 0, 1));
    text_put(&text, "}");
    return body_create_take(&text, NULL);
}

static enum status layout_of(const struct database_answer *answer, uint32_t version,
                             struct layout **layout) {
    const PGresult *head = answer->results[0];
    const PGresult *sections = answer->results[1];
    const PGresult *seats = answer->results[2];
    if (PQntuples(head) != 1) {
        return STATUS_NOT_FOUND;
    }
    uint32_t section_count = (uint32_t)PQntuples(sections);
    uint32_t seat_count = (uint32_t)PQntuples(seats);
    struct layout_section *section_rows = calloc(section_count, sizeof *section_rows);
    const char **seat_ids = calloc(seat_count, sizeof *seat_ids);
    struct body *body = layout_body_of(head, version);
    enum status status = STATUS_NO_MEMORY;
    if (section_rows != NULL && seat_ids != NULL && body != NULL) {
        for (int row = 0; row < (int)section_count; row++) {
            section_rows[row] =
                (struct layout_section){.name = database_text(sections, row, 0),
                                        .general = database_bool(sections, row, 1),
                                        .category = database_text(sections, row, 2),
                                        .first_seat = (uint32_t)database_i32(sections, row, 3),
                                        .seat_count = (uint32_t)database_i32(sections, row, 4)};
        }
        for (int row = 0; row < (int)seat_count; row++) {
            seat_ids[row] = database_text(seats, row, 0);
        }
        status =
            layout_create(version, section_rows, section_count, seat_ids, seat_count, body, layout);
    } else {
        body_release(body);
    }
    free(section_rows);
    free(seat_ids);
    return status;
}

static void on_layout(void *context, const struct database_answer *answer) {
    struct load *load = context;
    struct layout *layout = NULL;
    if (answer->outcome != DATABASE_DONE) {
        load_failed(load, answer);
        return;
    }
    enum status status = layout_of(answer, load->version, &layout);
    if (status != STATUS_OK) {
        log_write(LOG_ERROR, "layout-unusable",
                  "A layout in the database can't be used; its events can't be looked at.",
                  LOG_TEXT("why", status_text(status)));
        load_failed(load, NULL);
        return;
    }
    load_keep(load, layout_body(layout)->data, layout_body(layout)->size_bytes);
    fresh_loaded(load->entry, FRESH_FOUND, layout, layout_memory_bytes(layout),
                 clock_monotonic_us());
    free(load);
}

/* A layout's copy is its answer: names, sections and seats are all in there. */
static bool recall_layout(struct load *load, char *data, size_t size_bytes, int64_t true_us) {
    struct text text = {0};
    struct layout *layout = NULL;
    text_add(&text, data, size_bytes);
    struct body *body = body_create_take(&text, NULL);
    if (body == NULL || layout_read_take(load->version, body, &layout) != STATUS_OK) {
        return false;
    }
    fresh_recalled(load->entry, layout, layout_memory_bytes(layout), true_us, clock_monotonic_us());
    free(load);
    return true;
}

static void load_layout(void *context, struct fresh_entry *entry, const struct id128 *key,
                        const void *detail) {
    (void)detail;
    struct catalogue *catalogue = context;
    struct load *load = load_create(catalogue, entry);
    if (load == NULL) {
        return;
    }
    struct layout_key wanted;
    memcpy(&wanted, key->bytes, sizeof wanted);
    load->version = (uint32_t)wanted.version;
    load->recall = recall_layout;
    (void)snprintf(load->name, sizeof load->name, "layout-%" PRId64 "-%" PRId64, wanted.venue_id,
                   wanted.version);
    const struct database_statement *const statements[] = {&sql_layout, &sql_layout_sections,
                                                           &sql_layout_seats};
    struct database_group *group = reads_group(catalogue->reads, READS_CATALOGUE);
    for (size_t i = 0; group != NULL && i < ARRAY_LEN(statements); i++) {
        database_group_add(group, statements[i]);
        database_group_i64(group, wanted.venue_id);
        database_group_i32(group, (int32_t)wanted.version);
    }
    load_send_take(load, group, on_layout);
}

static void release_layout(void *value) {
    layout_release(value);
}

/* --- events */

static void release_event(void *value) {
    struct catalogue_event *event = value;
    layout_release(event->layout);
    body_release(event->body);
    free(event);
}

static void on_layout_of_event(void *context, enum fresh_outcome outcome, void *value,
                               int64_t age_us) {
    (void)age_us;
    struct load *load = context;
    struct catalogue_event *event = load->event;
    if (outcome != FRESH_FOUND) {
        release_event(event);
        load_failed(load, NULL);
        return;
    }
    event->layout = layout_keep(value);
    size_t size_bytes = sizeof *event + 2 * body_memory_bytes(event->body);
    if (load->true_us != 0) {
        fresh_recalled(load->entry, event, size_bytes, load->true_us, clock_monotonic_us());
    } else {
        fresh_loaded(load->entry, FRESH_FOUND, event, size_bytes, clock_monotonic_us());
    }
    free(load);
}

static void want_layout(struct load *load, const struct layout_key *wanted) {
    struct id128 key;
    memcpy(key.bytes, wanted, sizeof *wanted);
    fresh_want(load->catalogue->layouts, &key, NULL, true, clock_monotonic_us(), on_layout_of_event,
               load);
}

/* An event's copy: "DRAFT VENUE VERSION ID ROOM_OFF GUESTS\n" and its page. */
static void keep_event(const struct load *load, const struct layout_key *layout) {
    if (!keep_wants(load->catalogue->keep, load->name, clock_wall_us())) {
        return;
    }
    struct text text = {0};
    text_format(&text, "%d %" PRId64 " %" PRId64 " %" PRIu64 " %d %d\n", load->event->draft,
                layout->venue_id, layout->version, load->event->event_id, load->event->room_off,
                load->event->guests);
    text_add(&text, load->event->body->data, load->event->body->size_bytes);
    if (!text.failed) {
        load_keep(load, text.data, text.size_bytes);
    }
    text_free(&text);
}

/* The next number of a copy's first line. */
static int64_t read_number(char **at) {
    char *end = *at;
    int64_t number = strtoll(*at, &end, 10);
    *at = end + (end > *at && (*end == ' ' || *end == '\n'));
    return number;
}

static bool recall_event(struct load *load, char *data, size_t size_bytes, int64_t true_us) {
    char *at = data;
    bool draft = read_number(&at) != 0;
    struct layout_key layout = {.venue_id = read_number(&at)};
    layout.version = read_number(&at);
    uint64_t event_id = (uint64_t)read_number(&at);
    bool room_off = read_number(&at) != 0;
    bool guests = read_number(&at) != 0;
    struct text text = {0};
    text_add(&text, at, size_bytes - (size_t)(at - data));
    struct catalogue_event *event = calloc(1, sizeof *event);
    struct body *body = body_create_take(&text, NULL);
    if (event == NULL || body == NULL) {
        body_release(body);
        free(event);
        return false;
    }
    *event = (struct catalogue_event){
        .event_id = event_id, .draft = draft, .room_off = room_off, .guests = guests, .body = body};
    load->event = event;
    load->true_us = true_us;
    want_layout(load, &layout);
    return true;
}

static struct catalogue_event *event_of(const PGresult *row) {
    struct catalogue_event *event = calloc(1, sizeof *event);
    if (event == NULL) {
        return NULL;
    }
    struct text text = {0};
    text_put(&text, database_text(row, 0, 3));
    event->draft = database_i16(row, 0, 0) == 0;
    event->room_off = database_bool(row, 0, 5);
    event->guests = database_bool(row, 0, 6);
    event->body = body_create_take(&text, NULL);
    if (event->body == NULL) {
        free(event);
        return NULL;
    }
    return event;
}

static void on_event(void *context, const struct database_answer *answer) {
    struct load *load = context;
    if (answer->outcome != DATABASE_DONE) {
        load_failed(load, answer);
        return;
    }
    const PGresult *row = answer->results[0];
    if (PQntuples(row) == 0) {
        fresh_loaded(load->entry, FRESH_ABSENT, NULL, 0, clock_monotonic_us());
        free(load);
        return;
    }
    uint64_t event_id = (uint64_t)database_i64(row, 0, 4);
    load->event = event_of(row);
    if (load->event == NULL) {
        load_failed(load, NULL);
        return;
    }
    load->event->event_id = event_id;
    const struct layout_key layout = {.venue_id = database_i64(row, 0, 1),
                                      .version = database_i32(row, 0, 2)};
    keep_event(load, &layout);
    want_layout(load, &layout);
}

static void load_event(void *context, struct fresh_entry *entry, const struct id128 *key,
                       const void *detail) {
    (void)key;
    struct catalogue *catalogue = context;
    struct load *load = load_create(catalogue, entry);
    if (load == NULL) {
        return;
    }
    uint64_t event_id = *(const uint64_t *)detail;
    load->recall = recall_event;
    (void)snprintf(load->name, sizeof load->name, "event-%" PRIu64, event_id);
    struct database_group *group = reads_group(catalogue->reads, READS_CATALOGUE);
    if (group != NULL) {
        database_group_add(group, &sql_event);
        database_group_i64(group, (int64_t)event_id);
    }
    load_send_take(load, group, on_event);
}

/* --- lists */

static void on_list(void *context, const struct search_page *page) {
    struct load *load = context;
    struct text text = {0};
    if (page == NULL) {
        load_failed(load, NULL);
        return;
    }
    text_put(&text, "{\"events\":[");
    text_put(&text, page->events);
    text_put(&text, "],\"nextCursor\":");
    if (page->next != NULL) {
        text_json(&text, page->next);
    } else {
        text_put(&text, "null");
    }
    text_put(&text, "}");
    struct body *body = body_create_take(&text, NULL);
    if (body == NULL) {
        load_failed(load, NULL);
        return;
    }
    load_keep(load, body->data, body->size_bytes);
    fresh_loaded(load->entry, FRESH_FOUND, body, 2 * body_memory_bytes(body), clock_monotonic_us());
    free(load);
}

static bool recall_list(struct load *load, char *data, size_t size_bytes, int64_t true_us) {
    struct text text = {0};
    text_add(&text, data, size_bytes);
    struct body *body = body_create_take(&text, NULL);
    if (body == NULL) {
        return false;
    }
    fresh_recalled(load->entry, body, 2 * body_memory_bytes(body), true_us, clock_monotonic_us());
    free(load);
    return true;
}

static void load_list(void *context, struct fresh_entry *entry, const struct id128 *key,
                      const void *detail) {
    struct catalogue *catalogue = context;
    const struct search_query *query = detail;
    struct load *load = load_create(catalogue, entry);
    if (load == NULL) {
        return;
    }
    if (query->words == NULL) { /* what people type is too much and too personal to be kept */
        char text[ID128_TEXT_SIZE];
        load->recall = recall_list;
        (void)snprintf(load->name, sizeof load->name, "list-%s", id128_to_text(key, text));
    }
    search_events(catalogue->reads, query, on_list, load);
}

static void release_body(void *value) {
    body_release(value);
}

/* --- the whole */

struct catalogue *catalogue_create(struct reads *reads, struct keep *keep) {
    struct catalogue *catalogue = calloc(1, sizeof *catalogue);
    if (catalogue == NULL) {
        return NULL;
    }
    struct fresh_config config = {.limit_bytes = LAYOUTS_LIMIT_BYTES,
                                  .max_age_us = INT64_MAX,
                                  .patience_us = (int64_t)CATALOGUE_PATIENCE_MS * 1000,
                                  .load = load_layout,
                                  .release = release_layout,
                                  .context = catalogue};
    catalogue->reads = reads;
    catalogue->keep = keep;
    catalogue->layouts = fresh_create(&config);
    config.limit_bytes = EVENTS_LIMIT_BYTES;
    config.max_age_us = (int64_t)CATALOGUE_FRESH_MS * 1000;
    config.load = load_event;
    config.release = release_event;
    catalogue->events = fresh_create(&config);
    config.limit_bytes = LISTS_LIMIT_BYTES;
    config.load = load_list;
    config.release = release_body;
    catalogue->lists = fresh_create(&config);
    if (catalogue->layouts == NULL || catalogue->events == NULL || catalogue->lists == NULL) {
        catalogue_destroy(catalogue);
        return NULL;
    }
    return catalogue;
}

void catalogue_destroy(struct catalogue *catalogue) {
    if (catalogue != NULL) {
        fresh_destroy(catalogue->lists);
        fresh_destroy(catalogue->events);
        fresh_destroy(catalogue->layouts);
        free(catalogue);
    }
}

void catalogue_want_event(struct catalogue *catalogue, uint64_t event_id, bool any_age,
                          fresh_handler *handler, void *context) {
    struct id128 key = id128_of_u64(event_id);
    fresh_want(catalogue->events, &key, &event_id, any_age, clock_monotonic_us(), handler, context);
}

const struct catalogue_event *catalogue_peek_event(struct catalogue *catalogue, uint64_t event_id) {
    struct id128 key = id128_of_u64(event_id);
    return fresh_peek(catalogue->events, &key);
}

void catalogue_expire_event(struct catalogue *catalogue, uint64_t event_id) {
    struct id128 key = id128_of_u64(event_id);
    fresh_expire(catalogue->events, &key);
}

void catalogue_want_list(struct catalogue *catalogue, const struct search_query *query,
                         fresh_handler *handler, void *context) {
    struct id128 key = search_query_key(query);
    fresh_want(catalogue->lists, &key, query, false, clock_monotonic_us(), handler, context);
}

void catalogue_tick(struct catalogue *catalogue) {
    fresh_tick(catalogue->events, clock_monotonic_us());
    fresh_tick(catalogue->lists, clock_monotonic_us());
}

const char *catalogue_part_text(enum catalogue_part part) {
    static const char *const texts[CATALOGUE_PART_COUNT] = {
        [CATALOGUE_LAYOUTS] = "layouts",
        [CATALOGUE_EVENTS] = "events",
        [CATALOGUE_LISTS] = "lists",
    };
    return texts[part];
}

const struct fresh_numbers *catalogue_numbers(const struct catalogue *catalogue,
                                              enum catalogue_part part) {
    const struct fresh *const caches[CATALOGUE_PART_COUNT] = {
        [CATALOGUE_LAYOUTS] = catalogue->layouts,
        [CATALOGUE_EVENTS] = catalogue->events,
        [CATALOGUE_LISTS] = catalogue->lists,
    };
    return fresh_numbers(caches[part]);
}

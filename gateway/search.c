#include "gateway/search.h"

#include "gateway/sql.h"
#include "gateway/text.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <endian.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLASSES_MAX = 4, RESPELLED_BIT = 0x10, CLASS_MASK = 0x0f };

/* A search under way: first the queries of its classes, then one after the other until the page is
 * full. */
struct search {
    struct reads *reads;
    search_handler *handler;
    void *context;
    struct search_query query; /* of copied texts */
    char *texts[3];
    uint32_t class_count;
    char *classes[CLASSES_MAX];
    uint32_t class_no; /* in turn */
    bool respelled;
    struct search_position last; /* event on the page */
    uint32_t count;
    bool more;
    struct text events;
};

/* Within what PostgreSQL takes for a time, and far outside what anybody plans. */
static const int64_t time_limit_us = INT64_C(200000000000000000);

static const char *const states[] = {"SCHEDULED", "ON_SALE", "PAUSED", "SALE_ENDED", "CANCELLED"};

bool search_knows_state(const char *state) {
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (strcmp(states[i], state) == 0) {
            return true;
        }
    }
    return false;
}

bool search_read_time(const char *text, struct search_time *time) {
    char midnight[sizeof "2026-12-01T00:00:00Z"];
    if (time_from_text(text, &time->unix_us)) {
        time->kind = SEARCH_TIME_INSTANT;
        return true;
    }
    if (strlen(text) != sizeof "2026-12-01" - 1) {
        return false;
    }
    (void)snprintf(midnight, sizeof midnight, "%sT00:00:00Z", text);
    time->kind = SEARCH_TIME_DAY;
    return time_from_text(midnight, &time->unix_us);
}

/* --- cursors
 * -------------------------------------------------------------------------------------- */

static void put_length_and_text(struct text *text, const char *given) {
    text_format(text, "%zu:", given != NULL ? strlen(given) + 1 : 0);
    text_put(text, given != NULL ? given : "");
}

/* Of query and position. Lengths stand in front of texts, so that no two read the same. */
static struct id128 digest(const struct search_query *query, const struct search_position *at,
                           uint32_t limit) {
    struct text text = {0};
    uint8_t hash[EVP_MAX_MD_SIZE] = {0};
    struct id128 digest;
    text_format(&text, "%u:%d:%" PRId64 ":%d:%" PRId64 ":%" PRIu64 ":%" PRId64 ":%u:%d:", limit,
                query->from.kind, query->from.unix_us, query->to.kind, query->to.unix_us,
                at->event_id, at->start_us, at->class_no, at->respelled);
    put_length_and_text(&text, query->words);
    put_length_and_text(&text, query->city);
    put_length_and_text(&text, query->state);
    ensure(!text.failed);
    ensure(EVP_Digest(text.data, text.size_bytes, hash, NULL, EVP_sha256(), NULL) == 1);
    memcpy(digest.bytes, hash, sizeof digest.bytes);
    text_free(&text);
    return digest;
}

struct id128 search_query_key(const struct search_query *query) {
    return digest(query, &query->after, query->limit);
}

/* Start time and id, then the digest, whose last byte gives way to the class. */
static void write_cursor(const struct search_query *query, const struct search_position *at,
                         char cursor[SEARCH_CURSOR_SIZE]) {
    uint64_t parts[2] = {htobe64((uint64_t)at->start_us), htobe64(at->event_id)};
    struct id128 where;
    struct id128 check = digest(query, at, 0);
    memcpy(where.bytes, parts, sizeof parts);
    check.bytes[15] = (uint8_t)(at->class_no | (at->respelled ? RESPELLED_BIT : 0));
    (void)id128_to_text(&where, cursor);
    (void)id128_to_text(&check, cursor + ID128_TEXT_SIZE - 1);
}

bool search_read_cursor(const char *text, struct search_query *query) {
    char halves[2][ID128_TEXT_SIZE] = {{0}};
    char again[SEARCH_CURSOR_SIZE];
    struct id128 where;
    struct id128 check;
    uint64_t parts[2];
    if (strlen(text) != SEARCH_CURSOR_SIZE - 1) {
        return false;
    }
    memcpy(halves[0], text, ID128_TEXT_SIZE - 1);
    memcpy(halves[1], text + ID128_TEXT_SIZE - 1, ID128_TEXT_SIZE - 1);
    if (id128_from_text(halves[0], &where) != STATUS_OK ||
        id128_from_text(halves[1], &check) != STATUS_OK) {
        return false;
    }
    memcpy(parts, where.bytes, sizeof parts);
    query->after = (struct search_position){.start_us = (int64_t)be64toh(parts[0]),
                                            .event_id = be64toh(parts[1]),
                                            .class_no = check.bytes[15] & CLASS_MASK,
                                            .respelled = (check.bytes[15] & RESPELLED_BIT) != 0};
    write_cursor(query, &query->after, again);
    return query->after.event_id != 0 && query->after.event_id <= INT64_MAX &&
           llabs(query->after.start_us) < time_limit_us && strcmp(text, again) == 0;
}

/* --- the course of a search
 * ----------------------------------------------------------------------- */

static void forget_classes(struct search *search) {
    for (size_t i = 0; i < CLASSES_MAX; i++) {
        free(search->classes[i]);
        search->classes[i] = NULL;
    }
    search->class_count = 0;
}

static void search_free(struct search *search) {
    forget_classes(search);
    text_free(&search->events);
    for (size_t i = 0; i < ARRAY_LEN(search->texts); i++) {
        free(search->texts[i]);
    }
    free(search);
}

static void fail(struct search *search, const struct database_answer *answer) {
    if (answer != NULL && answer->outcome == DATABASE_FAILED) {
        log_write(LOG_ERROR, "search-failed",
                  "The database refuses a search. Lists are served from memory.",
                  LOG_TEXT("why", answer->error));
    }
    search->handler(search->context, NULL);
    search_free(search);
}

static void finish(struct search *search) {
    char cursor[SEARCH_CURSOR_SIZE];
    text_add(&search->events, "", 1);
    if (search->events.failed) {
        fail(search, NULL);
        return;
    }
    if (search->more) {
        write_cursor(&search->query, &search->last, cursor);
    }
    const struct search_page page = {.count = search->count,
                                     .events = search->events.data,
                                     .next = search->more ? cursor : NULL};
    search->handler(search->context, &page);
    search_free(search);
}

static void send_take(struct search *search, struct database_group *group,
                      database_answer_handler *on_answer) {
    if (group == NULL || database_group_send_take(group, on_answer, search) != STATUS_OK) {
        fail(search, NULL);
    }
}

static void bind_time(struct database_group *group, const struct search_time *time,
                      enum search_time_kind kind) {
    if (time->kind == kind) {
        database_group_time(group, time->unix_us);
    } else {
        database_group_null(group);
    }
}

/* `after` NULL: from the beginning. */
static void bind_filters(struct database_group *group, const struct search *search,
                         const struct search_position *after) {
    const struct search_query *query = &search->query;
    database_group_text(group, query->city);
    database_group_text(group, query->state);
    bind_time(group, &query->from, SEARCH_TIME_INSTANT);
    bind_time(group, &query->from, SEARCH_TIME_DAY);
    bind_time(group, &query->to, SEARCH_TIME_INSTANT);
    bind_time(group, &query->to, SEARCH_TIME_DAY);
    if (after != NULL) {
        database_group_time(group, after->start_us);
        database_group_i64(group, (int64_t)after->event_id);
    } else {
        database_group_null(group);
        database_group_null(group);
    }
    /* one more than is shown: it tells that there is a next page */
    database_group_i32(group, (int32_t)(query->limit - search->count) + 1);
}

static void ask_classes(struct search *search);
static void ask_events(struct search *search);

/* The class in turn has no more: the next one, or the next spelling, or the end. */
static void go_on(struct search *search) {
    search->class_no++;
    if (search->class_no < search->class_count) {
        ask_events(search);
    } else if (search->query.words != NULL && search->count == 0 && !search->respelled &&
               search->query.after.event_id == 0) {
        search->class_no = 0;
        search->respelled = true;
        ask_classes(search);
    } else {
        finish(search);
    }
}

static void on_events(void *context, const struct database_answer *answer) {
    struct search *search = context;
    if (answer->outcome != DATABASE_DONE) {
        fail(search, answer);
        return;
    }
    const PGresult *rows = answer->results[0];
    for (int row = 0; row < PQntuples(rows) && !search->more; row++) {
        if (search->count == search->query.limit) {
            search->more = true;
        } else {
            text_put(&search->events, search->count++ > 0 ? "," : "");
            text_put(&search->events, database_text(rows, row, 0));
            search->last =
                (struct search_position){.event_id = (uint64_t)database_i64(rows, row, 2),
                                         .start_us = database_time_us(rows, row, 1),
                                         .class_no = search->class_no,
                                         .respelled = search->respelled};
        }
    }
    if (search->more) {
        finish(search);
    } else {
        go_on(search);
    }
}

static void ask_events(struct search *search) {
    const struct search_position *after = &search->query.after;
    bool goes_on = after->event_id != 0 && after->class_no == search->class_no;
    struct database_group *group = reads_group(search->reads, READS_SEARCH);
    if (group != NULL) {
        database_group_add(group,
                           search->query.words != NULL ? &sql_search_words : &sql_search_all);
        bind_filters(group, search, goes_on ? after : NULL);
        if (search->query.words != NULL) {
            database_group_text(group, search->classes[search->class_no]);
        }
    }
    send_take(search, group, on_events);
}

static void on_classes(void *context, const struct database_answer *answer) {
    struct search *search = context;
    if (answer->outcome != DATABASE_DONE) {
        fail(search, answer);
        return;
    }
    const PGresult *rows = answer->results[0];
    ensure(PQntuples(rows) <= CLASSES_MAX);
    forget_classes(search);
    for (int row = 0; row < PQntuples(rows); row++) {
        char *query = strdup(database_text(rows, row, 0));
        if (query == NULL) {
            fail(search, NULL);
            return;
        }
        search->classes[search->class_count++] = query;
    }
    if (search->class_count == 0) {
        finish(search); /* no word is asked for, or none is like it */
    } else if (search->class_no < search->class_count) {
        ask_events(search);
    } else {
        go_on(search);
    }
}

static void ask_classes(struct search *search) {
    struct database_group *group = reads_group(search->reads, READS_SEARCH);
    if (group != NULL) {
        database_group_add(group, search->respelled ? &sql_search_similar : &sql_search_classes);
        database_group_text(group, search->query.words);
    }
    send_take(search, group, on_classes);
}

static bool copy_texts(struct search *search) {
    const char **texts[] = {&search->query.words, &search->query.city, &search->query.state};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (*texts[i] != NULL) {
            search->texts[i] = strdup(*texts[i]);
            *texts[i] = search->texts[i];
            if (search->texts[i] == NULL) {
                return false;
            }
        }
    }
    return true;
}

void search_events(struct reads *reads, const struct search_query *query, search_handler *handler,
                   void *context) {
    struct search *search = calloc(1, sizeof *search);
    if (search == NULL) {
        handler(context, NULL);
        return;
    }
    *search = (struct search){.reads = reads,
                              .handler = handler,
                              .context = context,
                              .query = *query,
                              .class_no = query->after.class_no,
                              .respelled = query->after.respelled};
    if (!copy_texts(search)) {
        fail(search, NULL);
    } else if (query->words != NULL) {
        ask_classes(search);
    } else {
        ask_events(search);
    }
}

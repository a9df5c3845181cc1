#include "tests/integration/history.h"
#include "tests/support/expect.h"

#include "shared/clock.h"
#include "shared/id_map.h"
#include "shared/ids.h"
#include "shared/mac.h"

#include <inttypes.h>
#include <stdlib.h>

enum { CHECK_STATES_MAX = 2000000, BOOKINGS_MAX = 4000000 };

struct record {
    uint32_t attempt;
    enum checker_kind kind; /* CHECKER_SEE_TAKEN: of the seats in `taken`; the others were free */
    bool certain;
    uint8_t taken; /* bit i: the attempt's seat i */
    int64_t invoked_us, returned_us;
};

struct history {
    struct cluster *cluster;
    unsigned seats_per_row;
    struct mac *booking_key;
    struct history_attempt *attempts;
    size_t attempt_count, attempt_capacity;
    struct record *records;
    size_t record_count, record_capacity;
    struct id_map *by_id;    /* attempt + 1 as a pointer; the event is part of the hashed id */
    struct id_map *by_event; /* any attempt of the event, likewise */
};

/* One record on one seat. */
struct sight {
    int64_t event_id;
    unsigned seat;
    const struct record *record;
    enum checker_kind kind;
};

struct history *history_create(struct cluster *cluster, unsigned seats_per_row) {
    struct history *history = calloc(1, sizeof *history);
    ensure(history != NULL);
    history->cluster = cluster;
    history->seats_per_row = seats_per_row;
    history->by_id = id_map_create(BOOKINGS_MAX);
    history->by_event = id_map_create(BOOKINGS_MAX);
    ensure(history->by_id != NULL && history->by_event != NULL);
    uint8_t key[MAC_KEY_BYTES];
    sql_bytes(cluster->sql, "SELECT booking_key FROM usher.installation", key, sizeof key);
    history->booking_key = mac_create(key);
    return history;
}

void history_destroy(struct history *history) {
    id_map_destroy(history->by_id);
    id_map_destroy(history->by_event);
    mac_destroy(history->booking_key);
    free(history->attempts);
    free(history->records);
    free(history);
}

static void *grown(void *array, size_t count, size_t *capacity, size_t entry_bytes) {
    if (count == *capacity) {
        *capacity = *capacity * 2 + 1024;
        array = realloc(array, *capacity * entry_bytes);
        ensure(array != NULL);
    }
    return array;
}

uint32_t history_add_attempt(struct history *history, const struct history_attempt *attempt,
                             const struct shop_customer *customer, int64_t hold_seconds) {
    history->attempts = grown(history->attempts, history->attempt_count, &history->attempt_capacity,
                              sizeof *attempt);
    uint32_t number = (uint32_t)history->attempt_count++;
    struct history_attempt *added = &history->attempts[number];
    struct id128 user;
    *added = *attempt;
    expect(id128_from_text(customer->user_id, &user) == STATUS_OK, "user id %s", customer->user_id);
    struct id128 id =
        booking_id_derive(history->booking_key, &user, (uint64_t)attempt->event_id, attempt->key);
    (void)booking_id_to_text((uint64_t)attempt->event_id, &id, added->booking_id);
    added->deadline_us = clock_monotonic_us() + hold_seconds * 1000000;
    expect(id_map_put(history->by_id, &id, (void *)(uintptr_t)(number + 1)) == STATUS_OK,
           "attempt %s made twice", attempt->key);
    struct id128 event = id128_of_u64((uint64_t)attempt->event_id);
    enum status status = id_map_put(history->by_event, &event, (void *)(uintptr_t)(number + 1));
    ensure(status == STATUS_OK || status == STATUS_EXISTS);
    return number;
}

struct history_attempt *history_attempt(struct history *history, uint32_t attempt) {
    ensure(attempt < history->attempt_count);
    return &history->attempts[attempt];
}

static void add_record(struct history *history, const struct record *record) {
    history->records =
        grown(history->records, history->record_count, &history->record_capacity, sizeof *record);
    history->records[history->record_count++] = *record;
}

void history_add(struct history *history, uint32_t attempt, enum checker_kind kind, bool certain,
                 const struct http_answer *answer) {
    add_record(history, &(struct record){.attempt = attempt,
                                         .kind = kind,
                                         .certain = certain,
                                         .invoked_us = answer->sent_us,
                                         .returned_us = answer->done_us});
}

void history_add_refusal(struct history *history, uint32_t attempt,
                         const bool taken[HISTORY_SEATS_MAX], const struct http_answer *answer) {
    struct record record = {.attempt = attempt,
                            .kind = CHECKER_SEE_TAKEN,
                            .certain = true,
                            .invoked_us = answer->sent_us,
                            .returned_us = answer->done_us};
    for (unsigned i = 0; i < HISTORY_SEATS_MAX; i++) {
        record.taken |= (uint8_t)(taken[i] << i);
    }
    add_record(history, &record);
}

size_t history_count(const struct history *history) {
    return history->record_count;
}

char *history_seat_text(const struct history *history, unsigned seat, char text[16]) {
    (void)snprintf(text, 16, "%c%u", 'A' + (int)(seat / history->seats_per_row),
                   seat % history->seats_per_row + 1);
    return text;
}

/* --- what the database says
 * ------------------------------------------------------------------------------ */

static uint32_t attempt_of(const struct history *history, const char *booking_id) {
    uint64_t event_id = 0;
    struct id128 id;
    expect(booking_id_from_text(booking_id, &event_id, &id) == STATUS_OK, "booking id %s",
           booking_id);
    uintptr_t found = (uintptr_t)id_map_get(history->by_id, &id);
    expect(found > 0, "the database has booking %s, which nobody tried to make", booking_id);
    return (uint32_t)(found - 1);
}

static void check_acknowledged(struct history *history) {
    bool *confirmed = calloc(history->attempt_count + 1, sizeof *confirmed);
    bool *stored = calloc(history->attempt_count + 1, sizeof *stored);
    ensure(confirmed != NULL && stored != NULL);
    PGresult *rows = sql_rows(history->cluster->sql,
                              "SELECT booking_id, status, event_id FROM report.bookings", NULL);
    for (int row = 0; row < PQntuples(rows); row++) {
        struct id128 event = id128_of_u64(strtoull(PQgetvalue(rows, row, 2), NULL, 10));
        if (id_map_get(history->by_event, &event) == NULL) {
            continue; /* somebody else books on that one */
        }
        uint32_t attempt = attempt_of(history, PQgetvalue(rows, row, 0));
        stored[attempt] = true;
        confirmed[attempt] = strcmp(PQgetvalue(rows, row, 1), "CONFIRMED") == 0;
    }
    PQclear(rows);
    for (size_t i = 0; i < history->attempt_count; i++) {
        const struct history_attempt *attempt = &history->attempts[i];
        expect(stored[i] || !attempt->acknowledged, "booking %s was acknowledged and is lost",
               attempt->booking_id);
        expect(confirmed[i] || !attempt->confirmed, "booking %s was confirmed and is not CONFIRMED",
               attempt->booking_id);
    }
    free(confirmed);
    free(stored);
}

/* --- seat by seat
 * ---------------------------------------------------------------------------------------- */

static int by_seat(const void *a, const void *b) {
    const struct sight *first = a, *second = b;
    if (first->event_id != second->event_id) {
        return first->event_id < second->event_id ? -1 : 1;
    }
    if (first->seat != second->seat) {
        return first->seat < second->seat ? -1 : 1;
    }
    int64_t between = first->record->invoked_us - second->record->invoked_us;
    return between < 0 ? -1 : between > 0 ? 1 : 0;
}

static struct sight *spread_over_seats(const struct history *history, size_t *count) {
    struct sight *sights = calloc(history->record_count * HISTORY_SEATS_MAX + 1, sizeof *sights);
    ensure(sights != NULL);
    *count = 0;
    for (size_t i = 0; i < history->record_count; i++) {
        const struct record *record = &history->records[i];
        const struct history_attempt *attempt = &history->attempts[record->attempt];
        for (unsigned s = 0; s < attempt->seat_count; s++) {
            bool was_free = record->kind == CHECKER_SEE_TAKEN && ((record->taken >> s) & 1) == 0;
            sights[(*count)++] = (struct sight){
                .event_id = attempt->event_id,
                .seat = attempt->seats[s],
                .record = record,
                .kind = was_free ? CHECKER_SEE_FREE : record->kind,
            };
        }
    }
    qsort(sights, *count, sizeof *sights, by_seat);
    return sights;
}

static void print_sights(const struct history *history, const struct sight *sights, size_t count,
                         int64_t start_us) {
    for (size_t i = 0; i < count; i++) {
        const struct record *record = sights[i].record;
        const struct history_attempt *attempt = &history->attempts[record->attempt];
        (void)fprintf(stderr, "  %10.3f – %10.3f ms  %-10s %s%s, not free before %.3f ms\n",
                      (double)(record->invoked_us - start_us) / 1000,
                      record->certain ? (double)(record->returned_us - start_us) / 1000 : 0.0,
                      checker_kind_text(sights[i].kind), record->certain ? "" : "(no answer) ",
                      attempt->booking_id, (double)(attempt->deadline_us - start_us) / 1000);
    }
}

/* `last` is what the database says of the seat. `local` maps attempts to the checker's bookings: 0
 * is unknown. */
static void check_seat(struct history *history, const struct sight *sights, size_t count,
                       const struct checker_operation *last, uint32_t *local) {
    struct checker_operation *operations = calloc(count + 1, sizeof *operations);
    int64_t *deadlines_us = calloc(count + 2, sizeof *deadlines_us);
    ensure(operations != NULL && deadlines_us != NULL);
    uint32_t bookings = 0;
    for (size_t i = 0; i <= count; i++) {
        uint32_t attempt = i < count ? sights[i].record->attempt : last->booking;
        if (local[attempt] == 0) {
            local[attempt] = ++bookings;
            deadlines_us[bookings - 1] = history->attempts[attempt].deadline_us;
        }
        operations[i] = *last;
        if (i < count) {
            operations[i] =
                (struct checker_operation){.kind = sights[i].kind,
                                           .certain = sights[i].record->certain,
                                           .invoked_us = sights[i].record->invoked_us,
                                           .returned_us = sights[i].record->returned_us};
        }
        operations[i].booking = local[attempt] - 1;
    }
    const struct checker_history one = {.count = count + 1,
                                        .operations = operations,
                                        .booking_count = bookings,
                                        .deadlines_us = deadlines_us};
    enum checker_verdict verdict = checker_decide(&one, CHECK_STATES_MAX);
    if (verdict != CHECKER_LINEARIZABLE) {
        char seat[16];
        (void)fprintf(stderr, "event %" PRId64 ", seat %s:\n", sights[0].event_id,
                      history_seat_text(history, sights[0].seat, seat));
        print_sights(history, sights, count, history->records[0].invoked_us);
        (void)fprintf(stderr, "  at the end    %s %s\n", checker_kind_text(last->kind),
                      history->attempts[last->booking].booking_id);
    }
    expect(verdict == CHECKER_LINEARIZABLE, "what customers were told of this seat is %s",
           verdict == CHECKER_BROKEN ? "impossible" : "too tangled to judge");
    local[last->booking] = 0;
    for (size_t i = 0; i < count; i++) {
        local[sights[i].record->attempt] = 0;
    }
    free(operations);
    free(deadlines_us);
}

/* The last operation on each seat: looking into the database, in the order of `sights`. */
static struct checker_operation last_look(const struct history *history, const struct sight *sight,
                                          const PGresult *rows, int *row) {
    int64_t now_us = clock_monotonic_us();
    struct checker_operation last = {.kind = CHECKER_SEE_FREE,
                                     .booking = sight->record->attempt,
                                     .certain = true,
                                     .invoked_us = now_us,
                                     .returned_us = now_us};
    while (*row < PQntuples(rows)) {
        int64_t event_id = strtoll(PQgetvalue(rows, *row, 0), NULL, 10);
        unsigned seat = (unsigned)strtoul(PQgetvalue(rows, *row, 1), NULL, 10);
        if (event_id == sight->event_id && seat == sight->seat) {
            bool booked = strcmp(PQgetvalue(rows, *row, 2), "BOOKED") == 0;
            last.kind = booked ? CHECKER_SEE_BOOKED : CHECKER_SEE_HELD;
            last.booking = attempt_of(history, PQgetvalue(rows, *row, 3));
        }
        if (event_id > sight->event_id || (event_id == sight->event_id && seat >= sight->seat)) {
            break;
        }
        (*row)++;
    }
    return last;
}

void history_check(struct history *history) {
    check_acknowledged(history);
    size_t count = 0;
    struct sight *sights = spread_over_seats(history, &count);
    uint32_t *local = calloc(history->attempt_count + 1, sizeof *local);
    ensure(local != NULL);
    PGresult *rows = sql_rows(
        history->cluster->sql,
        "SELECT c.event_id, c.seat, CASE b.status WHEN 1 THEN 'HELD' WHEN 2 THEN 'BOOKED' END,"
        " c.event_id || '-' || replace(c.booking_id::text, '-', '')"
        " FROM usher.seat_claim c JOIN usher.booking b USING (event_id, booking_id) ORDER BY 1, 2",
        NULL);
    int row = 0;
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && sights[to].event_id == sights[from].event_id &&
                            sights[to].seat == sights[from].seat;) {
            to++;
        }
        struct checker_operation last = last_look(history, &sights[from], rows, &row);
        check_seat(history, &sights[from], to - from, &last, local);
    }
    PQclear(rows);
    free(local);
    free(sights);
}

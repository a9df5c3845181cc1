/*
 * The proof, and the operator's view, of a room at work: usherctl audit finds nothing in what
 * happened, and everything that is then planted in the database, in an export or in the stream;
 * usherctl room shows and steers.
 */
#include "shared/ids.h"
#include "shared/room.h"
#include "tests/integration/asker.h"
#include "tests/integration/joiners.h"
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

enum {
    EARLY = 12, /* join before the door opens; the first BUYERS buy */
    BUYERS = 4,
    PEOPLE = 18,
    LINES_MAX = 64,
    OUTPUT_LINES = 40,
    LIMIT_MS = 30000,
};

struct proof {
    struct cluster *cluster;
    int64_t event_id;
    char event[24];
    char output[FOLDER_PATH_SIZE + 32];
    char export[FOLDER_PATH_SIZE + 32];
    struct joiner *people;
};

static int usherctl(const struct proof *proof, const char *const *words) {
    (void)unlink(proof->output);
    return cluster_usherctl(proof->cluster, words, proof->output);
}
#define USHERCTL(proof, ...) usherctl((proof), (const char *const[]){__VA_ARGS__, NULL})

static void expect_printed(const struct proof *proof, const char *text) {
    if (!folder_file_contains(proof->output, text)) {
        folder_print_tail(proof->output, OUTPUT_LINES);
        fail_msg("it does not say: %s", text);
    }
}

static void expect_status(const struct proof *proof, int status, int expected) {
    if (status != expected) {
        folder_print_tail(proof->output, OUTPUT_LINES);
    }
    expect(status == expected, "usherctl ended with %d, not %d", status, expected);
}

static json_t *printed_json(const struct proof *proof) {
    json_t *object = json_load_file(proof->output, 0, NULL);
    expect(object != NULL, "%s is no JSON", proof->output);
    return object;
}

static void run_sql(const struct proof *proof, const char *statement) {
    sql_run(proof->cluster->sql, statement, (const char *[]){proof->event, NULL});
}

static int64_t count(const struct proof *proof, const char *query) {
    return sql_number(proof->cluster->sql, query, (const char *[]){proof->event, NULL});
}

/* --- a room at work */

static void buy(const struct proof *proof, const struct joiner *joiner, unsigned seat) {
    struct cluster *cluster = proof->cluster;
    struct queue_place place = {.event_id = proof->event_id, .number = joiner->number};
    char booking_id[64], seats[16];
    (void)snprintf(place.token, sizeof place.token, "%s", joiner->queue_token);
    (void)snprintf(seats, sizeof seats, "A%u", seat);
    queue_take_pass(cluster, 0, &joiner->customer, &place);
    struct http_answer answer =
        queue_reserve(cluster, 1, &joiner->customer, proof->event_id, seats, place.pass);
    const char *id = http_answer_text(&answer, "bookingId");
    (void)snprintf(booking_id, sizeof booking_id, "%s", id != NULL ? id : "");
    shop_expect(answer, 201, NULL);
    shop_expect(shop_confirm(cluster, 0, &joiner->customer, booking_id), 200, NULL);
}

static void wait_until_settled(const struct proof *proof) {
    struct wait wait = wait_at_most(LIMIT_MS);
    while (count(proof, "SELECT count(*) FROM usher.turn WHERE event_id = $1"
                        " AND (state = 2 OR number > (SELECT admitted_to FROM usher.room"
                        "                             WHERE event_id = $1))") > 0) {
        wait_again(&wait, "turns to be missed");
    }
}

/* Some buy, one leaves ahead of the turn, one gives the turn up, the others don't come; then the
 * door is shut and the rest, also one who missed the turn, join. */
static void work(struct proof *proof) {
    struct cluster *cluster = proof->cluster;
    struct joiner *people = proof->people;
    for (size_t i = 0; i < EARLY; i++) {
        joiner_join(cluster, proof->event_id, &people[i]);
    }
    const struct joiner *gone = &people[BUYERS + 1];
    shop_expect(queue_leave(cluster, 1, &gone->customer, proof->event_id, gone->queue_token), 204,
                NULL);
    expect_status(proof, USHERCTL(proof, "room", proof->event, "open"), 0);
    for (unsigned i = 0; i < BUYERS; i++) {
        buy(proof, &people[i], i + 1);
    }
    const struct joiner *idle = &people[BUYERS];
    shop_expect(queue_leave(cluster, 0, &idle->customer, proof->event_id, idle->queue_token), 204,
                NULL);
    queue_wait_served(cluster, 0, proof->event_id, people[EARLY - 1].number);
    wait_until_settled(proof);
    expect_status(proof, USHERCTL(proof, "room", proof->event, "pause"), 0);
    struct joiner *again = &people[EARLY - 1];
    int64_t missed = again->number;
    joiner_join(cluster, proof->event_id, again);
    assert_true(again->number > missed);
    for (size_t i = EARLY; i < PEOPLE; i++) {
        joiner_join(cluster, proof->event_id, &people[i]);
    }
}

/* --- nothing is wrong */

static void the_room_kept_its_word(const struct proof *proof) {
    expect_status(proof, USHERCTL(proof, "audit", proof->event, "--export", proof->export), 0);
    expect_printed(proof, "nothing is wrong");
    expect_printed(proof, "19 in the stream, 7 of them waiting");
    expect_printed(proof, "4 BOUGHT");
    expect_status(proof, USHERCTL(proof, "audit", "--check", proof->export), 0);
    expect_printed(proof, "4 BOUGHT");
    expect_status(proof, USHERCTL(proof, "audit", proof->event, "--json"), 0);
    json_t *report = printed_json(proof);
    assert_true(json_is_true(json_object_get(report, "ok")));
    assert_int_equal(json_integer_value(json_object_get(report, "people")), PEOPLE);
    assert_int_equal(json_integer_value(json_object_get(report, "numbers")), PEOPLE + 1);
    assert_int_equal(json_integer_value(json_object_get(report, "bookings")), BUYERS);
    assert_true(json_is_true(json_object_get(report, "roomOnKnown")));
    json_decref(report);
}

static void what_can_not_be_checked_is_said(const struct proof *proof) {
    expect_status(proof, USHERCTL(proof, "audit", "999999"), 2);
    expect_printed(proof, "there is no event 999999");
    expect_status(proof, USHERCTL(proof, "audit", "--check", proof->output), 2);
    expect_status(proof, USHERCTL(proof, "audit"), 2);
    expect_printed(proof, "usherctl audit EVENT");
    const struct shop_event event = {.venue_id = shop_venue(proof->cluster, 1, 4)};
    char roomless[24];
    (void)snprintf(roomless, sizeof roomless, "%" PRId64, shop_event(proof->cluster, &event));
    expect_status(proof, USHERCTL(proof, "audit", roomless), 0);
}

/* --- planted in the database */

/* $1: the event. The room is paused and nobody moves, so that rows can be put back. */
static const struct {
    const char *what;
    const char *statement;
    const char *rule;
} plants[] = {
    {"an inversion",
     "UPDATE usher.turn SET called_at = called_at + '1 hour', ended_at = ended_at + '1 hour'"
     " WHERE event_id = $1 AND number = (SELECT min(number) FROM usher.turn WHERE event_id = $1)",
     "call-order"},
    {"two who have each other's turns",
     "UPDATE usher.turn t SET user_id = o.user_id FROM usher.turn o"
     " WHERE t.event_id = $1 AND o.event_id = $1 AND t.number + o.number = 3 AND t.number < 3",
     "wrong-person"},
    {"a person passed over",
     "DELETE FROM usher.turn WHERE event_id = $1 AND number ="
     " (SELECT max(number) FROM usher.turn WHERE event_id = $1 AND state = 5)",
     "no-turn"},
    {"a person skipped without a reason",
     "UPDATE usher.turn SET state = 8, called_at = NULL WHERE event_id = $1 AND number ="
     " (SELECT max(number) FROM usher.turn WHERE event_id = $1 AND state = 5)",
     "no-reason"},
    {"a person called ahead",
     "INSERT INTO usher.turn (event_id, number, user_id, state, joined_at, called_at)"
     " SELECT event_id, max(number) + 3, gen_random_uuid(), 2, now(), now() FROM usher.turn"
     " WHERE event_id = $1 GROUP BY event_id",
     "ahead"},
    {"a turn that was over too soon",
     "UPDATE usher.turn SET ended_at = called_at WHERE event_id = $1 AND state = 5", "cut-short"},
    {"a booking of somebody who waits",
     "UPDATE usher.booking SET queue_number = (SELECT max(number) + 2 FROM usher.turn"
     " WHERE event_id = $1) WHERE event_id = $1 AND queue_number = 1",
     "not-admitted"},
    {"a booking from before its turn",
     "UPDATE usher.booking SET created_at = created_at - interval '1 hour'"
     " WHERE event_id = $1 AND queue_number = 1",
     "not-admitted"},
    {"a booking of nobody's number",
     "UPDATE usher.booking SET queue_number = NULL WHERE event_id = $1 AND queue_number = 1",
     "without-number"},
    {"two bookings with one turn",
     "UPDATE usher.booking SET queue_number = 1 WHERE event_id = $1 AND queue_number = 2",
     "two-bookings"},
    {"more who shop than may",
     "UPDATE usher.turn SET called_at = (SELECT min(called_at) FROM usher.turn WHERE event_id = $1)"
     " WHERE event_id = $1 AND called_at IS NOT NULL",
     "shoppers"},
};

static void keep_rows(const struct proof *proof) {
    sql_run(proof->cluster->sql, "CREATE TABLE kept_turn AS SELECT * FROM usher.turn", NULL);
    sql_run(proof->cluster->sql, "CREATE TABLE kept_booking AS SELECT * FROM usher.booking", NULL);
}

static void put_rows_back(const struct proof *proof) {
    run_sql(proof, "DELETE FROM usher.turn WHERE event_id = $1");
    run_sql(proof, "INSERT INTO usher.turn SELECT * FROM kept_turn WHERE event_id = $1");
    run_sql(proof, "DELETE FROM usher.booking WHERE event_id = $1");
    run_sql(proof, "INSERT INTO usher.booking SELECT * FROM kept_booking WHERE event_id = $1");
}

static void expect_found(const struct proof *proof, const char *what, const char *rule) {
    json_t *report = printed_json(proof);
    const json_t *rules = json_object_get(report, "findingsByRule");
    expect(json_object_get(rules, rule) != NULL, "%s is not found", what);
    json_decref(report);
}

static void what_is_planted_in_the_database_is_found(const struct proof *proof) {
    char planted[sizeof proof->export + 8];
    (void)snprintf(planted, sizeof planted, "%s.planted", proof->export);
    keep_rows(proof);
    for (size_t i = 0; i < ARRAY_LEN(plants); i++) {
        run_sql(proof, plants[i].statement);
        expect_status(proof, USHERCTL(proof, "audit", proof->event, "--json", "--export", planted),
                      1);
        expect_found(proof, plants[i].what, plants[i].rule);
        expect_status(proof, USHERCTL(proof, "audit", "--check", planted, "--json"), 1);
        expect_found(proof, plants[i].what, plants[i].rule);
        put_rows_back(proof);
    }
    expect_status(proof, USHERCTL(proof, "audit", proof->event), 0);
}

/* A guest's turn that is an account's now is right if that guest logged in to that account. */
static void turns_follow_who_logs_in(const struct proof *proof) {
    static const char account[] = "00000000-0000-0000-0000-0000000000aa";
    const char *const parameters[] = {proof->event, account, NULL};
    sql_run(proof->cluster->sql,
            "UPDATE usher.turn SET user_id = $2 WHERE event_id = $1 AND number = 1", parameters);
    expect_status(proof, USHERCTL(proof, "audit", proof->event), 1);
    expect_printed(proof, "wrong-person: ");
    sql_run(proof->cluster->sql,
            "INSERT INTO usher.guest_link (guest_user_id, user_id) SELECT user_id, $2 FROM"
            " usher.booking WHERE event_id = $1 AND queue_number = 1",
            parameters);
    expect_status(proof, USHERCTL(proof, "audit", proof->event), 0);
    put_rows_back(proof);
}

/* --- planted in an export */

struct lines {
    size_t count;
    json_t *list[LINES_MAX];
};

static void read_lines(const struct proof *proof, struct lines *lines) {
    FILE *file = fopen(proof->export, "r");
    json_t *line;
    ensure(file != NULL);
    lines->count = 0;
    while ((line = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        ensure(lines->count < LINES_MAX);
        lines->list[lines->count++] = line;
    }
    ensure(fclose(file) == 0);
}

static void check_lines(const struct proof *proof, struct lines *lines, const char *what,
                        const char *rule) {
    char planted[sizeof proof->export + 8];
    (void)snprintf(planted, sizeof planted, "%s.planted", proof->export);
    FILE *file = fopen(planted, "w");
    ensure(file != NULL);
    for (size_t i = 0; i < lines->count; i++) {
        ensure(json_dumpf(lines->list[i], file, JSON_COMPACT) == 0 && fputc('\n', file) != EOF);
        json_decref(lines->list[i]);
    }
    ensure(fclose(file) == 0);
    expect_status(proof, USHERCTL(proof, "audit", "--check", planted, "--json"),
                  rule != NULL ? 1 : 0);
    if (rule != NULL) {
        expect_found(proof, what, rule);
    }
}

/* The line of a number; the header comes first. */
static json_t *line_of(const struct lines *lines, size_t number) {
    json_t *line = lines->list[number];
    ensure(json_integer_value(json_object_get(line, "number")) == (json_int_t)number);
    return line;
}

static void swap_members(json_t *a, json_t *b, const char *name) {
    json_t *kept = json_incref(json_object_get(a, name));
    ensure(json_object_set(a, name, json_object_get(b, name)) == 0 &&
           json_object_set_new(b, name, kept) == 0);
}

static void what_is_planted_in_an_export_is_found(const struct proof *proof) {
    struct lines lines;
    read_lines(proof, &lines);
    check_lines(proof, &lines, "nothing", NULL);

    read_lines(proof, &lines);
    swap_members(line_of(&lines, 1), line_of(&lines, EARLY), "calledAt");
    swap_members(line_of(&lines, 1), line_of(&lines, EARLY), "endedAt");
    check_lines(proof, &lines, "an inversion", "call-order");

    read_lines(proof, &lines);
    swap_members(line_of(&lines, EARLY + 2), line_of(&lines, EARLY + 3), "joinedAt");
    check_lines(proof, &lines, "two who joined the other way round", "join-order");

    read_lines(proof, &lines);
    ensure(json_object_set(line_of(&lines, EARLY + 2), "user",
                           json_object_get(line_of(&lines, EARLY + 3), "user")) == 0);
    check_lines(proof, &lines, "a doubled place", "two-places");

    read_lines(proof, &lines);
    json_decref(line_of(&lines, 3));
    memmove(&lines.list[3], &lines.list[4], (--lines.count - 3) * sizeof lines.list[0]);
    check_lines(proof, &lines, "a person left out", "no-turn");

    read_lines(proof, &lines);
    ensure(json_object_set_new(line_of(&lines, 3), "state", json_null()) == 0);
    check_lines(proof, &lines, "a person passed over", "no-turn");

    read_lines(proof, &lines);
    swap_members(line_of(&lines, 1), line_of(&lines, EARLY + 2), "bookings");
    check_lines(proof, &lines, "a booking without admission", "not-admitted");
}

/* --- NATS */

static void without_nats_nothing_is_checked(const struct proof *proof) {
    struct cluster *cluster = proof->cluster;
    nats_kill(cluster->nats);
    expect_status(proof, USHERCTL(proof, "audit", proof->event), 2);
    expect_printed(proof, "nothing was checked: NATS can't be reached");
    expect_status(proof, USHERCTL(proof, "audit", "--check", proof->export), 0);
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        process_freeze(cluster->workers[i].process);
    }
    nats_start(cluster->nats);
    expect_status(proof, USHERCTL(proof, "audit", proof->event), 0);
    expect_printed(proof, "NATS was started anew, and the owner has not looked since");
    for (unsigned i = 0; i < cluster->worker_count; i++) {
        process_thaw(cluster->workers[i].process);
    }
    cluster_wait_ready(cluster);
    struct wait wait = wait_at_most(LIMIT_MS);
    while (count(proof, "SELECT count(*) FROM usher.room_span WHERE event_id = $1") < 2) {
        wait_again(&wait, "the owner to look at the stream");
    }
    expect_status(proof, USHERCTL(proof, "audit", proof->event), 0);
    expect_printed(proof, "gaps          1, of ");
}

/* --- the operator's view */

static void an_operator_sees_and_steers(const struct proof *proof) {
    queue_wait_phase(proof->cluster, 0, proof->event_id, "PAUSED");
    expect_status(proof, USHERCTL(proof, "room", proof->event, "--once"), 0);
    expect_printed(proof, "PAUSED (mode paused)");
    expect_printed(proof, "bought                 4   left 2");
    expect_status(proof, USHERCTL(proof, "room", proof->event, "rate", "77"), 0);
    expect_printed(proof, "\"admitsPerMinute\": 77");
    expect_status(proof, USHERCTL(proof, "room", proof->event, "cap", "5"), 0);
    expect_status(proof, USHERCTL(proof, "room", proof->event, "message", "Soon."), 0);
    expect_status(proof, USHERCTL(proof, "room", proof->event, "--json", "--once"), 0);
    json_t *figures = printed_json(proof);
    assert_int_equal(json_integer_value(json_object_get(figures, "maxShoppers")), 5);
    assert_int_equal(json_integer_value(json_object_get(figures, "admitsPerMinuteMax")), 77);
    assert_int_equal(json_integer_value(json_object_get(figures, "depth")), 7);
    assert_string_equal(json_string_value(json_object_get(figures, "message")), "Soon.");
    json_decref(figures);
    expect_status(proof, USHERCTL(proof, "room", proof->event, "rate", "0"), 1);
    expect_printed(proof, "the site answers 422: room.admitsPerMinute: ");
    expect_status(proof, USHERCTL(proof, "room", proof->event, "rate", "fast"), 2);
    expect_status(proof, USHERCTL(proof, "room", proof->event, "jump"), 2);
    expect_status(proof, USHERCTL(proof, "room", "999999", "--once"), 1);
    expect_printed(proof, "the site answers 404");
}

/* --- planted in the stream: it can't be taken back */

static void a_doubled_place_in_the_stream_is_found(const struct proof *proof) {
    struct asker asker;
    struct id128 installation, user;
    char url[SERVER_URL_SIZE], stream[ROOM_STREAM_SIZE], subject[ROOM_SUBJECT_SIZE];
    sql_bytes(proof->cluster->sql, "SELECT uuid_send(installation_id) FROM usher.installation",
              &installation, sizeof installation);
    assert_int_equal(id128_from_text(proof->people[PEOPLE - 1].customer.user_id, &user), STATUS_OK);
    room_stream_name(stream, &installation, (uint64_t)proof->event_id);
    room_subject(subject, &installation, (uint64_t)proof->event_id, &user);
    nats_url(proof->cluster->nats, url);
    asker_open_connected(&asker, url);
    struct asked asked = asker_publish(&asker, stream, subject, PEOPLE + 1, "1");
    assert_int_equal(asked.outcome, JETSTREAM_DONE);
    asker_close(&asker);
    expect_status(proof, USHERCTL(proof, "audit", proof->event, "--json"), 1);
    expect_found(proof, "a doubled place", "two-places");
}

static void begin(struct proof *proof, struct cluster *cluster) {
    *proof = (struct proof){.cluster = cluster, .people = joiners_create(cluster, PEOPLE)};
    proof->event_id = queue_event(cluster, shop_venue(cluster, 2, 20),
                                  "\"mode\":\"paused\",\"admitsPerMinute\":60000,"
                                  "\"maxShoppers\":8,\"claimSeconds\":4",
                                  NULL);
    (void)snprintf(proof->event, sizeof proof->event, "%" PRId64, proof->event_id);
    (void)snprintf(proof->output, sizeof proof->output, "%s/usherctl.log", cluster->folder);
    (void)snprintf(proof->export, sizeof proof->export, "%s/export.jsonl", cluster->folder);
    queue_wait_phase(cluster, 0, proof->event_id, "PAUSED");
}

static void the_proof_and_the_operators_view(void **state) {
    struct proof proof;
    begin(&proof, cluster_create(state, NULL));
    work(&proof);
    the_room_kept_its_word(&proof);
    what_can_not_be_checked_is_said(&proof);
    what_is_planted_in_the_database_is_found(&proof);
    turns_follow_who_logs_in(&proof);
    what_is_planted_in_an_export_is_found(&proof);
    without_nats_nothing_is_checked(&proof);
    an_operator_sees_and_steers(&proof);
    a_doubled_place_in_the_stream_is_found(&proof);
    free(proof.people);
    cluster_finish(proof.cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_proof_and_the_operators_view, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

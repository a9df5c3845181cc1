#include "tests/support/shop.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SHOP_WAIT_MS = 20000, SHOP_OWNED_TRIES = 200 };

/* --- the seller
 * ----------------------------------------------------------------------------------------- */

static int64_t admin_create(struct cluster *cluster, const char *path, const char *body,
                            const char *id_field) {
    struct http_answer answer;
    const struct http_request request = {
        .method = "POST", .path = path, .token = cluster->admin_key, .body = body};
    http_call(cluster->gateways[0].port, &request, &answer);
    expect(answer.status == 201, "POST %s %s: %d %s", path, body, answer.status,
           answer.body != NULL ? answer.body : "");
    int64_t id = http_answer_number(&answer, id_field);
    expect(id > 0, "no %s in %s", id_field, answer.body);
    http_answer_free(&answer);
    return id;
}

int64_t shop_venue(struct cluster *cluster, unsigned rows, unsigned seats) {
    char *body = NULL;
    size_t size_bytes = 0;
    ensure(rows <= SHOP_ROWS_MAX);
    FILE *out = open_memstream(&body, &size_bytes);
    ensure(out != NULL);
    (void)fputs("{\"name\":\"Test Hall\",\"city\":\"Hamburg\",\"country\":\"DE\","
                "\"timeZone\":\"Europe/Berlin\","
                "\"sections\":[{\"name\":\"\",\"priceCategory\":\"normal\",\"rows\":[",
                out);
    for (unsigned row = 0; row < rows; row++) {
        (void)fprintf(out, "%s{\"name\":\"%c\",\"seats\":%u}", row > 0 ? "," : "", 'A' + (int)row,
                      seats);
    }
    (void)fputs("]}]}", out);
    ensure(fclose(out) == 0);
    int64_t venue_id = admin_create(cluster, "/admin/venues", body, "venueId");
    free(body);
    return venue_id;
}

int64_t shop_event(struct cluster *cluster, const struct shop_event *event) {
    char body[SHOP_TEXT_SIZE * 2];
    (void)snprintf(
        body, sizeof body,
        "{\"name\":\"Test Night\",\"venueId\":%" PRId64 ",\"startTime\":\"2099-06-01T19:00:00Z\","
        "\"prices\":{\"normal\":{\"value\":%d,\"currency\":\"EUR\"}},"
        "\"holdSeconds\":%" PRId64 ",\"seatsPerUser\":%" PRId64 "%s}",
        event->venue_id, SHOP_SEAT_PRICE, event->hold_seconds > 0 ? event->hold_seconds : 300,
        event->seats_per_user > 0 ? event->seats_per_user : 8,
        event->more != NULL ? event->more : "");
    return admin_create(cluster, "/admin/events", body, "eventId");
}

int64_t shop_event_owned_by(struct cluster *cluster, const struct shop_event *event,
                            unsigned worker) {
    for (unsigned i = 0; i < SHOP_OWNED_TRIES; i++) {
        int64_t event_id = shop_event(cluster, event);
        if (cluster_owner(cluster, event_id) == (int)worker) {
            return event_id;
        }
    }
    fail_msg("no partition of %s has an event", cluster->workers[worker].name);
    return 0;
}

/* --- customers
 * ------------------------------------------------------------------------------------------ */

static void take_session(const struct http_answer *answer, struct shop_customer *customer) {
    const char *token = http_answer_text(answer, "token");
    const char *user_id = http_answer_text(answer, "userId");
    expect(answer->status == 201 && token != NULL && user_id != NULL, "POST /sessions: %d %s",
           answer->status, answer->body != NULL ? answer->body : "");
    ensure(strlen(token) < sizeof customer->token && strlen(user_id) < sizeof customer->user_id);
    memcpy(customer->token, token, strlen(token) + 1);
    memcpy(customer->user_id, user_id, strlen(user_id) + 1);
}

void shop_customers(struct cluster *cluster, struct shop_customer *customers, size_t count) {
    uint16_t *ports = calloc(count, sizeof *ports);
    struct http_request *requests = calloc(count, sizeof *requests);
    struct http_answer *answers = calloc(count, sizeof *answers);
    ensure(ports != NULL && requests != NULL && answers != NULL);
    for (size_t i = 0; i < count; i++) {
        ports[i] = cluster->gateways[i % cluster->gateway_count].port;
        requests[i] = (struct http_request){.method = "POST", .path = "/sessions"};
    }
    http_call_many(ports, requests, count, answers);
    for (size_t i = 0; i < count; i++) {
        take_session(&answers[i], &customers[i]);
        http_answer_free(&answers[i]);
    }
    free(answers);
    free(requests);
    free(ports);
}

void shop_customer(struct cluster *cluster, struct shop_customer *customer) {
    shop_customers(cluster, customer, 1);
}

/* --- booking
 * -------------------------------------------------------------------------------------------- */

char *shop_reserve_body(char body[SHOP_TEXT_SIZE], int64_t event_id, const char *seats) {
    size_t at = (size_t)snprintf(body, SHOP_TEXT_SIZE, "{\"eventId\":%" PRId64 ",\"seatIds\":[\"",
                                 event_id);
    for (; *seats != '\0'; seats++) {
        const char *piece = *seats == ',' ? "\",\"" : (char[]){*seats, '\0'};
        at += (size_t)snprintf(body + at, SHOP_TEXT_SIZE - at, "%s", piece);
        ensure(at < SHOP_TEXT_SIZE);
    }
    (void)snprintf(body + at, SHOP_TEXT_SIZE - at, "\"]}");
    return body;
}

static struct http_answer ask(struct cluster *cluster, unsigned gateway,
                              const struct http_request *request) {
    struct http_answer answer;
    http_call(cluster->gateways[gateway].port, request, &answer);
    return answer;
}

struct http_answer shop_reserve(struct cluster *cluster, unsigned gateway,
                                const struct shop_customer *customer, int64_t event_id,
                                const char *seats, const char *key) {
    char body[SHOP_TEXT_SIZE];
    const struct http_request request = {.method = "POST",
                                         .path = "/bookings/reserve",
                                         .token = customer->token,
                                         .key = key,
                                         .body = shop_reserve_body(body, event_id, seats)};
    return ask(cluster, gateway, &request);
}

static struct http_answer ask_booking(struct cluster *cluster, unsigned gateway,
                                      const struct shop_customer *customer, const char *booking_id,
                                      const char *verb, const char *body) {
    char path[SHOP_TEXT_SIZE];
    (void)snprintf(path, sizeof path, "/bookings/%s%s", booking_id, verb);
    const struct http_request request = {.method = *verb != '\0' ? "POST" : "GET",
                                         .path = path,
                                         .token = customer->token,
                                         .body = body};
    return ask(cluster, gateway, &request);
}

struct http_answer shop_confirm(struct cluster *cluster, unsigned gateway,
                                const struct shop_customer *customer, const char *booking_id) {
    return ask_booking(cluster, gateway, customer, booking_id, "/confirm",
                       "{\"paymentToken\":\"tok_ok\"}");
}

struct http_answer shop_cancel(struct cluster *cluster, unsigned gateway,
                               const struct shop_customer *customer, const char *booking_id) {
    return ask_booking(cluster, gateway, customer, booking_id, "/cancel", NULL);
}

struct http_answer shop_booking(struct cluster *cluster, unsigned gateway,
                                const struct shop_customer *customer, const char *booking_id) {
    return ask_booking(cluster, gateway, customer, booking_id, "", NULL);
}

struct http_answer shop_get(struct cluster *cluster, unsigned gateway, const char *path) {
    return ask(cluster, gateway, &(struct http_request){.method = "GET", .path = path});
}

struct http_answer shop_seats(struct cluster *cluster, unsigned gateway, int64_t event_id) {
    char path[SHOP_TEXT_SIZE];
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/seats", event_id);
    return shop_get(cluster, gateway, path);
}

void shop_expect(struct http_answer answer, int status, const char *code) {
    expect(answer.status == status &&
               (code == NULL || strcmp(http_answer_code(&answer), code) == 0),
           "wanted %d %s, got %d %s", status, code != NULL ? code : "", answer.status,
           answer.body != NULL ? answer.body : "(no answer)");
    http_answer_free(&answer);
}

void shop_hold(struct cluster *cluster, unsigned gateway, const struct shop_customer *customer,
               int64_t event_id, const char *seats, char booking_id[64]) {
    struct http_answer answer = shop_reserve(cluster, gateway, customer, event_id, seats, NULL);
    const char *id = http_answer_text(&answer, "bookingId");
    if (id != NULL) {
        (void)snprintf(booking_id, 64, "%s", id);
    }
    shop_expect(answer, 201, NULL);
}

/* --- seats
 * ---------------------------------------------------------------------------------------------- */

char *shop_stored_seat(struct cluster *cluster, int64_t event_id, const char *seat) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, event_id);
    return sql_text(cluster->sql,
                    "SELECT status FROM report.seats WHERE event_id = $1 AND seat_id = $2",
                    (const char *[]){event, seat, NULL});
}

char *shop_shown_seat(struct cluster *cluster, unsigned gateway, int64_t event_id,
                      const char *seat) {
    struct http_answer answer = shop_seats(cluster, gateway, event_id);
    const json_t *state = json_object_get(json_object_get(answer.json, "seats"), seat);
    char *text = strdup(json_is_string(state) ? json_string_value(state) : "(not shown)");
    ensure(text != NULL);
    http_answer_free(&answer);
    return text;
}

void shop_wait_shown(struct cluster *cluster, unsigned gateway, int64_t event_id, const char *seat,
                     const char *state) {
    char what[SHOP_TEXT_SIZE];
    (void)snprintf(what, sizeof what, "seat %s to be shown %s", seat, state);
    struct wait wait = wait_at_most(SHOP_WAIT_MS);
    for (bool shown = false; !shown;) {
        char *now = shop_shown_seat(cluster, gateway, event_id, seat);
        shown = strcmp(now, state) == 0;
        free(now);
        if (!shown) {
            wait_again(&wait, what);
        }
    }
}

static void expect_none(struct cluster *cluster, const char *what, const char *query) {
    int64_t count = sql_number(cluster->sql, query, NULL);
    expect(count == 0, "%lld %s", (long long)count, what);
}

void shop_expect_sound_database(struct cluster *cluster) {
    expect_none(cluster, "seats in more than one live booking",
                "SELECT count(*) FROM (SELECT event_id, seat FROM usher.booking, unnest(seats) seat"
                " WHERE status IN (1, 2) GROUP BY 1, 2 HAVING count(*) > 1) t");
    expect_none(cluster, "seats of live bookings without their claim",
                "SELECT count(*) FROM usher.booking b CROSS JOIN unnest(b.seats) AS s(seat)"
                " LEFT JOIN usher.seat_claim c ON c.event_id = b.event_id AND c.seat = s.seat"
                " AND c.booking_id = b.booking_id WHERE b.status IN (1, 2) AND c.seat IS NULL");
    expect_none(
        cluster, "claims that no live booking has",
        "SELECT count(*) FROM usher.seat_claim c WHERE c.booking_id IS NOT NULL"
        " AND NOT EXISTS (SELECT FROM usher.booking b WHERE b.event_id = c.event_id"
        " AND b.booking_id = c.booking_id AND b.status IN (1, 2) AND c.seat = ANY (b.seats))");
    expect_none(
        cluster, "shows whose free seats are counted wrong",
        "SELECT count(*) FROM usher.show s JOIN usher.event e USING (event_id)"
        " JOIN usher.layout l USING (venue_id, layout_version) WHERE s.seats_available <>"
        " l.seat_count - (SELECT count(*) FROM usher.seat_claim c WHERE c.event_id = s.event_id)");
    expect_none(cluster, "shows whose open holds are counted wrong",
                "SELECT count(*) FROM usher.show s WHERE s.open_holds <> (SELECT count(*)"
                " FROM usher.booking b WHERE b.event_id = s.event_id AND b.status = 1)");
}

/*
 * Thousands of requests made from gateway/web/openapi.json, right ones and wrong ones, to every
 * route: every answer is one that the document has. USHER_TEST_SEED repeats a run, USHER_TEST_COUNT
 * says how many.
 */
#include "tests/integration/requests.h"
#include "tests/support/expect.h"
#include "tests/support/provider.h"
#include "tests/support/shop.h"

#include "shared/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

enum {
    REQUESTS = 5000,
    CONNECTIONS = 6,
    CUSTOMERS = 2,
    ROWS = 26,
    SEATS = 40,
    ADMIN_EVENTS = 6,
    GUESTS = 40, /* to become the account's */
    ANSWER_SIZE = 96,
};

struct run {
    struct cluster *cluster;
    struct requests requests;
    struct shop_customer customers[CUSTOMERS];
    char *account; /* a token of the site's identity provider */
    json_t *seen;  /* "reserve 201": how often */
    size_t statuses[600];
    size_t changed;
};

struct lane {
    struct http_connection *connection;
    struct made_request made;
    const char *token;
};

/* --- the shop */

static void know_text(struct run *run, const char *schema, const char *text) {
    requests_know(&run->requests, schema, json_string(text));
}

/* Seats with names, and a floor without. */
static int64_t make_venue(struct cluster *cluster) {
    char *body = NULL;
    size_t size = 0;
    struct http_answer answer;
    FILE *out = open_memstream(&body, &size);
    ensure(out != NULL);
    (void)fputs("{\"name\":\"Hall\",\"city\":\"Oslo\",\"country\":\"NO\","
                "\"timeZone\":\"Europe/Oslo\",\"sections\":[{\"name\":\"BAR\","
                "\"priceCategory\":\"normal\",\"capacity\":500},{\"name\":\"\","
                "\"priceCategory\":\"normal\",\"rows\":[",
                out);
    for (int row = 0; row < ROWS; row++) {
        (void)fprintf(out, "%s{\"name\":\"%c\",\"seats\":%d}", row > 0 ? "," : "", 'A' + row,
                      SEATS);
    }
    (void)fputs("]}]}", out);
    ensure(fclose(out) == 0);
    const struct http_request request = {
        .method = "POST", .path = "/admin/venues", .token = cluster->admin_key, .body = body};
    http_call(cluster->gateways[0].port, &request, &answer);
    expect(answer.status == 201, "no venue: %d", answer.status);
    int64_t venue_id = http_answer_number(&answer, "venueId");
    http_answer_free(&answer);
    free(body);
    return venue_id;
}

static void know_what_there_is(struct run *run) {
    static const char *const tokens[] = {"tok_ok", "tok_ok", "tok_declined", "tok_unknown"};
    static const char *const times[] = {"2099-06-01T19:00:00Z", "2098-01-01T00:00:00Z",
                                        "2031-05-05T10:00:00Z", "2020-01-01T00:00:00Z"};
    struct cluster *cluster = run->cluster;
    struct shop_event event = {.venue_id = make_venue(cluster), .seats_per_user = 1000};
    requests_know(&run->requests, "EventId", json_integer(shop_event(cluster, &event)));
    requests_know(&run->requests, "EventId", json_integer(shop_event(cluster, &event)));
    for (unsigned i = 0; i < ADMIN_EVENTS; i++) {
        requests_know(&run->requests, "/admin EventId", json_integer(shop_event(cluster, &event)));
    }
    event.more = ",\"guests\":false";
    requests_know(&run->requests, "EventId", json_integer(shop_event(cluster, &event)));
    event.more = ",\"room\":{\"mode\":\"open\"}";
    requests_know(&run->requests, "EventId", json_integer(shop_event(cluster, &event)));
    requests_know(&run->requests, "VenueId", json_integer(event.venue_id));
    requests_know(
        &run->requests, "PricesInput",
        json_pack("{s:{s:i,s:s}}", "normal", "value", SHOP_SEAT_PRICE, "currency", "EUR"));
    for (unsigned i = 0; i < 150; i++) {
        char seat[16];
        (void)snprintf(seat, sizeof seat, "%c%zu", 'A' + (int)requests_below(&run->requests, ROWS),
                       requests_below(&run->requests, SEATS) + 1);
        know_text(run, "SeatId", seat);
    }
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        know_text(run, "PaymentToken", tokens[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        know_text(run, "Time", times[i]);
    }
    know_text(run, "TimeZone", "Europe/Oslo");
    know_text(run, "EntryId", "e-1");
    struct shop_customer guests[GUESTS];
    shop_customers(cluster, guests, GUESTS);
    for (size_t i = 0; i < GUESTS; i++) {
        know_text(run, "GuestToken", guests[i].token);
    }
}

/* A provider whose keys lie in `folder`, and somebody whom it knows. */
static char *open_provider(const char *folder) {
    struct provider_key key = provider_key_create("ES256", NULL);
    char *keys = provider_jwks(&key, 1);
    char *account = provider_token(&key, "{\"iss\":\"https://login.example\",\"sub\":\"ann\","
                                         "\"aud\":\"tickets\",\"exp\":4000000000}");
    folder_write(folder, "jwks.json", 0644, keys);
    free(keys);
    provider_key_free(&key);
    return account;
}

/* --- the pages themselves */

static struct http_answer get(struct run *run, const char *method, const char *path,
                              const char *headers) {
    struct http_answer answer;
    const struct http_request request = {.method = method, .path = path, .headers = headers};
    http_call(run->cluster->gateways[0].port, &request, &answer);
    return answer;
}

/* Once whole, then packed, then not again. */
static void expect_kept(struct run *run, const char *path, const char *type) {
    char tag[128] = "";
    char condition[192];
    struct http_answer whole = get(run, "GET", path, NULL);
    struct http_answer packed = get(run, "GET", path, "Accept-Encoding: gzip\r\n");
    expect(whole.status == 200 && http_answer_has_header(&whole, "Content-Type", type), "%s: %s",
           path, whole.head);
    assert_true(http_answer_has_header(&whole, "Cache-Control", "public, max-age=300"));
    assert_true(http_answer_has_header(&whole, "Content-Security-Policy", NULL));
    assert_true(http_answer_has_header(&packed, "Content-Encoding", "gzip"));
    expect(packed.body_bytes * 2 < whole.body_bytes, "%s: %zu bytes packed to %zu", path,
           whole.body_bytes, packed.body_bytes);
    const char *at = strstr(packed.head, "ETag: ");
    ensure(at != NULL);
    (void)snprintf(tag, sizeof tag, "%.*s", (int)strcspn(at + 6, "\r"), at + 6);
    expect(tag[0] == '"', "%s: %s is no strong tag", path, tag);
    (void)snprintf(condition, sizeof condition, "If-None-Match: %s\r\n", tag);
    shop_expect(get(run, "GET", path, condition), 304, NULL);
    shop_expect(get(run, "HEAD", path, NULL), 200, NULL);
    http_answer_free(&whole);
    http_answer_free(&packed);
}

static void expect_pages(struct run *run) {
    static const char html[] = "text/html; charset=utf-8";
    struct http_answer document = get(run, "GET", "/openapi.json", NULL);
    expect(json_equal(document.json, contract_document(run->requests.contract)),
           "/openapi.json is another document");
    http_answer_free(&document);
    expect_kept(run, "/openapi.json", "application/json");
    expect_kept(run, "/docs", html);
    expect_kept(run, "/problems/seat-taken", html);
    shop_expect(get(run, "GET", "/problems/nonsense", NULL), 404, "not-found");
}

/* --- a request */

static const char *pick_token(struct run *run, const struct operation *operation) {
    const json_t *scheme = json_array_get(json_object_get(operation->told, "security"), 0);
    const char *visitor = run->customers[requests_below(&run->requests, CUSTOMERS)].token;
    if (requests_chance(&run->requests, 8)) {
        const char *const odd[] = {NULL, "", "nonsense", "a.b.c", visitor, run->cluster->admin_key};
        return odd[requests_below(&run->requests, ARRAY_LEN(odd))];
    }
    if (strcmp(operation->path, "/sessions/link") == 0) {
        return run->account;
    }
    if (json_object_get(scheme, "adminKey") != NULL) {
        return run->cluster->admin_key;
    }
    return json_object_get(scheme, "user") != NULL ? visitor : NULL;
}

static void send_next(struct run *run, struct lane *lane) {
    requests_make(&run->requests, &lane->made);
    lane->token = pick_token(run, lane->made.operation);
    const struct http_request request = {.method = lane->made.method,
                                         .path = lane->made.target,
                                         .token = lane->token,
                                         .headers = lane->made.headers,
                                         .body = lane->made.body,
                                         .content_type = lane->made.content_type};
    http_connection_send(lane->connection, &request, HTTP_CALL_MS);
}

/* What was made can be asked for from now on. */
static void learn(struct run *run, const struct made_request *made,
                  const struct http_answer *answer) {
    const char *booking_id = http_answer_text(answer, "bookingId");
    const char *queue_token = http_answer_text(answer, "queueToken");
    if (answer->status != 201) {
        return;
    }
    if (queue_token != NULL) {
        know_text(run, "QueueToken", queue_token);
    } else if (booking_id != NULL) {
        know_text(run, "BookingId", booking_id);
    } else if (strcmp(made->operation->path, "/admin/events") == 0) {
        requests_know(&run->requests, "/admin EventId",
                      json_integer(http_answer_number(answer, "eventId")));
    }
}

static void count(struct run *run, const struct made_request *made,
                  const struct http_answer *answer) {
    char name[ANSWER_SIZE];
    (void)snprintf(name, sizeof name, "%s %d",
                   json_string_value(json_object_get(made->operation->told, "operationId")),
                   answer->status);
    json_int_t before = json_integer_value(json_object_get(run->seen, name));
    ensure(json_object_set_new(run->seen, name, json_integer(before + 1)) == 0);
    ensure(answer->status > 0 && (size_t)answer->status < ARRAY_LEN(run->statuses));
    run->statuses[answer->status]++;
    run->changed += made->changed;
}

/* Whether it is asked for what is not built, maybe by the wrong method. */
static bool asks_for_later(const struct run *run, const struct made_request *made) {
    const char *method = strcmp(made->method, "HEAD") == 0 ? "GET" : made->method;
    for (size_t i = 0; i < run->requests.operation_count; i++) {
        const struct operation *operation = &run->requests.operations[i];
        if (strcmp(operation->path, made->operation->path) == 0 &&
            strcasecmp(operation->method, method) == 0) {
            return json_is_true(json_object_get(operation->told, "x-not-built"));
        }
    }
    return false;
}

static void expect_answer(const struct run *run, const struct made_request *made,
                          const struct http_answer *answer) {
    bool is_later = asks_for_later(run, made);
    bool is_unknown_method = strcmp(made->method, "BREW") == 0;
    expect(answer->outcome == HTTP_ANSWERED, "%s %s %s%s: no answer, outcome %d", made->method,
           made->target, made->headers, made->body != NULL ? made->body : "", answer->outcome);
    expect(answer->status < 500 || answer->status == 503 ||
               (answer->status == 501 && (is_later || is_unknown_method)),
           "%s %s\n%s%.2000s\nanswers %d %s", made->method, made->target, made->headers,
           made->body != NULL ? made->body : "", answer->status, answer->body);
}

static void run_requests(struct run *run, size_t total) {
    struct lane lanes[CONNECTIONS] = {{0}};
    struct http_connection *connections[CONNECTIONS];
    size_t sent = 0;
    size_t answered = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        connections[i] = lanes[i].connection =
            http_connection_create(run->cluster->gateways[i % run->cluster->gateway_count].port);
        send_next(run, &lanes[i]);
        sent++;
    }
    while (answered < total) {
        http_drive(connections, CONNECTIONS, HTTP_CALL_MS);
        for (size_t i = 0; i < CONNECTIONS; i++) {
            struct http_answer answer;
            if (lanes[i].made.target == NULL ||
                !http_connection_take(lanes[i].connection, &answer)) {
                continue;
            }
            expect_answer(run, &lanes[i].made, &answer);
            count(run, &lanes[i].made, &answer);
            learn(run, &lanes[i].made, &answer);
            answered++;
            http_answer_free(&answer);
            made_request_free(&lanes[i].made);
            if (sent < total) {
                send_next(run, &lanes[i]);
                sent++;
            }
        }
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        http_connection_destroy(connections[i]);
    }
}

/* --- afterwards */

/* Succeeds only for somebody whose turn it is, or with a WebSocket. */
static bool needs_more(const char *id) {
    return strcmp(id, "claimPass") == 0 || strcmp(id, "watchEvent") == 0;
}

/* Every operation that is built has succeeded, and every one has refused something. */
static void expect_all_sides(struct run *run) {
    for (size_t i = 0; i < run->requests.operation_count; i++) {
        const json_t *told = run->requests.operations[i].told;
        const char *id = json_string_value(json_object_get(told, "operationId"));
        bool succeeded = json_is_true(json_object_get(told, "x-not-built")) || needs_more(id);
        bool refused = false;
        for (int status = 200; status < 600; status++) {
            char name[ANSWER_SIZE];
            (void)snprintf(name, sizeof name, "%s %d", id, status);
            bool seen = json_object_get(run->seen, name) != NULL;
            succeeded = succeeded || (seen && status < 300);
            refused = refused || (seen && status >= 400);
        }
        expect(succeeded, "%s has never succeeded", id);
        expect(refused, "%s has never refused anything", id);
    }
}

static void print_figures(const struct run *run, size_t total, int64_t since_us) {
    print_message("%zu requests in %.1f s, %zu of them with something wrong; %zu answers of "
                  "different kinds:",
                  total, (double)(clock_monotonic_us() - since_us) / 1e6, run->changed,
                  json_object_size(run->seen));
    for (size_t status = 0; status < ARRAY_LEN(run->statuses); status++) {
        if (run->statuses[status] > 0) {
            print_message(" %zu: %zu,", status, run->statuses[status]);
        }
    }
    print_message("\n");
}

static void every_answer_is_documented(void **state) {
    const char *seed_text = getenv("USHER_TEST_SEED");
    const char *count_text = getenv("USHER_TEST_COUNT");
    uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : (uint64_t)time(NULL);
    size_t total = count_text != NULL ? strtoull(count_text, NULL, 10) : REQUESTS;
    char folder[FOLDER_PATH_SIZE];
    char keys_setting[FOLDER_PATH_SIZE + 64];
    folder_create(folder);
    (void)snprintf(keys_setting, sizeof keys_setting, "USHER_JWT_KEYS=%s/jwks.json", folder);
    char *account = open_provider(folder);
    const struct cluster_options options = {
        .workers = 2,
        .gateways = 2,
        .settings = {"USHER_JWT_ISSUER=https://login.example", "USHER_JWT_AUDIENCE=tickets",
                     "USHER_JWT_ALGORITHM=ES256", keys_setting}};
    print_message("USHER_TEST_SEED=%" PRIu64 "\n", seed);
    struct run run = {
        .cluster = cluster_create(state, &options), .seen = json_object(), .account = account};
    requests_open(&run.requests, seed);
    shop_customers(run.cluster, run.customers, CUSTOMERS);
    know_what_there_is(&run);
    expect_pages(&run);
    int64_t since_us = clock_monotonic_us();
    run_requests(&run, total);
    print_figures(&run, total, since_us);
    expect_all_sides(&run);
    expect(run.statuses[503] * 100 <= total, "%zu of %zu requests were answered 503",
           run.statuses[503], total);
    shop_expect_sound_database(run.cluster);
    requests_close(&run.requests);
    json_decref(run.seen);
    cluster_finish(run.cluster);
    free(account);
    folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_answer_is_documented, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

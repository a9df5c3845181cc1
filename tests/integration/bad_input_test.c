/* Whatever is wrong with a request gets its documented answer, and changes nothing. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include "shared/clock.h"
#include "shared/ids.h"
#include "shared/token.h"

#include <inttypes.h>
#include <stdlib.h>

enum { DEPTH = 20000, BIG_BYTES = 70000, SILENCE_MAX_MS = 8000 /* two, of 2 s each */ };

struct shop {
    struct cluster *cluster;
    struct shop_customer customer;
    int64_t event_id;
    char *before; /* what the database held before the bad requests */
};

static char *stored(struct cluster *cluster) {
    return sql_text(cluster->sql,
                    "SELECT (SELECT count(*) FROM usher.booking) || ' bookings, '"
                    " || (SELECT count(*) FROM usher.seat_claim) || ' claims, '"
                    " || (SELECT count(*) FROM usher.event) || ' events, '"
                    " || (SELECT count(*) FROM usher.venue) || ' venues'",
                    NULL);
}

static struct shop open_shop(void **state) {
    const struct cluster_options options = {
        .workers = 1, .gateways = 1, .settings = {"USHER_REQUEST_SECONDS=2"}};
    struct shop shop = {.cluster = cluster_create(state, &options)};
    const struct shop_event event = {.venue_id = shop_venue(shop.cluster, 2, 20)};
    shop.event_id = shop_event(shop.cluster, &event);
    shop_customer(shop.cluster, &shop.customer);
    shop.before = stored(shop.cluster);
    return shop;
}

/* Nothing was changed, and usher still sells. */
static void close_shop(struct shop *shop) {
    char booking_id[64];
    char *after = stored(shop->cluster);
    assert_string_equal(after, shop->before);
    shop_hold(shop->cluster, 0, &shop->customer, shop->event_id, "B20", booking_id);
    free(after);
    free(shop->before);
    cluster_finish(shop->cluster);
}

static struct http_answer post(struct shop *shop, const char *path, const char *token,
                               const char *key, const char *body) {
    struct http_answer answer;
    const struct http_request request = {
        .method = "POST", .path = path, .token = token, .key = key, .body = body};
    http_call(shop->cluster->gateways[0].port, &request, &answer);
    return answer;
}

static void expect_refused(const struct http_answer *answer, const char *what, int status,
                           const char *code) {
    expect(answer->status == status && strcmp(http_answer_code(answer), code) == 0,
           "%.200s: wanted %d %s, got %d %.500s", what, status, code, answer->status,
           answer->body != NULL ? answer->body : "(no answer)");
    assert_true(http_answer_has_header(answer, "Content-Type", "application/problem+json"));
    assert_true(http_answer_has_header(answer, "X-Request-Id", NULL));
}

/* --- what is asked for
 * ---------------------------------------------------------------------------------- */

struct bad_body {
    const char *body; /* %lld is a good event's id */
    int status;
    const char *code;
};

static const struct bad_body bad_reserves[] = {
    {"", 400, "bad-request"},
    {"{", 400, "bad-request"},
    {"{\"eventId\":%lld,\"seatIds\":[\"A1\"]", 400, "bad-request"},
    {"{\"eventId\":%lld,\"seatIds\":[\"A1\"]}}", 400, "bad-request"},
    {"{'eventId':%lld,'seatIds':['A1']}", 400, "bad-request"},
    {"{\"eventId\":%lld,\"seatIds\":[\"A1\xff\"]}", 400, "bad-request"},
    {"eventId=%lld&seatIds=A1", 400, "bad-request"},
    {"[]", 422, "invalid"},
    {"{}", 422, "invalid"},
    {"{\"eventId\":%lld}", 422, "invalid"},
    {"{\"seatIds\":[\"A1\"]}", 422, "invalid"},
    {"{\"eventId\":\"%lld\",\"seatIds\":[\"A1\"]}", 422, "invalid"},
    {"{\"eventId\":%lld.0,\"seatIds\":[\"A1\"]}", 422, "invalid"},
    {"{\"eventId\":null,\"seatIds\":[\"A1\"]}", 422, "invalid"},
    {"{\"eventId\":0,\"seatIds\":[\"A1\"]}", 422, "invalid"},
    {"{\"eventId\":-1,\"seatIds\":[\"A1\"]}", 422, "invalid"},
    {"{\"eventId\":%lld,\"seatIds\":\"A1\"}", 422, "invalid"},
    {"{\"eventId\":%lld,\"seatIds\":{\"A1\":true}}", 422, "invalid"},
    {"{\"eventId\":%lld,\"seatIds\":[1]}", 422, "invalid"},
    {"{\"eventId\":%lld,\"seatIds\":[null]}", 422, "invalid"},
    {"{\"eventId\":%lld,\"seatIds\":[[\"A1\"]]}", 422, "invalid"},
    {"{\"eventId\":%lld,\"seatIds\":[]}", 422, "invalid"},
    {"{\"eventId\":%lld,\"seatIds\":[\"A1\",\"A2\",\"A3\",\"A4\",\"A5\",\"A6\",\"A7\",\"A8\","
     "\"A9\",\"A10\",\"A11\"]}",
     422, "invalid"},
    {"{\"eventId\":%lld,\"seatIds\":[\"A1\",\"A2\",\"A1\"]}", 422, "invalid"},
    {"{\"eventId\":%lld,\"seatIds\":[\"A1\",\"Z99\"]}", 422, "unknown-seat"},
    {"{\"eventId\":%lld,\"seatIds\":[\"\"]}", 422, "unknown-seat"},
    {"{\"eventId\":%lld,\"seatIds\":[\"A1\"],\"discount\":100}", 422, "unknown-field"},
    {"{\"eventId\":%lld,\"seatids\":[\"A1\"]}", 422, "unknown-field"},
    {"{\"eventId\":%lld,\"items\":[{\"section\":\"\",\"quantity\":1}]}", 422, "invalid"},
    {"{\"eventId\":%lld,\"items\":[{\"section\":\"Floor\",\"quantity\":0}]}", 422, "invalid"},
    {"{\"eventId\":999999,\"seatIds\":[\"A1\"]}", 404, "not-found"},
    {"{\"eventId\":9223372036854775807,\"seatIds\":[\"A1\"]}", 404, "not-found"},
};

static void bodies_that_make_no_sense(void **state) {
    struct shop shop = open_shop(state);
    for (size_t i = 0; i < ARRAY_LEN(bad_reserves); i++) {
        const struct bad_body *bad = &bad_reserves[i];
        char body[SHOP_TEXT_SIZE], id[24];
        const char *gap = strstr(bad->body, "%lld");
        (void)snprintf(id, sizeof id, "%" PRId64, shop.event_id);
        (void)snprintf(body, sizeof body, "%.*s%s%s",
                       gap != NULL ? (int)(gap - bad->body) : (int)strlen(bad->body), bad->body,
                       gap != NULL ? id : "", gap != NULL ? gap + strlen("%lld") : "");
        struct http_answer answer =
            post(&shop, "/bookings/reserve", shop.customer.token, NULL, body);
        expect_refused(&answer, body, bad->status, bad->code);
        http_answer_free(&answer);
    }
    close_shop(&shop);
}

static void json_too_deep_or_too_long(void **state) {
    struct shop shop = open_shop(state);
    char *deep = calloc(1, DEPTH * 2 + 1), *long_body = calloc(1, BIG_BYTES + 1);
    ensure(deep != NULL && long_body != NULL);
    memset(deep, '[', DEPTH);
    memset(deep + DEPTH, ']', DEPTH);
    memset(long_body, ' ', BIG_BYTES);
    struct http_answer answer = post(&shop, "/bookings/reserve", shop.customer.token, NULL, deep);
    expect_refused(&answer, "20,000 deep", 400, "bad-request");
    http_answer_free(&answer);
    answer = post(&shop, "/admin/venues", shop.cluster->admin_key, NULL, deep);
    expect_refused(&answer, "20,000 deep, for the administration", 400, "bad-request");
    http_answer_free(&answer);
    answer = post(&shop, "/bookings/reserve", shop.customer.token, NULL, long_body);
    expect_refused(&answer, "too long", 413, "too-large");
    http_answer_free(&answer);
    free(deep);
    free(long_body);
    close_shop(&shop);
}

/* --- who asks
 * ------------------------------------------------------------------------------------------- */

/* A token as the installation itself would have made it, but for what the caller changes. */
static void sign(struct cluster *cluster, const char *installation_hex, int64_t lifetime_s,
                 char token[TOKEN_TEXT_MAX]) {
    uint8_t key[MAC_KEY_BYTES];
    struct session session = {.guest = true, .user = id128_random()};
    sql_bytes(cluster->sql, "SELECT session_keys[1] FROM usher.installation", key, sizeof key);
    const struct token_keys keys = {.keys = {mac_create(key)}, .count = 1};
    ensure(id128_from_text(installation_hex, &session.installation) == STATUS_OK);
    session.expires_us = clock_wall_us() + lifetime_s * 1000000;
    token_sign_session(&keys, &session, token);
    mac_destroy(keys.keys[0]);
}

static void tokens_that_are_not_ours(void **state) {
    struct shop shop = open_shop(state);
    char forged[SHOP_TEXT_SIZE], expired[TOKEN_TEXT_MAX], foreign[TOKEN_TEXT_MAX],
        good[TOKEN_TEXT_MAX], body[SHOP_TEXT_SIZE];
    char *installation =
        sql_text(shop.cluster->sql,
                 "SELECT replace(installation_id::text, '-', '') FROM usher.installation", NULL);
    (void)snprintf(forged, sizeof forged, "%s", shop.customer.token);
    char *middle = &forged[strlen(forged) / 2];
    *middle = *middle == 'A' ? 'B' : 'A';
    sign(shop.cluster, installation, -1, expired);
    sign(shop.cluster, "00112233445566778899aabbccddeeff", 3600, foreign);
    sign(shop.cluster, installation, 3600, good);
    (void)shop_reserve_body(body, shop.event_id, "A1");

    const char *const tokens[] = {
        NULL, "", "nonsense", forged, expired, foreign, shop.cluster->admin_key};
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        struct http_answer answer = post(&shop, "/bookings/reserve", tokens[i], NULL, body);
        expect_refused(&answer, tokens[i] != NULL ? tokens[i] : "no token", 401, "unauthenticated");
        assert_true(http_answer_has_header(&answer, "WWW-Authenticate", NULL));
        http_answer_free(&answer);
    }
    /* The way the bad ones were made is not what was wrong with them. */
    const struct http_request look = {.method = "GET", .path = "/bookings", .token = good};
    struct http_answer answer;
    http_call(shop.cluster->gateways[0].port, &look, &answer);
    shop_expect(answer, 200, NULL);
    shop_expect(post(&shop, "/admin/venues", shop.customer.token, NULL, "{}"), 403, "forbidden");
    shop_expect(post(&shop, "/admin/venues", "0123", NULL, "{}"), 401, "unauthenticated");
    free(installation);
    close_shop(&shop);
}

static void events_that_do_not_sell(void **state) {
    struct shop shop = open_shop(state);
    int64_t venue_id = shop_venue(shop.cluster, 1, 10);
    const struct shop_event later = {.venue_id = venue_id,
                                     .more = ",\"onSaleTime\":\"2098-01-01T00:00:00Z\""};
    const struct shop_event members = {.venue_id = venue_id, .more = ",\"guests\":false"};
    int64_t later_id = shop_event(shop.cluster, &later);
    int64_t members_id = shop_event(shop.cluster, &members);
    free(shop.before);
    shop.before = stored(shop.cluster);

    struct http_answer answer = shop_reserve(shop.cluster, 0, &shop.customer, later_id, "A1", NULL);
    const char *on_sale = http_answer_text(&answer, "onSaleTime");
    int64_t on_sale_us = 0;
    assert_true(on_sale != NULL && time_from_text(on_sale, &on_sale_us));
    shop_expect(answer, 409, "not-on-sale");
    shop_expect(shop_reserve(shop.cluster, 0, &shop.customer, members_id, "A1", NULL), 403,
                "guests-not-allowed");
    /* More than one customer may have, in one go. */
    answer = shop_reserve(shop.cluster, 0, &shop.customer, shop.event_id,
                          "A1,A2,A3,A4,A5,A6,A7,A8,A9", NULL);
    assert_int_equal(http_answer_number(&answer, "limit"), 8);
    shop_expect(answer, 409, "seat-limit");
    close_shop(&shop);
}

static void bookings_that_are_not_there(void **state) {
    struct shop shop = open_shop(state);
    static const char *const ids[] = {"1-00112233445566778899aabbccddeeff",
                                      "999999-00112233445566778899aabbccddeeff", "nonsense",
                                      "1-0011", "-1-00112233445566778899aabbccddeeff"};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        shop_expect(shop_booking(shop.cluster, 0, &shop.customer, ids[i]), 404, "not-found");
        shop_expect(shop_confirm(shop.cluster, 0, &shop.customer, ids[i]), 404, "not-found");
        shop_expect(shop_cancel(shop.cluster, 0, &shop.customer, ids[i]), 404, "not-found");
    }
    shop_expect(shop_get(shop.cluster, 0, "/events/999999/seats"), 404, "not-found");
    shop_expect(shop_get(shop.cluster, 0, "/nowhere"), 404, "not-found");
    shop_expect(post(&shop, "/events", shop.customer.token, NULL, "{}"), 405, "method-not-allowed");
    shop_expect(shop_get(shop.cluster, 0, "/events?cursor=nonsense"), 400, "bad-cursor");
    shop_expect(shop_get(shop.cluster, 0, "/events?limit=0"), 422, "invalid");
    shop_expect(shop_get(shop.cluster, 0, "/events?limit=101"), 422, "invalid");
    close_shop(&shop);
}

static void payments_and_keys_that_can_not_be(void **state) {
    struct shop shop = open_shop(state);
    char booking_id[64], path[SHOP_TEXT_SIZE], body[SHOP_TEXT_SIZE], long_key[140];
    shop_hold(shop.cluster, 0, &shop.customer, shop.event_id, "A1", booking_id);
    free(shop.before);
    shop.before = stored(shop.cluster);
    (void)snprintf(path, sizeof path, "/bookings/%s/confirm", booking_id);
    const char *token = shop.customer.token;
    shop_expect(post(&shop, path, token, NULL, "{}"), 422, "invalid");
    shop_expect(post(&shop, path, token, NULL, "{\"paymentToken\":7}"), 422, "invalid");
    shop_expect(post(&shop, path, token, NULL, "{\"paymentToken\":\"tok_unknown\"}"), 422,
                "invalid");
    shop_expect(post(&shop, path, token, NULL, "{\"paymentToken\":\"tok_ok\",\"tip\":1}"), 422,
                "unknown-field");
    shop_expect(post(&shop, path, token, NULL, "{\"paymentToken\":\"tok_declined\"}"), 402,
                "payment-declined");

    memset(long_key, 'k', sizeof long_key - 1);
    long_key[sizeof long_key - 1] = '\0';
    (void)shop_reserve_body(body, shop.event_id, "A2");
    shop_expect(post(&shop, "/bookings/reserve", token, long_key, body), 422, "invalid");
    shop_expect(post(&shop, "/bookings/reserve", token, "two words", body), 422, "invalid");
    shop_expect(post(&shop, "/bookings/reserve", token, "", body), 422, "invalid");
    shop_expect(shop_booking(shop.cluster, 0, &shop.customer, booking_id), 200, NULL);
    close_shop(&shop);
}

/* --- how it is said
 * ------------------------------------------------------------------------------------- */

struct bad_message {
    const char *what;
    const char *head; /* after "POST /bookings/reserve HTTP/1.1\r\nHost: x\r\n" unless `whole` */
    size_t size_bytes;
    bool whole;
    int status;
};

#define MESSAGE(what, text, status)                                                                \
    { what, text, sizeof(text) - 1, false, status }
#define WHOLE(what, text, status)                                                                  \
    { what, text, sizeof(text) - 1, true, status }

static const struct bad_message bad_messages[] = {
    MESSAGE("two lengths that differ", "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    MESSAGE("two lengths that agree", "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
    MESSAGE("a list of lengths", "Content-Length: 2, 2\r\n\r\n{}", 400),
    MESSAGE("a length with plus", "Content-Length: +2\r\n\r\n{}", 400),
    MESSAGE("a length with minus", "Content-Length: -2\r\n\r\n{}", 400),
    MESSAGE("a length in hex", "Content-Length: 0x2\r\n\r\n{}", 400),
    MESSAGE("an endless length", "Content-Length: 99999999999999999999\r\n\r\n{}", 400),
    MESSAGE("a length with chunked",
            "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
    MESSAGE("chunked with a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 400),
    MESSAGE("chunked twice",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            501),
    MESSAGE("a chunk with plus", "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n", 400),
    MESSAGE("a chunk of nonsense", "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400),
    MESSAGE("a space before the colon", "Content-Length : 2\r\n\r\n{}", 400),
    MESSAGE("a header without a name", ": x\r\nContent-Length: 2\r\n\r\n{}", 400),
    MESSAGE("a bare LF", "Content-Length: 2\n\r\n{}", 400),
    MESSAGE("a bare CR", "X-Y: a\rb\r\nContent-Length: 2\r\n\r\n{}", 400),
    MESSAGE("NUL in a header", "X-Y: a\0b\r\nContent-Length: 2\r\n\r\n{}", 400),
    MESSAGE("NUL in a name", "X\0Y: a\r\nContent-Length: 2\r\n\r\n{}", 400),
    MESSAGE("a folded header", "X-Y: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", 400),
    WHOLE("no HTTP at all", "hello, is anybody there?\r\n\r\n", 400),
    WHOLE("binary noise", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    WHOLE("no host", "GET /events HTTP/1.1\r\n\r\n", 400),
    WHOLE("two hosts", "GET /events HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    WHOLE("bare LF everywhere", "GET /events HTTP/1.1\nHost: a\n\n", 400),
    WHOLE("an encoded NUL", "GET /events/%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    WHOLE("half an escape", "GET /events/%4 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    WHOLE("another version", "GET /events HTTP/3.0\r\nHost: a\r\n\r\n", 505),
};

/* The answer, after which the connection must be closed. */
static void expect_last_answer(struct shop *shop, const char *what, const void *bytes,
                               size_t size_bytes, int status) {
    struct http_connection *connection = http_connection_create(shop->cluster->gateways[0].port);
    struct http_answer answer;
    http_connection_send_bytes(connection, bytes, size_bytes, HTTP_CALL_MS);
    while (!http_connection_take(connection, &answer)) {
        http_drive(&connection, 1, HTTP_CALL_MS);
    }
    expect(answer.status == status, "%s: wanted %d, got %d %s", what, status, answer.status,
           answer.body != NULL ? answer.body : "(no answer)");
    assert_true(http_answer_has_header(&answer, "Connection", "close"));
    assert_true(http_answer_has_header(&answer, "Content-Type", "application/problem+json"));
    http_answer_free(&answer);
    http_connection_destroy(connection);
}

static void messages_two_parsers_could_read_differently(void **state) {
    struct shop shop = open_shop(state);
    for (size_t i = 0; i < ARRAY_LEN(bad_messages); i++) {
        const struct bad_message *bad = &bad_messages[i];
        char message[SHOP_TEXT_SIZE * 2];
        int head = bad->whole ? 0
                              : snprintf(message, sizeof message,
                                         "POST /bookings/reserve HTTP/1.1\r\nHost: x\r\n"
                                         "Authorization: Bearer %s\r\n"
                                         "Content-Type: application/json\r\n",
                                         shop.customer.token);
        memcpy(message + head, bad->head, bad->size_bytes);
        expect_last_answer(&shop, bad->what, message, (size_t)head + bad->size_bytes, bad->status);
    }
    close_shop(&shop);
}

static void messages_that_are_too_large(void **state) {
    struct shop shop = open_shop(state);
    const size_t size = BIG_BYTES * 2;
    char *big = calloc(1, size);
    ensure(big != NULL);
    size_t head = (size_t)snprintf(big, size, "GET /events HTTP/1.1\r\nHost: x\r\nX-Long: ");
    memset(big + head, 'x', BIG_BYTES);
    expect_last_answer(&shop, "a long header", big, head + BIG_BYTES, 431);

    head = (size_t)snprintf(big, size, "GET /events HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 0; i < 300; i++) {
        head += (size_t)snprintf(big + head, size - head, "X-%u: y\r\n", i);
    }
    expect_last_answer(&shop, "many headers", big, head, 431);

    head = (size_t)snprintf(big, size, "GET /");
    memset(big + head, 'x', BIG_BYTES);
    expect_last_answer(&shop, "a long path", big, head + BIG_BYTES, 431);

    head = (size_t)snprintf(big, size,
                            "POST /bookings/reserve HTTP/1.1\r\nHost: x\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
                            BIG_BYTES);
    memset(big + head, ' ', BIG_BYTES);
    expect_last_answer(&shop, "a large chunk", big, head + BIG_BYTES, 413);
    head = (size_t)snprintf(big, size,
                            "POST /bookings/reserve HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: %d\r\n\r\n",
                            BIG_BYTES);
    expect_last_answer(&shop, "a large length", big, head, 413);
    free(big);
    close_shop(&shop);
}

static void half_a_request_and_then_silence(void **state) {
    struct shop shop = open_shop(state);
    static const char half_head[] = "GET /events HTTP/1.1\r\nHo";
    static const char half_body[] =
        "POST /sessions HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{";
    int64_t start_ms = wait_now_ms();
    expect_last_answer(&shop, "half a head", half_head, sizeof half_head - 1, 408);
    expect_last_answer(&shop, "half a body", half_body, sizeof half_body - 1, 408);
    int64_t took_ms = wait_now_ms() - start_ms;
    expect(took_ms < SILENCE_MAX_MS, "given up after %lld ms only", (long long)took_ms);
    close_shop(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(bodies_that_make_no_sense, cluster_teardown),
        cmocka_unit_test_teardown(json_too_deep_or_too_long, cluster_teardown),
        cmocka_unit_test_teardown(tokens_that_are_not_ours, cluster_teardown),
        cmocka_unit_test_teardown(events_that_do_not_sell, cluster_teardown),
        cmocka_unit_test_teardown(bookings_that_are_not_there, cluster_teardown),
        cmocka_unit_test_teardown(payments_and_keys_that_can_not_be, cluster_teardown),
        cmocka_unit_test_teardown(messages_two_parsers_could_read_differently, cluster_teardown),
        cmocka_unit_test_teardown(messages_that_are_too_large, cluster_teardown),
        cmocka_unit_test_teardown(half_a_request_and_then_silence, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

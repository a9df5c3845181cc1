/* A booking by somebody else's HTTP client (libcurl) over TLS, and a certificate that is renewed
 * meanwhile. */
#include "tests/support/certificate.h"
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { READY_MS = 60000, RELOAD_MS = 10000, ANSWER_MS = 20000, TLS_GATEWAY = 1 };

/* --- libcurl ---------------------------------------------------------------------------------- */

struct caller {
    CURL *curl;
    uint16_t port;
    char token[SHOP_TEXT_SIZE];
};

struct reply {
    CURLcode result;
    long status;
    long connects; /* made for it */
    bool replayed; /* Idempotent-Replayed */
    char *body;
    json_t *json;
};

static struct caller caller_create(const struct cluster *cluster) {
    char trusted[FOLDER_PATH_SIZE + 8];
    (void)snprintf(trusted, sizeof trusted, "%s/trusted", cluster->folder);
    struct caller caller = {.curl = curl_easy_init(), .port = cluster->gateways[TLS_GATEWAY].port};
    ensure(caller.curl != NULL);
    curl_easy_setopt(caller.curl, CURLOPT_CAINFO, trusted);
    curl_easy_setopt(caller.curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(caller.curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(caller.curl, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
    curl_easy_setopt(caller.curl, CURLOPT_ACCEPT_ENCODING, ""); /* all that it knows */
    return caller;
}

static size_t write_body(char *data, size_t size, size_t count, void *out) {
    return fwrite(data, size, count, out);
}

static struct reply call(struct caller *caller, const char *path, const char *body) {
    char url[256], authorization[SHOP_TEXT_SIZE + 32];
    struct reply reply = {.body = NULL};
    char *head = NULL;
    size_t body_bytes = 0, head_bytes = 0;
    FILE *out = open_memstream(&reply.body, &body_bytes);
    FILE *head_out = open_memstream(&head, &head_bytes);
    ensure(out != NULL && head_out != NULL);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Idempotency-Key: by-curl");
    (void)snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", caller->token);
    if (*caller->token != '\0') {
        headers = curl_slist_append(headers, authorization);
    }
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u%s", caller->port, path);
    curl_easy_setopt(caller->curl, CURLOPT_URL, url);
    curl_easy_setopt(caller->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(caller->curl, CURLOPT_WRITEFUNCTION, write_body);
    curl_easy_setopt(caller->curl, CURLOPT_WRITEDATA, out);
    curl_easy_setopt(caller->curl, CURLOPT_HEADERDATA, head_out);
    curl_easy_setopt(caller->curl, CURLOPT_HTTPGET, 1L);
    if (body != NULL) {
        curl_easy_setopt(caller->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(caller->curl, CURLOPT_POSTFIELDS, body);
    }
    reply.result = curl_easy_perform(caller->curl);
    ensure(fclose(out) == 0 && fclose(head_out) == 0);
    curl_slist_free_all(headers);
    curl_easy_getinfo(caller->curl, CURLINFO_RESPONSE_CODE, &reply.status);
    if (reply.result == CURLE_OK) {
        contract_expect(&(struct contract_answer){.method = body != NULL ? "POST" : "GET",
                                                  .target = path,
                                                  .status = (int)reply.status,
                                                  .head = head,
                                                  .body = reply.body,
                                                  .body_bytes = body_bytes});
    }
    free(head);
    curl_easy_getinfo(caller->curl, CURLINFO_NUM_CONNECTS, &reply.connects);
    struct curl_header *header = NULL;
    reply.replayed = curl_easy_header(caller->curl, "Idempotent-Replayed", 0, CURLH_HEADER, -1,
                                      &header) == CURLHE_OK;
    reply.json = json_loads(reply.body, 0, NULL);
    return reply;
}

static void reply_free(struct reply *reply) {
    json_decref(reply->json);
    free(reply->body);
}

static const char *text_of(const struct reply *reply, const char *field) {
    const char *text = json_string_value(json_object_get(reply->json, field));
    return text != NULL ? text : "";
}

static void expect_status(const struct reply *reply, long status) {
    expect(reply->result == CURLE_OK && reply->status == status, "%s, %ld: %s",
           curl_easy_strerror(reply->result), reply->status, reply->body);
}

/* --- the gateway that speaks TLS -------------------------------------------------------------- */

/* A new certificate, and that alone is trusted. */
static void renew_certificate(const struct cluster *cluster, const char *name) {
    char from[FOLDER_PATH_SIZE + 8], to[FOLDER_PATH_SIZE + 8];
    certificate_create(cluster->folder, "crt", "key", name);
    (void)snprintf(from, sizeof from, "%s/crt", cluster->folder);
    (void)snprintf(to, sizeof to, "%s/trusted", cluster->folder);
    (void)unlink(to);
    expect(link(from, to) == 0, "can't make %s", to);
}

static void start_with_tls(struct cluster *cluster) {
    char settings[2][FOLDER_PATH_SIZE + 64];
    (void)snprintf(settings[0], sizeof settings[0], "USHER_TLS_CERTIFICATE=%s/crt",
                   cluster->folder);
    (void)snprintf(settings[1], sizeof settings[1], "USHER_TLS_KEY=%s/key", cluster->folder);
    cluster_kill(&cluster->gateways[TLS_GATEWAY]);
    cluster->options.settings[0] = settings[0];
    cluster->options.settings[1] = settings[1];
    cluster_start_gateway(cluster, TLS_GATEWAY);
    cluster->options.settings[0] = NULL;
}

static bool can_book(const struct cluster *cluster) {
    struct caller caller = caller_create(cluster);
    struct reply reply = call(&caller, "/readyz", NULL);
    bool ready = reply.status == 200 && strcmp(text_of(&reply, "booking"), "up") == 0;
    reply_free(&reply);
    curl_easy_cleanup(caller.curl);
    return ready;
}

static void wait_until_it_books(const struct cluster *cluster, int64_t limit_ms) {
    struct wait wait = wait_at_most(limit_ms);
    while (!can_book(cluster)) {
        wait_again(&wait, "the gateway to be ready under the trusted certificate");
    }
}

/* --- tests ------------------------------------------------------------------------------------ */

static void book(struct caller *caller, int64_t event_id, const char *seats) {
    char body[SHOP_TEXT_SIZE], path[128], booking_id[64];
    struct reply reply = call(caller, "/sessions", "");
    expect_status(&reply, 201);
    (void)snprintf(caller->token, sizeof caller->token, "%s", text_of(&reply, "token"));
    reply_free(&reply);

    reply = call(caller, "/bookings/reserve", shop_reserve_body(body, event_id, seats));
    expect_status(&reply, 201);
    (void)snprintf(booking_id, sizeof booking_id, "%s", text_of(&reply, "bookingId"));
    reply_free(&reply);
    reply = call(caller, "/bookings/reserve", body);
    expect_status(&reply, 201);
    assert_true(reply.replayed);
    assert_string_equal(text_of(&reply, "bookingId"), booking_id);
    assert_int_equal(reply.connects, 0); /* still the same connection */
    reply_free(&reply);

    (void)snprintf(path, sizeof path, "/bookings/%s/confirm", booking_id);
    reply = call(caller, path, "{\"paymentToken\":\"tok_ok\"}");
    expect_status(&reply, 200);
    assert_string_equal(text_of(&reply, "status"), "CONFIRMED");
    reply_free(&reply);
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/seats", event_id);
    reply = call(caller, path, NULL); /* large, compressed */
    expect_status(&reply, 200);
    assert_non_null(json_object_get(json_object_get(reply.json, "seats"), "Z40"));
    reply_free(&reply);
}

static void renew_while_running(struct cluster *cluster, struct caller *old) {
    struct process *gateway = cluster->gateways[TLS_GATEWAY].process;
    renew_certificate(cluster, "renewed");
    assert_false(can_book(cluster)); /* the new one is not in use yet */
    process_signal(gateway, SIGHUP);
    wait_until_it_books(cluster, RELOAD_MS);
    struct reply reply = call(old, "/events", NULL);
    expect_status(&reply, 200);
    assert_int_equal(reply.connects, 0); /* kept over the renewal */
    reply_free(&reply);

    folder_write(cluster->folder, "crt", 0644, "this is no certificate\n");
    process_signal(gateway, SIGHUP);
    struct wait wait = wait_at_most(RELOAD_MS);
    while (!folder_file_contains(process_log_path(gateway), "tls-certificate-refused")) {
        wait_again(&wait, "the gateway to say that the certificate is no good");
    }
    assert_true(can_book(cluster)); /* with the one before */
}

static void a_booking_by_libcurl_over_tls(void **state) {
    const struct cluster_options options = {.workers = 1, .gateways = 2};
    struct cluster *cluster = cluster_create(state, &options);
    const struct shop_event event = {.venue_id = shop_venue(cluster, SHOP_ROWS_MAX, 40)};
    int64_t event_id = shop_event(cluster, &event);
    renew_certificate(cluster, "first");
    start_with_tls(cluster);
    wait_until_it_books(cluster, READY_MS);

    struct caller caller = caller_create(cluster);
    book(&caller, event_id, "A1,A2");
    char *stored = shop_stored_seat(cluster, event_id, "A2");
    assert_string_equal(stored, "BOOKED");
    free(stored);
    renew_while_running(cluster, &caller);

    struct http_answer plain;
    http_call(cluster->gateways[TLS_GATEWAY].port,
              &(struct http_request){.method = "GET", .path = "/events", .unread = true}, &plain);
    assert_int_equal(plain.status, 400);
    http_answer_free(&plain);
    curl_easy_cleanup(caller.curl);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_booking_by_libcurl_over_tls, cluster_teardown),
    };
    ensure(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}

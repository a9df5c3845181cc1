/* Ten thousand live connections on one gateway: everyone gets every change, in order; who reads too
 * slowly is closed and holds nobody up; when the gateway goes, all are told. */
#include "gateway/live_listener.h"
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"
#include "tests/support/ws_client.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LISTENERS = 10000,
    FILES = LISTENERS + 500,
    AT_ONCE = 512, /* handshakes */
    ROWS = 26,
    SEATS = 40, /* a row */
    CHANGES = 15,
    OTHERS = 5, /* who read on time beside SLOW ones */
    SLOW = 20,
    SLOW_BUFFER_BYTES = 4096,
    LONG_NAME_BYTES = 60,
    SEATS_A_HOLD = 10,
    HOLDERS = 8,
    LOOK_MS = 1000, /* while all are told */
    WAIT_MS = 30000,
};

struct listener {
    struct crowd *crowd;
    struct ws_client *client;
    int64_t version;
    unsigned greeted;
    bool said_goodbye; /* 1001 */
};

struct crowd {
    struct event_base *base;
    uint16_t port;
    char path[SHOP_TEXT_SIZE];
    unsigned count;
    unsigned greeted;
    int64_t version; /* waited for */
    unsigned reached;
    unsigned goodbyes;
    unsigned gaps;
    struct listener *listeners;
};

static void allow_files(void) {
    struct rlimit limit;
    ensure(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    expect(limit.rlim_max >= FILES, "only %llu files may be open here",
           (unsigned long long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    ensure(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* --- the crowd ------------------------------------------------------------------------------- */

/* Ten thousand listeners have no time to read JSON as it should be. */
static int64_t number_after(const char *text, const char *name) {
    const char *found = strstr(text, name);
    return found ? strtoll(found + strlen(name), NULL, 10) : -1;
}

static void take_seats(struct listener *listener, const char *text) {
    struct crowd *crowd = listener->crowd;
    int64_t from = number_after(text, "\"from\":");
    int64_t version = number_after(text, "\"version\":");
    bool was_there = listener->version >= crowd->version;
    crowd->gaps += from != listener->version || version <= from;
    listener->version = version;
    crowd->reached += !was_there && version >= crowd->version;
}

static void on_frame(void *context, struct ws_client *client UNUSED,
                     const struct ws_client_frame *frame) {
    struct listener *listener = context;
    char text[256];
    (void)snprintf(text, sizeof text, "%.*s", (int)frame->size_bytes, frame->payload);
    if (frame->first == WS_CLOSE) {
        bool goes_away = (uint8_t)text[0] == 1001 >> 8 && (uint8_t)text[1] == (1001 & 0xff);
        listener->said_goodbye = goes_away;
        listener->crowd->goodbyes += goes_away;
    } else if (strstr(text, "\"type\":\"hello\"")) {
        listener->crowd->greeted += listener->greeted++ == 0;
        listener->version = number_after(text, "\"seatsVersion\":");
    } else if (strstr(text, "\"type\":\"seats\"")) {
        take_seats(listener, text);
    }
}

static void listener_open(struct crowd *crowd, unsigned index) {
    struct listener *listener = &crowd->listeners[index];
    const struct ws_client_config config = {.base = crowd->base,
                                            .port = crowd->port,
                                            .path = crowd->path,
                                            .on_frame = on_frame,
                                            .context = listener};
    listener->crowd = crowd;
    listener->client = ws_client_create(&config);
}

static struct crowd *crowd_create(struct cluster *cluster, int64_t event_id, unsigned count) {
    struct crowd *crowd = calloc(1, sizeof *crowd);
    ensure(crowd);
    crowd->base = event_base_new();
    crowd->port = cluster->gateways[0].port;
    crowd->count = count;
    crowd->listeners = calloc(count, sizeof *crowd->listeners);
    ensure(crowd->base && crowd->listeners);
    (void)snprintf(crowd->path, sizeof crowd->path, "/events/%" PRId64 "/live", event_id);
    for (unsigned i = 0; i < count; i++) {
        listener_open(crowd, i);
        ws_client_wait(crowd->base, i + 1 < crowd->greeted + AT_ONCE);
    }
    ws_client_wait(crowd->base, crowd->greeted == count);
    return crowd;
}

static void crowd_destroy(struct crowd *crowd) {
    for (unsigned i = 0; i < crowd->count; i++)
        ws_client_destroy(crowd->listeners[i].client);
    event_base_free(crowd->base);
    free(crowd->listeners);
    free(crowd);
}

/* --- the gateway's own view ------------------------------------------------------------------ */

static int64_t metric(struct cluster *cluster, const char *name) {
    char line[SHOP_TEXT_SIZE];
    struct http_answer answer;
    const struct http_request request = {.method = "GET", .path = "/metrics", .unchecked = true};
    http_call(cluster->gateways[0].ops_port, &request, &answer);
    expect(answer.status == 200, "no metrics: %d", answer.status);
    (void)snprintf(line, sizeof line, "\n%s ", name);
    int64_t value = number_after(answer.body, line);
    http_answer_free(&answer);
    expect(value >= 0, "no metric %s", name);
    return value;
}

static int64_t resident_bytes(const struct cluster *cluster) {
    char path[64], line[SHOP_TEXT_SIZE];
    (void)snprintf(path, sizeof path, "/proc/%d/statm",
                   (int)process_pid(cluster->gateways[0].process));
    FILE *file = fopen(path, "re");
    ensure(file && fgets(line, sizeof line, file));
    ensure(fclose(file) == 0);
    return strtoll(line + strcspn(line, " "), NULL, 10) * sysconf(_SC_PAGESIZE);
}

/* --- everybody gets every change ------------------------------------------------------------- */

static void wait_until_all_know(struct crowd *crowd, int64_t version) {
    crowd->version = version;
    crowd->reached = 0;
    for (unsigned i = 0; i < crowd->count; i++)
        crowd->reached += crowd->listeners[i].version >= version;
    ws_client_wait(crowd->base, crowd->reached == crowd->count);
}

static int64_t stored_version(struct cluster *cluster, int64_t event_id) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, event_id);
    return sql_number(cluster->sql, "SELECT seats_version FROM usher.show WHERE event_id = $1",
                      (const char *[]){event, NULL});
}

/* A request while thousands are being told. */
static int64_t look(struct cluster *cluster, int64_t event_id) {
    int64_t asked_ms = wait_now_ms();
    shop_expect(shop_seats(cluster, 0, event_id), 200, NULL);
    return wait_now_ms() - asked_ms;
}

static void tell_changes(struct cluster *cluster, struct crowd *crowd, int64_t event_id) {
    struct shop_customer customer;
    int64_t worst_ms = 0, sum_ms = 0, worst_look_ms = 0;
    shop_customer(cluster, &customer);
    for (unsigned i = 0; i < CHANGES; i++) {
        char seat[16], booking_id[64];
        (void)snprintf(seat, sizeof seat, "%c%u", 'A' + (int)(i / SEATS), i % SEATS + 1);
        shop_hold(cluster, 0, &customer, event_id, seat, booking_id);
        int64_t answered_ms = wait_now_ms();
        int64_t look_ms = look(cluster, event_id);
        worst_look_ms = look_ms > worst_look_ms ? look_ms : worst_look_ms;
        wait_until_all_know(crowd, stored_version(cluster, event_id));
        int64_t took_ms = wait_now_ms() - answered_ms;
        worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
        sum_ms += took_ms;
    }
    print_message("%d changes, each known to all %u listeners after %" PRId64
                  " ms on average, %" PRId64 " ms at most; a request meanwhile %" PRId64
                  " ms at most\n",
                  CHANGES, crowd->count, sum_ms / CHANGES, worst_ms, worst_look_ms);
    expect(worst_look_ms <= LOOK_MS, "a request took %" PRId64 " ms", worst_look_ms);
    assert_int_equal(crowd->gaps, 0);
}

/* --- slow readers ---------------------------------------------------------------------------- */

/* A hall whose seats have long names: news that fill buffers. */
static int64_t long_names_event(struct cluster *cluster, char section[LONG_NAME_BYTES + 1]) {
    char body[SHOP_TEXT_SIZE];
    struct http_answer answer;
    memset(section, 'S', LONG_NAME_BYTES);
    section[LONG_NAME_BYTES] = '\0';
    (void)snprintf(
        body, sizeof body,
        "{\"name\":\"Long Hall\",\"city\":\"Ghent\",\"country\":\"BE\",\"timeZone\":"
        "\"Europe/Brussels\",\"sections\":[{\"name\":\"%s\",\"priceCategory\":\"normal\","
        "\"capacity\":%d}]}",
        section, HOLDERS * SEATS_A_HOLD);
    const struct http_request request = {
        .method = "POST", .path = "/admin/venues", .token = cluster->admin_key, .body = body};
    http_call(cluster->gateways[0].port, &request, &answer);
    const struct shop_event event = {.venue_id = http_answer_number(&answer, "venueId"),
                                     .seats_per_user = SEATS_A_HOLD};
    shop_expect(answer, 201, NULL);
    return shop_event(cluster, &event);
}

struct holder {
    struct shop_customer account;
    char booking_id[64];
};

static void hold_or_let_go(struct cluster *cluster, int64_t event_id, const char *section,
                           struct holder *holder) {
    if (*holder->booking_id) {
        shop_expect(shop_cancel(cluster, 0, &holder->account, holder->booking_id), 200, NULL);
        *holder->booking_id = '\0';
        return;
    }
    char body[SHOP_TEXT_SIZE];
    struct http_answer answer;
    (void)snprintf(body, sizeof body,
                   "{\"eventId\":%" PRId64 ",\"items\":[{\"section\":\"%s\",\"quantity\":%d}]}",
                   event_id, section, SEATS_A_HOLD);
    const struct http_request request = {.method = "POST",
                                         .path = "/bookings/reserve",
                                         .token = holder->account.token,
                                         .body = body};
    http_call(cluster->gateways[0].port, &request, &answer);
    (void)snprintf(holder->booking_id, sizeof holder->booking_id, "%s",
                   http_answer_text(&answer, "bookingId"));
    shop_expect(answer, 201, NULL);
}

static struct ws_client *slow_client(const struct crowd *others) {
    const struct ws_client_config config = {.base = others->base,
                                            .port = others->port,
                                            .path = others->path,
                                            .raw = true,
                                            .receive_bytes = SLOW_BUFFER_BYTES};
    struct ws_client *client = ws_client_create(&config);
    ws_client_wait_open(client);
    ws_client_read(client, false);
    return client;
}

static void slow_readers_are_closed(struct cluster *cluster) {
    char section[LONG_NAME_BYTES + 1];
    int64_t event_id = long_names_event(cluster, section);
    struct crowd *others = crowd_create(cluster, event_id, OTHERS);
    struct ws_client *slow[SLOW];
    struct shop_customer accounts[HOLDERS];
    struct holder holders[HOLDERS] = {{.booking_id = ""}};
    int64_t worst_ms = 0;
    shop_customers(cluster, accounts, HOLDERS);
    for (unsigned i = 0; i < HOLDERS; i++)
        holders[i].account = accounts[i];
    for (unsigned i = 0; i < SLOW; i++)
        slow[i] = slow_client(others);
    struct wait wait = wait_at_most(WAIT_MS);
    while (metric(cluster, "usher_live_slow_closed_total") < SLOW) {
        expect(!wait_is_over(&wait), "slow readers are not closed");
        for (unsigned i = 0; i < HOLDERS; i++)
            hold_or_let_go(cluster, event_id, section, &holders[i]);
        int64_t answered_ms = wait_now_ms();
        wait_until_all_know(others, stored_version(cluster, event_id));
        int64_t took_ms = wait_now_ms() - answered_ms;
        worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
    }
    print_message("%d slow readers were closed; the others had every change after %" PRId64
                  " ms at most\n",
                  SLOW, worst_ms);
    assert_int_equal(others->gaps, 0);
    for (unsigned i = 0; i < SLOW; i++)
        ws_client_destroy(slow[i]);
    crowd_destroy(others);
}

/* --- the end --------------------------------------------------------------------------------- */

static void all_are_told_when_it_ends(struct cluster *cluster, struct crowd *crowd) {
    struct cluster_process *gateway = &cluster->gateways[0];
    int64_t began_ms = wait_now_ms();
    int status;
    process_signal(gateway->process, SIGTERM);
    ws_client_wait(crowd->base, crowd->goodbyes == crowd->count);
    print_message("all were told 1001 within %" PRId64 " ms\n", wait_now_ms() - began_ms);
    ws_client_wait(crowd->base, !process_runs(gateway->process));
    expect(process_wait(gateway->process, WAIT_MS, &status) && status == 0,
           "the gateway ended with %d", status);
    process_destroy(gateway->process);
    gateway->process = NULL;
}

static void many_listen(void **state) {
    static const struct cluster_options options = {
        .workers = 1, .gateways = 1, .settings = {"USHER_LIMIT_LIVE=0"}};
    allow_files();
    struct cluster *cluster = cluster_create(state, &options);
    const struct shop_event event = {.venue_id = shop_venue(cluster, ROWS, SEATS),
                                     .seats_per_user = 100};
    int64_t event_id = shop_event(cluster, &event);
    int64_t before_bytes = resident_bytes(cluster);
    int64_t began_ms = wait_now_ms();
    struct crowd *crowd = crowd_create(cluster, event_id, LISTENERS);
    print_message("%u connections in %" PRId64 " ms, %" PRId64
                  " bytes of the gateway's memory each, of which it allocates at most %zu itself\n",
                  crowd->count, wait_now_ms() - began_ms,
                  (resident_bytes(cluster) - before_bytes) / crowd->count,
                  WS_IDLE_BYTES + sizeof(struct live_listener));
    assert_int_equal(metric(cluster, "usher_live_connections"), LISTENERS);
    tell_changes(cluster, crowd, event_id);
    slow_readers_are_closed(cluster);
    all_are_told_when_it_ends(cluster, crowd);
    crowd_destroy(crowd);
    cluster_finish(cluster);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(many_listen, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "tests/integration/load.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include "shared/clock.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    SETTLE_MS = 90000,
    PATIENCE_MS = 12000, /* past the gateway's own deadline of 10 s */
    IMPATIENCE_MS = 700,
    DEADLINE_SLACK_US =
        100000, /* PostgreSQL's time as a worker knows it is off by a round trip at most */
};

enum step { STEP_IDLE, STEP_RESERVE, STEP_CONFIRM, STEP_CANCEL, STEP_LOOK };

struct client {
    struct shop_customer customer;
    struct http_connection *connection;
    enum step step;
    bool asking;
    unsigned gateway;
    uint32_t attempt;
    int64_t due_ms;
};

struct load {
    struct load_options options;
    struct history *history;
    struct client clients[LOAD_CLIENTS_MAX];
    struct {
        bool *sold;     /* by seat, as far as customers were told */
        unsigned first; /* the first that is not */
    } events[LOAD_EVENTS_MAX];
    struct load_counts counts;
    uint64_t random;
    uint64_t keys;
    int64_t wall_minus_monotonic_us;
    bool settling;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t load_random(struct load *load, uint64_t limit) {
    uint64_t z = load->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % limit;
}

static bool chance(struct load *load, unsigned percent) {
    return load_random(load, 100) < percent;
}

struct load *load_create(const struct load_options *options) {
    struct load *load = calloc(1, sizeof *load);
    ensure(load != NULL);
    ensure(options->clients <= LOAD_CLIENTS_MAX && options->event_count <= LOAD_EVENTS_MAX);
    load->options = *options;
    load->random = options->seed;
    load->history = history_create(options->cluster, options->seats_per_row);
    load->wall_minus_monotonic_us = clock_wall_us() - clock_monotonic_us();
    for (unsigned i = 0; i < options->event_count; i++) {
        load->events[i].sold = calloc(options->rows * options->seats_per_row, sizeof(bool));
        ensure(load->events[i].sold != NULL);
    }
    struct shop_customer *customers = calloc(options->clients, sizeof *customers);
    ensure(customers != NULL);
    shop_customers(options->cluster, customers, options->clients);
    for (unsigned i = 0; i < options->clients; i++) {
        load->clients[i].customer = customers[i];
        load->clients[i].connection = http_connection_create(options->cluster->gateways[0].port);
    }
    free(customers);
    return load;
}

void load_destroy(struct load *load) {
    for (unsigned i = 0; i < load->options.clients; i++) {
        http_connection_destroy(load->clients[i].connection);
    }
    for (unsigned i = 0; i < load->options.event_count; i++) {
        free(load->events[i].sold);
    }
    history_destroy(load->history);
    free(load);
}

const struct load_counts *load_counts(const struct load *load) {
    return &load->counts;
}

struct history *load_history(struct load *load) {
    return load->history;
}

/* --- asking
 * --------------------------------------------------------------------------------------------- */

/* One of the first `window` seats that nobody is known to have bought. */
static unsigned choose_seat(struct load *load, size_t event) {
    unsigned all = load->options.rows * load->options.seats_per_row;
    uint64_t skip = load_random(load, load->options.window);
    const bool *sold = load->events[event].sold;
    while (load->events[event].first < all && sold[load->events[event].first]) {
        load->events[event].first++;
    }
    unsigned seat = load->events[event].first;
    while (seat + 1 < all && (sold[seat] || skip-- > 0)) {
        seat++;
    }
    return seat;
}

/* 1 … 3 seats side by side. */
static void want_seats(struct load *load, struct client *client) {
    const struct load_options *options = &load->options;
    struct history_attempt attempt = {0};
    size_t event = load_random(load, options->event_count);
    unsigned all = options->rows * options->seats_per_row;
    unsigned from = choose_seat(load, event);
    attempt.event_id = options->events[event];
    attempt.seat_count = 1 + (unsigned)load_random(load, 3);
    from = from + attempt.seat_count <= all ? from : all - attempt.seat_count;
    for (unsigned i = 0; i < attempt.seat_count; i++) {
        attempt.seats[i] = from + i;
    }
    (void)snprintf(attempt.key, sizeof attempt.key, "load-%" PRIu64, ++load->keys);
    client->attempt =
        history_add_attempt(load->history, &attempt, &client->customer, options->hold_seconds);
}

static void request_reserve(struct load *load, const struct history_attempt *attempt,
                            struct http_request *request, char body[SHOP_TEXT_SIZE]) {
    char seats[SHOP_TEXT_SIZE] = "", seat[16];
    int length = 0;
    for (unsigned i = 0; i < attempt->seat_count; i++) {
        length += snprintf(seats + length, sizeof seats - (size_t)length, "%s%s", i > 0 ? "," : "",
                           history_seat_text(load->history, attempt->seats[i], seat));
    }
    request->body = shop_reserve_body(body, attempt->event_id, seats);
    request->key = attempt->key;
}

static void ask(struct load *load, struct client *client) {
    static const char *const paths[] = {[STEP_RESERVE] = "/bookings/reserve",
                                        [STEP_CONFIRM] = "/bookings/%s/confirm",
                                        [STEP_CANCEL] = "/bookings/%s/cancel",
                                        [STEP_LOOK] = "/bookings/%s"};
    char path[SHOP_TEXT_SIZE], body[SHOP_TEXT_SIZE];
    const struct history_attempt *attempt = history_attempt(load->history, client->attempt);
    struct http_request request = {.method = client->step == STEP_LOOK ? "GET" : "POST",
                                   .path = path,
                                   .token = client->customer.token};
    size_t before_id = strcspn(paths[client->step], "%");
    const char *after_id = paths[client->step] + before_id;
    (void)snprintf(path, sizeof path, "%.*s%s%s", (int)before_id, paths[client->step],
                   *after_id != '\0' ? attempt->booking_id : "",
                   *after_id != '\0' ? after_id + strlen("%s") : "");
    if (client->step == STEP_RESERVE) {
        request_reserve(load, attempt, &request, body);
    } else if (client->step == STEP_CONFIRM) {
        request.body = "{\"paymentToken\":\"tok_ok\"}";
    }
    http_connection_set_port(client->connection,
                             load->options.cluster->gateways[client->gateway].port);
    bool impatient = !load->settling && chance(load, 3);
    http_connection_send(client->connection, &request, impatient ? IMPATIENCE_MS : PATIENCE_MS);
    client->asking = true;
}

/* --- what follows
 * --------------------------------------------------------------------------------------- */

static void after_hold(struct load *load, struct client *client) {
    uint64_t dice = load_random(load, 100);
    client->step = dice < 30   ? STEP_CONFIRM
                   : dice < 60 ? STEP_CANCEL
                   : dice < 80 ? STEP_LOOK
                               : STEP_IDLE; /* lets it expire */
}

/* Once confirmed or ended: mostly the next booking, sometimes another question about this one. */
static void after_end(struct load *load, struct client *client) {
    static const enum step curious[] = {STEP_LOOK, STEP_CONFIRM, STEP_CANCEL, STEP_RESERVE};
    client->step = chance(load, 20) ? curious[load_random(load, ARRAY_LEN(curious))] : STEP_IDLE;
}

static void surprised(const struct load *load, const struct client *client,
                      const struct http_answer *answer) {
    static const char *const steps[] = {[STEP_RESERVE] = "reserve",
                                        [STEP_CONFIRM] = "confirm",
                                        [STEP_CANCEL] = "cancel",
                                        [STEP_LOOK] = "look"};
    fail_msg("%s of %s (seed %" PRIu64 ") answered %d %s", steps[client->step],
             history_attempt(load->history, client->attempt)->booking_id, load->options.seed,
             answer->status, answer->body);
}

static void note_booking(struct load *load, struct client *client,
                         const struct http_answer *answer) {
    struct history_attempt *attempt = history_attempt(load->history, client->attempt);
    const char *status = http_answer_text(answer, "status");
    const char *id = http_answer_text(answer, "bookingId");
    const char *expires = http_answer_text(answer, "expiresAt");
    expect(status != NULL && id != NULL, "not a booking: %s", answer->body);
    expect(strcmp(id, attempt->booking_id) == 0, "booking %s has become %s", attempt->booking_id,
           id);
    attempt->acknowledged = true;
    int64_t expires_us = 0;
    if (strcmp(status, "PENDING") == 0 && expires != NULL && time_from_text(expires, &expires_us)) {
        int64_t told_us = expires_us - load->wall_minus_monotonic_us - DEADLINE_SLACK_US;
        attempt->deadline_us = told_us > attempt->deadline_us ? told_us : attempt->deadline_us;
    }
}

static enum checker_kind kind_of_status(const struct http_answer *answer) {
    const char *status = http_answer_text(answer, "status");
    return strcmp(status, "PENDING") == 0     ? CHECKER_SEE_HELD
           : strcmp(status, "CONFIRMED") == 0 ? CHECKER_SEE_BOOKED
                                              : CHECKER_SEE_ENDED;
}

static void note_sold(struct load *load, struct history_attempt *attempt) {
    if (attempt->confirmed) {
        return;
    }
    attempt->confirmed = true;
    for (unsigned event = 0; event < load->options.event_count; event++) {
        if (load->options.events[event] == attempt->event_id) {
            for (unsigned i = 0; i < attempt->seat_count; i++) {
                load->events[event].sold[attempt->seats[i]] = true;
            }
        }
    }
}

/* 200 or 201: the booking as it is now. */
static void on_booking(struct load *load, struct client *client, const struct http_answer *answer) {
    struct history *history = load->history;
    note_booking(load, client, answer);
    enum checker_kind seen = kind_of_status(answer);
    switch (client->step) {
    case STEP_RESERVE:
        load->counts.held++;
        history_add(history, client->attempt, seen == CHECKER_SEE_HELD ? CHECKER_TAKE : seen, true,
                    answer);
        break;
    case STEP_CONFIRM:
        load->counts.confirmed++;
        history_add(history, client->attempt, CHECKER_CONFIRM, true, answer);
        note_sold(load, history_attempt(history, client->attempt));
        break;
    case STEP_CANCEL:
        load->counts.cancelled++;
        history_add(history, client->attempt, CHECKER_CANCEL, true, answer);
        break;
    case STEP_LOOK:
        load->counts.looked++;
        history_add(history, client->attempt, seen, true, answer);
        break;
    case STEP_IDLE:
        ensure(false);
    }
    if (seen == CHECKER_SEE_HELD) {
        after_hold(load, client);
    } else {
        after_end(load, client);
    }
}

static void on_taken(struct load *load, struct client *client, const struct http_answer *answer) {
    const struct history_attempt *attempt = history_attempt(load->history, client->attempt);
    const json_t *listed = json_object_get(answer->json, "seatIds");
    bool taken[HISTORY_SEATS_MAX] = {false};
    for (size_t i = 0; i < json_array_size(listed); i++) {
        char seat[16];
        for (unsigned s = 0; s < attempt->seat_count; s++) {
            const char *text = json_string_value(json_array_get(listed, i));
            if (text != NULL &&
                strcmp(text, history_seat_text(load->history, attempt->seats[s], seat)) == 0) {
                taken[s] = true;
            }
        }
    }
    load->counts.taken++;
    history_add_refusal(load->history, client->attempt, taken, answer);
    client->step = STEP_IDLE;
}

static void on_no_answer(struct load *load, struct client *client,
                         const struct http_answer *answer) {
    static const enum checker_kind kinds[] = {[STEP_RESERVE] = CHECKER_TAKE,
                                              [STEP_CONFIRM] = CHECKER_CONFIRM,
                                              [STEP_CANCEL] = CHECKER_CANCEL};
    load->counts.unanswered++;
    if (client->step != STEP_LOOK && answer->outcome != HTTP_REFUSED) {
        history_add(load->history, client->attempt, kinds[client->step], false, answer);
    }
    client->gateway = (unsigned)load_random(load, load->options.cluster->gateway_count);
    if (!load->settling && chance(load, 20)) {
        client->step = STEP_IDLE;
    }
}

static void on_answer(struct load *load, struct client *client, const struct http_answer *answer) {
    const char *code = http_answer_code(answer);
    bool ending = client->step == STEP_CONFIRM || client->step == STEP_CANCEL;
    if (answer->outcome != HTTP_ANSWERED || answer->status == 503) {
        on_no_answer(load, client, answer);
    } else if (answer->status == (client->step == STEP_RESERVE ? 201 : 200)) {
        on_booking(load, client, answer);
    } else if (client->step == STEP_RESERVE && strcmp(code, "seat-taken") == 0) {
        on_taken(load, client, answer);
    } else if (ending && (strcmp(code, "hold-expired") == 0 || strcmp(code, "not-pending") == 0)) {
        load->counts.ended++;
        history_add(load->history, client->attempt, CHECKER_SEE_ENDED, true, answer);
        after_end(load, client);
    } else if (client->step == STEP_CANCEL && strcmp(code, "conflict") == 0) {
        history_add(load->history, client->attempt, CHECKER_SEE_BOOKED, true, answer);
        after_end(load, client);
    } else {
        surprised(load, client, answer);
    }
}

/* --- driving
 * -------------------------------------------------------------------------------------------- */

static void act(struct load *load, struct client *client, int64_t now_ms) {
    struct http_answer answer;
    if (client->asking) {
        if (!http_connection_take(client->connection, &answer)) {
            return;
        }
        client->asking = false;
        on_answer(load, client, &answer);
        http_answer_free(&answer);
        client->due_ms = now_ms + 1 + (int64_t)load_random(load, (uint64_t)load->options.pause_ms);
    } else if (now_ms >= client->due_ms && !(load->settling && client->step == STEP_IDLE)) {
        if (client->step == STEP_IDLE) {
            want_seats(load, client);
            client->step = STEP_RESERVE;
            client->gateway = (unsigned)load_random(load, load->options.cluster->gateway_count);
        }
        ask(load, client);
    }
}

void load_drive(struct load *load, int timeout_ms) {
    struct http_connection *connections[LOAD_CLIENTS_MAX];
    int64_t now_ms = wait_now_ms(), next_ms = now_ms + timeout_ms;
    for (unsigned i = 0; i < load->options.clients; i++) {
        struct client *client = &load->clients[i];
        act(load, client, now_ms);
        connections[i] = client->connection;
        bool resting = load->settling && client->step == STEP_IDLE;
        if (!client->asking && !resting && client->due_ms < next_ms) {
            next_ms = client->due_ms;
        }
    }
    http_drive(connections, load->options.clients, next_ms > now_ms ? (int)(next_ms - now_ms) : 0);
}

void load_drive_until(struct load *load, int64_t end_ms) {
    for (int64_t now_ms = wait_now_ms(); now_ms < end_ms; now_ms = wait_now_ms()) {
        load_drive(load, (int)(end_ms - now_ms));
    }
}

static bool is_settled(const struct load *load) {
    bool settled = true;
    for (unsigned i = 0; i < load->options.clients; i++) {
        const struct client *client = &load->clients[i];
        settled = settled && !client->asking && client->step == STEP_IDLE;
    }
    return settled;
}

void load_settle(struct load *load) {
    struct wait wait = wait_at_most(SETTLE_MS);
    load->settling = true;
    while (!is_settled(load)) {
        expect(!wait_is_over(&wait), "some requests get no answer within %d ms", SETTLE_MS);
        load_drive(load, WAIT_PAUSE_MS);
    }
    load->settling = false;
}

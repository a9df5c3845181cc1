#include "ops/benchmarks/reserve.h"

#include "ops/benchmarks/demand.h"
#include "ops/benchmarks/kept.h"
#include "shared/clock.h"
#include "shared/ids.h"

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>

enum {
    ANSWER_LIMIT_MS = 15000, /* a gateway answers within 10 s */
    SEAT_ID_MAX_BYTES = 64,
};

struct run {
    const struct reserve_plan *plan;
    struct reserve_result *result;
    struct demand demand;
    uint32_t attempt_count;
    struct kept kept; /* by attempt; n: event n / buyer_count, its n % buyer_count */
    bool *sold;       /* by event and seat */
    uint32_t asked[CLIENT_CONNECTIONS_MAX]; /* by connection */
    uint32_t opened;                        /* events with their first reservation */
    int64_t killed_us;                      /* monotonic; 0: not yet */
    uint32_t cursor;                        /* attempts of the rest */
};

static uint32_t first_seat_of(const struct run *run, uint32_t attempt) {
    const struct reserve_plan *plan = run->plan;
    return run->demand.first_seat[plan->first_buyer + attempt % plan->buyer_count];
}

static char *const *seats_of(const struct run *run, uint32_t attempt) {
    return &run->plan->seats[first_seat_of(run, attempt)];
}

static uint64_t event_of(const struct run *run, uint32_t attempt) {
    return run->plan->events[attempt / run->plan->buyer_count];
}

static size_t write_request(struct run *run, uint32_t connection, uint32_t attempt, char *request) {
    char key[UUID_TEXT_SIZE];
    char body[256 + 2 * SEAT_ID_MAX_BYTES];
    char *const *seats = seats_of(run, attempt);
    int body_bytes =
        snprintf(body, sizeof body, "{\"eventId\":%" PRIu64 ",\"seatIds\":[\"%s\",\"%s\"]}",
                 event_of(run, attempt), seats[0], seats[1]);
    ensure(body_bytes > 0 && (size_t)body_bytes < sizeof body);
    int size_bytes = snprintf(request, CLIENT_REQUEST_MAX_BYTES,
                              "POST /bookings/reserve HTTP/1.1\r\n"
                              "Host: usher\r\n"
                              "Authorization: Bearer %s\r\n"
                              "Idempotency-Key: %s\r\n"
                              "Content-Type: application/json\r\n"
                              "Content-Length: %d\r\n"
                              "\r\n"
                              "%s",
                              run->plan->guests[attempt % run->plan->guest_count].token,
                              uuid7_text(clock_wall_us() / 1000, key), body_bytes, body);
    ensure(size_bytes > 0 && size_bytes < CLIENT_REQUEST_MAX_BYTES);
    run->asked[connection] = attempt;
    return (size_t)size_bytes;
}

/* One reservation an event: its first attempt. */
static size_t open_next(void *context, uint32_t connection, char *request) {
    struct run *run = context;
    if (run->opened == run->plan->event_count)
        return 0;
    return write_request(run, connection, run->opened++ * run->plan->buyer_count, request);
}

/* The nth of the rest: all attempts of an event but its first, event after event or in turn. */
static uint32_t nth_attempt(const struct reserve_plan *plan, uint32_t nth) {
    uint32_t rest = plan->buyer_count - 1;
    uint32_t event = plan->in_turn ? nth % plan->event_count : nth / rest;
    uint32_t buyer = plan->in_turn ? nth / plan->event_count : nth % rest;
    return event * plan->buyer_count + 1 + buyer;
}

static void kill_in_time(struct run *run) {
    int64_t now_us = clock_monotonic_us();
    if (run->plan->kill == 0 || run->killed_us > 0 ||
        now_us < run->result->watch.started_us + RESERVE_KILL_AFTER_MS * INT64_C(1000))
        return;
    ensure(kill(run->plan->kill, SIGKILL) == 0);
    run->killed_us = now_us;
}

static void note_recovery(struct run *run, int64_t took_us) {
    int64_t now_us = clock_monotonic_us();
    if (run->killed_us > 0 && run->result->recovery_us == 0 && now_us - took_us > run->killed_us)
        run->result->recovery_us = now_us - run->killed_us;
}

static size_t reserve_next(void *context, uint32_t connection, char *request) {
    struct run *run = context;
    struct stopwatch *watch = &run->result->watch;
    int64_t ends_us = watch->started_us + run->plan->duration_ms * 1000;
    run->result->sold_out |=
        watch->running && run->cursor == run->attempt_count - run->plan->event_count;
    if (watch->running && (run->result->sold_out || clock_monotonic_us() >= ends_us))
        stopwatch_stop(watch);
    if (!watch->running)
        return 0;
    kill_in_time(run);
    return write_request(run, connection, nth_attempt(run->plan, run->cursor++), request);
}

static void reserve_answered(void *context, uint32_t connection, const struct answer *answer,
                             int64_t took_us) {
    struct run *run = context;
    kept_put(&run->kept, run->asked[connection], answer);
    if (answer->status == 201)
        note_recovery(run, took_us);
    if (!run->result->watch.running)
        return;
    bool taken = run->plan->storm_buyers > 0 && answer->status == 409;
    run->result->reservations += answer->status == 201;
    run->result->taken += taken;
    if (taken || answer->status == 201) {
        histogram_record(&run->result->latency_us, (uint64_t)took_us);
    }
}

static void reserve_lost(void *context, uint32_t connection) {
    (void)connection;
    ((struct run *)context)->result->lost++;
}

/* Whether somebody was answered to have got one of the two seats that this attempt asked for. */
static bool *sold_seat(struct run *run, uint32_t attempt, size_t which) {
    size_t event = attempt / run->plan->buyer_count;
    return &run->sold[event * run->plan->seat_count + first_seat_of(run, attempt) + which];
}

/* Whether the answer is the pending booking of exactly these two seats; then writes its lines. */
static bool judge_booking(struct run *run, uint32_t number) {
    const struct kept_answer *answer = &run->kept.answers[number];
    char *const *seats = seats_of(run, number);
    json_t *booking = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    const char *id = NULL;
    const char *status = NULL;
    const char *first = NULL;
    const char *second = NULL;
    json_int_t event = 0;
    bool right = json_unpack(booking, "{s:s, s:s, s:I, s:[ss!]}", "bookingId", &id, "status",
                             &status, "eventId", &event, "seatIds", &first, &second) == 0 &&
                 (uint64_t)event == event_of(run, number) && strcmp(status, "PENDING") == 0 &&
                 strlen(id) < RESERVE_BOOKING_SIZE && strpbrk(id, "\t\n\\") == NULL &&
                 ((strcmp(first, seats[0]) == 0 && strcmp(second, seats[1]) == 0) ||
                  (strcmp(first, seats[1]) == 0 && strcmp(second, seats[0]) == 0));
    for (size_t i = 0; right && i < 2; i++) {
        *sold_seat(run, number, i) = true;
        fprintf(run->plan->answers, "%" PRIu64 "\t%s\t%s\n", event_of(run, number), id, seats[i]);
    }
    if (right && run->plan->held != NULL) {
        struct reserve_held *held = &run->plan->held[run->result->held_count++];
        held->guest = number % run->plan->guest_count;
        memcpy(held->booking, id, strlen(id) + 1);
    }
    json_decref(booking);
    return right;
}

/* Whether the answer names one or both of the two seats, and those were sold to others. All
 * bookings have been judged. */
static bool judge_taken(struct run *run, uint32_t number) {
    const struct kept_answer *answer = &run->kept.answers[number];
    char *const *seats = seats_of(run, number);
    json_t *problem = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    const char *code = NULL;
    json_t *taken = NULL;
    bool right = json_unpack(problem, "{s:s, s:o}", "code", &code, "seatIds", &taken) == 0 &&
                 strcmp(code, "seat-taken") == 0 && json_array_size(taken) > 0;
    for (size_t i = 0; right && i < json_array_size(taken); i++) {
        const char *id = json_string_value(json_array_get(taken, i));
        right = false;
        for (size_t which = 0; id != NULL && which < 2; which++)
            right |= strcmp(id, seats[which]) == 0 && *sold_seat(run, number, which);
    }
    json_decref(problem);
    return right;
}

static void tell_first(const struct run *run, const struct kept_answer *answer) {
    if (run->result->refused + run->result->wrong == 1)
        kept_tell(answer);
}

static void judge(struct run *run) {
    for (uint32_t i = 0; i < run->attempt_count; i++) {
        const struct kept_answer *answer = &run->kept.answers[i];
        if (answer->body != NULL && answer->status == 201 && !judge_booking(run, i)) {
            run->result->wrong++;
            tell_first(run, answer);
        }
    }
    for (uint32_t i = 0; i < run->attempt_count; i++) {
        const struct kept_answer *answer = &run->kept.answers[i];
        if (answer->body == NULL || answer->status == 201)
            continue;
        bool taken = run->plan->storm_buyers > 0 && answer->status == 409;
        if (taken && judge_taken(run, i))
            continue;
        run->result->wrong += taken;
        run->result->refused += !taken;
        run->result->overloaded += answer->status == 503;
        tell_first(run, answer);
    }
}

void reserve_run(struct client *client, const struct reserve_plan *plan,
                 struct reserve_result *result) {
    static const struct client_calls opening = {open_next, reserve_answered, reserve_lost};
    static const struct client_calls selling = {reserve_next, reserve_answered, reserve_lost};
    struct run *run = calloc(1, sizeof *run);
    ensure(run != NULL);
    run->plan = plan;
    run->result = result;
    demand_init(&run->demand, plan->seat_count, plan->storm_buyers, plan->seed);
    ensure(plan->first_buyer + plan->buyer_count <= run->demand.buyers && plan->buyer_count > 1);
    run->attempt_count = plan->buyer_count * plan->event_count;
    kept_init(&run->kept, run->attempt_count);
    run->sold = calloc((size_t)plan->event_count * plan->seat_count, sizeof run->sold[0]);
    ensure(run->sold != NULL);

    client_run(client, &opening, run, ANSWER_LIMIT_MS);
    stopwatch_start(&result->watch);
    if (plan->rate > 0)
        result->unsent =
            client_run_open(client, &selling, run, plan->rate, plan->duration_ms + ANSWER_LIMIT_MS);
    else
        client_run(client, &selling, run, plan->duration_ms + ANSWER_LIMIT_MS);
    if (result->watch.running)
        stopwatch_stop(&result->watch);
    judge(run);

    demand_clear(&run->demand);
    kept_clear(&run->kept);
    free(run->sold);
    free(run);
}

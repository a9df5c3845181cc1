/*
 * usher-load: the load of ops/bench. Every measurement is a command of its own; the result is one
 * JSON object on standard output. Exit 0: measured (whatever the answers were), 1: not measured,
 * 2: bad arguments.
 */
#include "ops/benchmarks/confirm.h"
#include "ops/benchmarks/door.h"
#include "ops/benchmarks/drop_load.h"
#include "ops/benchmarks/join.h"
#include "ops/benchmarks/line.h"
#include "ops/benchmarks/look.h"
#include "ops/benchmarks/options.h"
#include "ops/benchmarks/overhear.h"
#include "ops/benchmarks/report.h"
#include "ops/benchmarks/reserve.h"
#include "ops/benchmarks/seat_list.h"
#include "ops/benchmarks/watch.h"

#include <inttypes.h>
#include <stdlib.h>

static const char usage[] =
    "usage: usher-load reserve --url http://ADDRESS:PORT --seats FILE --events ID,… --answers "
    "FILE\n"
    "                          [--connections 256] [--seconds 5] [--seed 1] [--rate N]\n"
    "                          [--buyers N] [--kill PID] [--from 0] [--each N] [--in-turn]\n"
    "       usher-load confirm --url http://ADDRESS:PORT --seats FILE --events ID,… --answers "
    "FILE\n"
    "                          [--connections 256] [--rate N]\n"
    "       usher-load join --url http://ADDRESS:PORT --events ID --people N --answers FILE\n"
    "                       [--connections 256]\n"
    "       usher-load guests --url http://ADDRESS:PORT --people N --guests FILE\n"
    "                         [--connections 256]\n"
    "       usher-load drop --url http://ADDRESS:PORT --seats FILE --events ID --people N\n"
    "                       --guests FILE --sale-begins UNIX-MILLISECONDS --answers FILE\n"
    "                       [--seconds 5] [--connections 256] [--seed 1]\n"
    "       usher-load door --url http://ADDRESS:PORT --events ID --people N\n"
    "       usher-load publish --nats URL --people N [--stream NAME]\n"
    "       usher-load look --url http://ADDRESS:PORT --path PATH [--gzip]\n"
    "                       [--connections 256] [--seconds 5]\n"
    "       usher-load line --nats URL --stream NAME\n"
    "       usher-load watch --url http://127.0.0.1:PORT --events ID --sockets N --answers FILE\n"
    "                        [--rounds 5]   the processes being the gateways\n"
    "       usher-load overhear, and the same but for rounds\n"
    "and with all but the line: [--process NAME=PID]…\n";

enum { HOLDING_LIMIT_MS = 120000 };

static struct stopwatch watch_of(const struct options *options) {
    return (struct stopwatch){.processes = options->processes,
                              .process_count = options->process_count};
}

static bool reserve(struct client *client, const struct reserve_plan *plan,
                    const struct options *options) {
    struct reserve_result result = {.watch = watch_of(options)};
    reserve_run(client, plan, &result);
    if (!report_is_written(plan->answers, options->answers))
        return false;
    printf("{\"reservations\":%" PRIu64 ",\"taken\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"wrong\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"unsent\":%" PRIu64
           ",\"overloaded\":%" PRIu64 ",\"soldOut\":%s",
           result.reservations, result.taken, result.refused, result.wrong, result.lost,
           result.unsent, result.overloaded, result.sold_out ? "true" : "false");
    printf(",\"recoveryMs\":%.1f", (double)result.recovery_us / 1e3);
    report_print_traffic(client_traffic(client));
    report_print_speed(result.reservations + result.taken, &result.watch, &result.latency_us);
    return true;
}

/* Holds all seats of the events, off the clock, and confirms what was held. */
static bool confirm(struct client *client, const struct reserve_plan *plan,
                    const struct options *options) {
    uint32_t count = plan->event_count * plan->buyer_count;
    struct reserve_plan holding = *plan;
    struct reserve_result held = {0};
    struct confirm_result result = {.watch = watch_of(options)};
    holding.rate = 0;
    holding.duration_ms = HOLDING_LIMIT_MS;
    holding.held = calloc(count, sizeof *holding.held);
    ensure(holding.held != NULL);
    reserve_run(client, &holding, &held);
    bool measured = held.held_count == count && report_is_written(plan->answers, options->answers);
    if (measured) {
        const struct confirm_plan paying = {
            .guests = plan->guests, .held = holding.held, .count = count, .rate = plan->rate};
        confirm_run(client, &paying, &result);
        printf("{\"confirmations\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"wrong\":%" PRIu64
               ",\"lost\":%" PRIu64 ",\"unsent\":%" PRIu64,
               result.confirmations, result.refused, result.wrong, result.lost, result.unsent);
        report_print_traffic(client_traffic(client));
        report_print_speed(result.confirmations, &result.watch, &result.latency_us);
    } else {
        fprintf(stderr, "of %u bookings only %u were made\n", count, held.held_count);
    }
    free(holding.held);
    return measured;
}

/* Seats are sold, or sold and paid for. */
static bool sell(const struct options *options,
                 bool (*run)(struct client *client, const struct reserve_plan *plan,
                             const struct options *options)) {
    bool measured = false;
    char **seats = NULL;
    uint32_t seat_count = seat_list_read(options->seats, 2 * GUESTS_MAX, &seats);
    uint32_t buyers = options->buyers > 0 ? (uint32_t)options->buyers : seat_count / 2;
    uint32_t each = options->each > 0 ? (uint32_t)options->each : buyers;
    bool in_turn = options->in_turn;
    uint64_t guest_count = in_turn ? (uint64_t)each * options->event_count : each;
    struct guest *guests = calloc(guest_count + 1, sizeof *guests);
    FILE *answers = fopen(options->answers, "we");
    struct client *client = NULL;
    ensure(guests != NULL);
    if (answers == NULL || seat_count == 0 || options->from + each > buyers ||
        guest_count > GUESTS_MAX || each > RESERVE_ATTEMPTS_MAX / options->event_count) {
        fprintf(stderr, "these files, seats and events can't be used\n");
        goto out;
    }
    client = client_create(options->url, (uint32_t)options->connections);
    if (client == NULL || !guests_create(client, (uint32_t)guest_count, guests))
        goto out;
    const struct reserve_plan plan = {
        .events = options->events,
        .event_count = options->event_count,
        .seats = seats,
        .seat_count = seat_count,
        .storm_buyers = (uint32_t)options->buyers,
        .first_buyer = (uint32_t)options->from,
        .buyer_count = each,
        .in_turn = in_turn,
        .guests = guests,
        .guest_count = (uint32_t)guest_count,
        .duration_ms = (int64_t)options->seconds * 1000,
        .rate = (double)options->rate,
        .seed = options->seed,
        .kill = (pid_t)options->kill,
        .answers = answers,
    };
    measured = run(client, &plan, options);
out:
    client_destroy(client);
    if (answers != NULL)
        fclose(answers);
    guests_clear(guests, (uint32_t)guest_count);
    free(guests);
    seat_list_free(seats, seat_count);
    return measured;
}

static bool load_reserve(const struct options *options) {
    return sell(options, reserve);
}

static bool load_confirm(const struct options *options) {
    return sell(options, confirm);
}

static bool load_join(const struct options *options) {
    bool measured = false;
    uint32_t people = (uint32_t)options->people;
    struct guest *guests = calloc(people, sizeof *guests);
    FILE *answers = fopen(options->answers, "we");
    struct client *client = NULL;
    ensure(guests != NULL);
    if (answers == NULL || people > GUESTS_MAX) {
        fprintf(stderr, "%s can't be written, or these are too many people\n", options->answers);
        goto out;
    }
    client = client_create(options->url, (uint32_t)options->connections);
    if (client == NULL || !guests_create(client, people, guests))
        goto out;
    const struct join_plan plan = {
        .event = options->events[0], .guests = guests, .count = people, .answers = answers};
    struct join_result result = {.watch = watch_of(options)};
    join_run(client, &plan, &result);
    if (!report_is_written(answers, options->answers))
        goto out;
    printf("{\"joins\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"lost\":%" PRIu64,
           result.joins, result.refused, result.wrong, result.lost);
    report_print_traffic(client_traffic(client));
    report_print_speed(result.joins, &result.watch, &result.latency_us);
    measured = true;
out:
    client_destroy(client);
    if (answers != NULL)
        fclose(answers);
    guests_clear(guests, people);
    free(guests);
    return measured;
}

static bool load_publish(const struct options *options) {
    static const struct histogram none;
    struct stopwatch watch = watch_of(options);
    uint32_t people = (uint32_t)options->people;
    if (!(options->given['m'] ? line_fill(options->nats, options->stream, people, &watch)
                              : line_publish(options->nats, people, &watch)))
        return false;
    printf("{\"messages\":%" PRIu64, options->people);
    report_print_speed(options->people, &watch, &none);
    return true;
}

static bool load_look(const struct options *options) {
    const struct look_plan plan = {
        .url = options->url,
        .path = options->path,
        .gzip = options->gzip,
        .connections = (uint32_t)options->connections,
        .duration_ms = (int64_t)options->seconds * 1000,
    };
    struct look_result result = {.watch = watch_of(options)};
    if (!look_run(&plan, &result))
        return false;
    printf("{\"answers\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"headBytes\":%zu,\"bodyBytes\":%zu,\"requestBytes\":%zu,\"answerBytes\":%zu",
           result.answers, result.wrong, result.lost, result.head_bytes, result.body_bytes,
           result.request_bytes, result.head_bytes + result.body_bytes);
    report_print_speed(result.answers, &result.watch, &result.latency_us);
    return true;
}

static bool load_door(const struct options *options) {
    static const struct histogram none;
    struct client *client = client_create(options->url, 1);
    struct door_result result = {.watch = watch_of(options)};
    bool measured =
        client != NULL && door_run(client, options->events[0], options->people, &result);
    client_destroy(client);
    if (!measured)
        return false;
    printf("{\"admissions\":%" PRIu64, result.admissions);
    report_print_speed(result.admissions, &result.watch, &none);
    return true;
}

static bool load_line(const struct options *options) {
    return line_print(options->nats, options->stream, stdout) &&
           report_is_written(stdout, "standard output");
}

int main(int argc, char **argv) {
    static const struct options_command commands[] = {
        {"reserve", "usea", load_reserve},   {"confirm", "usea", load_confirm},
        {"join", "ueka", load_join},         {"guests", "ukA", load_guests},
        {"drop", "ueksagA", load_drop},      {"door", "uek", load_door},
        {"publish", "nk", load_publish},     {"look", "uv", load_look},
        {"line", "nm", load_line},           {"watch", "uefa", watch_load},
        {"overhear", "uefa", overhear_load}, {0}};
    return options_run(argc, argv, commands, usage);
}

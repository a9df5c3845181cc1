#include "ops/benchmarks/drop_load.h"

#include "ops/benchmarks/drop_private.h"
#include "ops/benchmarks/report.h"
#include "ops/benchmarks/seat_list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>

/* A generator that is so late itself has not told the truth about the server. */
enum { LATE_MS = 100, KIB_A_MIB = 1024 };

static void print_latency(const struct drop_result *result) {
    static const enum drop_act acts[] = {DROP_JOIN,   DROP_CLAIM, DROP_RESERVE, DROP_CONFIRM,
                                         DROP_CANCEL, DROP_LOOK,  DROP_ROOM,    DROP_MAP};
    for (size_t i = 0; i < ARRAY_LEN(acts); i++)
        report_print_quantiles(drop_act_text(acts[i]), &result->latency_us[acts[i]]);
    report_print_quantiles("late", &result->late_us);
}

static void print_processors(const struct drop_result *result) {
    const struct stopwatch *watch = &result->watch;
    double share = watch->own_cpu_seconds / watch->elapsed_seconds;
    double late_ms = (double)histogram_quantile(&result->late_us, 0.99) / 1e3;
    double strangers = watch->machine_cpu_seconds - watch->own_cpu_seconds;
    printf(",\"seconds\":%.3f,\"generatorShare\":%.3f,\"bottleneck\":%s,\"cpuSeconds\":{"
           "\"generator\":%.2f",
           watch->elapsed_seconds, share,
           share >= REPORT_BOTTLENECK_SHARE || late_ms > LATE_MS ? "true" : "false",
           watch->own_cpu_seconds);
    for (size_t i = 0; i < watch->process_count; i++) {
        printf(",\"%s\":%.2f", watch->processes[i].name, watch->cpu_seconds[i]);
        strangers -= watch->cpu_seconds[i];
    }
    struct rusage usage;
    ensure(getrusage(RUSAGE_SELF, &usage) == 0);
    printf("},\"generatorMib\":%ld,\"strangersCores\":%.2f", usage.ru_maxrss / KIB_A_MIB,
           strangers > 0 ? strangers / watch->elapsed_seconds : 0);
}

static void print_answers(const struct drop_result *result) {
    const char *separator = "";
    printf(",\"answers\":{");
    for (size_t i = 0; drop_expected[i].status != 0; i++) {
        const struct drop_expectation *expected = &drop_expected[i];
        if (result->answers[i] == 0)
            continue;
        printf("%s\"%s %d%s%s\":%" PRIu64, separator, drop_act_text(expected->act),
               expected->status, expected->code != NULL ? " " : "",
               expected->code != NULL ? expected->code : "", result->answers[i]);
        separator = ",";
    }
    printf("}");
}

static void print_result(const struct drop_result *result) {
    printf("{\"joined\":%" PRIu32 ",\"joinSeconds\":%.3f,\"wrong\":%" PRIu64 ",\"lost\":%" PRIu64,
           result->joined, (double)result->join_us / 1e6, result->wrong, result->lost);
    printf(",\"soldOut\":%s,\"soldSeconds\":%.3f,\"mostSeconds\":%.3f,\"mostCalled\":%" PRIu64
           ",\"bookingsPaid\":%" PRIu32 ",\"seatsPaid\":%" PRIu32 ",\"called\":%" PRIu64,
           result->sold_out ? "true" : "false", (double)result->sold_us / 1e6,
           (double)result->most_us / 1e6, result->most_called, result->bookings_paid,
           result->seats_paid, result->called);
    printf(",\"watchers\":%" PRIu32 ",\"watchersCut\":%" PRIu32 ",\"frames\":%" PRIu64
           ",\"turnsTold\":%" PRIu64 ",\"bookingsTold\":%" PRIu64,
           result->watchers, result->watchers_cut, result->frames, result->turns_told,
           result->bookings_told);
    print_latency(result);
    print_answers(result);
    print_processors(result);
    printf("}\n");
}

bool load_guests(const struct options *options) {
    bool made = false;
    uint32_t people = (uint32_t)options->people;
    struct guest *guests = calloc(people, sizeof *guests);
    FILE *file = fopen(options->guests, "we");
    struct client *client = NULL;
    ensure(guests != NULL);
    if (file == NULL || people > GUESTS_MAX) {
        fprintf(stderr, "%s can't be written, or these are too many people\n", options->guests);
        goto out;
    }
    client = client_create(options->url, (uint32_t)options->connections);
    if (client == NULL || !guests_create(client, people, guests))
        goto out;
    guests_write(guests, people, file);
    made = report_is_written(file, options->guests);
out:
    client_destroy(client);
    if (file != NULL)
        fclose(file);
    guests_clear(guests, people);
    free(guests);
    return made;
}

bool load_drop(const struct options *options) {
    bool measured = false;
    char **seats = NULL;
    uint32_t people = (uint32_t)options->people;
    uint32_t seat_count = seat_list_read(options->seats, DROP_SEATS_MAX, &seats);
    struct guest *guests = calloc(people, sizeof *guests);
    struct drop_result *result = calloc(1, sizeof *result);
    FILE *answers = fopen(options->answers, "we");
    struct client *client = NULL;
    ensure(guests != NULL && result != NULL);
    if (answers == NULL || people > GUESTS_MAX || seat_count == 0) {
        fprintf(stderr, "%s can't be written, or these are too many people\n", options->answers);
        goto out;
    }
    client = client_create(options->url, (uint32_t)options->connections);
    if (client == NULL || !guests_read(options->guests, people, guests))
        goto out;
    const struct drop_plan plan = {
        .event = options->events[0],
        .guests = guests,
        .people = people,
        .seats = seats,
        .seat_count = seat_count,
        .sale_us = (int64_t)options->sale_ms * 1000,
        .joining_ms = (int64_t)options->seconds * 1000,
        .seed = options->seed,
        .answers = answers,
    };
    result->watch = (struct stopwatch){.processes = options->processes,
                                       .process_count = options->process_count};
    if (!drop_run(client, &plan, result) || !report_is_written(answers, options->answers))
        goto out;
    print_result(result);
    measured = true;
out:
    client_destroy(client);
    if (answers != NULL)
        fclose(answers);
    guests_clear(guests, people);
    free(guests);
    free(result);
    seat_list_free(seats, seat_count);
    return measured;
}

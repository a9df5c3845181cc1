#include "ops/benchmarks/sale.h"

#include "ops/benchmarks/report.h"
#include "shared/clock.h"
#include "shared/ids.h"

#include <inttypes.h>
#include <stdlib.h>

void sale_init(struct sale *sale, const struct options *options) {
    *sale = (struct sale){
        .options = options,
        .base = event_base_new(),
        .buyer_count = (uint32_t)options->connections,
        .watch = {.processes = options->processes, .process_count = options->process_count}};
    demand_init(&sale->demand, (uint32_t)options->seat_count, (uint32_t)options->buyers,
                options->seed);
    sale->attempt_count = sale->demand.buyers * options->event_count;
    sale->random = (uint64_t)clock_wall_us();
    sale->buyers = calloc(sale->buyer_count, sizeof sale->buyers[0]);
    sale->bookings = calloc(sale->attempt_count, sizeof sale->bookings[0]);
    ensure(sale->base != NULL && sale->buyers != NULL && sale->bookings != NULL);
}

void sale_clear(struct sale *sale) {
    demand_clear(&sale->demand);
    free(sale->buyers);
    free(sale->bookings);
    event_base_free(sale->base);
}

static struct id128 random_id(struct sale *sale) {
    uint64_t chance[2] = {demand_random(&sale->random), demand_random(&sale->random)};
    struct id128 id;
    memcpy(id.bytes, chance, sizeof id.bytes);
    return id;
}

/* As a UUIDv7 begins (RFC 9562, 5.7): 48 bits of milliseconds. */
static struct id128 next_booking_id(struct sale *sale, int64_t now_us) {
    struct id128 id = random_id(sale);
    uint64_t ms = (uint64_t)now_us / 1000;
    for (size_t i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)(ms >> 8 * (5 - i));
    return id;
}

static void serve_next(struct sale *sale, uint32_t place) {
    int64_t now_us = clock_monotonic_us();
    bool over = sale->cursor >= sale->attempt_count ||
                now_us >= sale->watch.started_us + (int64_t)sale->options->seconds * 1000000;
    if (over && sale->watch.running)
        stopwatch_stop(&sale->watch);
    if (!sale->watch.running) {
        if (++sale->resting == sale->buyer_count)
            event_base_loopbreak(sale->base);
        return;
    }
    uint32_t attempt = sale->cursor++;
    uint32_t seat = sale->demand.first_seat[attempt % sale->demand.buyers];
    sale->buyers[place] = (struct sale_buyer){
        .event = sale->options->events[attempt / sale->demand.buyers],
        .seats = {seat, seat + 1},
        .booking = next_booking_id(sale, clock_wall_us()),
        .user = random_id(sale),
        .attempt = attempt,
        .started_us = now_us,
    };
    sale->serve(sale->context, place);
}

void sale_run(struct sale *sale) {
    stopwatch_start(&sale->watch);
    for (uint32_t place = 0; place < sale->buyer_count; place++)
        serve_next(sale, place);
    if (sale->opened != NULL)
        sale->opened(sale->context);
    if (sale->resting < sale->buyer_count)
        event_base_dispatch(sale->base);
}

void sale_end(struct sale *sale, uint32_t place, bool sold) {
    const struct sale_buyer *buyer = &sale->buyers[place];
    if (sold)
        sale->bookings[buyer->attempt] = buyer->booking;
    if (sale->watch.running) {
        sale->reservations += sold;
        sale->taken += !sold;
        histogram_record(&sale->latency_us, (uint64_t)(clock_monotonic_us() - buyer->started_us));
    }
    serve_next(sale, place);
}

bool sale_report(const struct sale *sale) {
    const char *path = sale->options->answers;
    FILE *answers = fopen(path, "we");
    if (answers == NULL) {
        fprintf(stderr, "%s can't be written\n", path);
        return false;
    }
    for (uint32_t i = 0; i < sale->attempt_count; i++) {
        char id[ID128_TEXT_SIZE];
        uint64_t event = sale->options->events[i / sale->demand.buyers];
        uint32_t seat = sale->demand.first_seat[i % sale->demand.buyers];
        if (id128_is_zero(&sale->bookings[i]))
            continue;
        id128_to_text(&sale->bookings[i], id);
        for (uint32_t which = 0; which < 2; which++)
            fprintf(answers, "%" PRIu64 "\t%" PRIu64 "-%s\t%" PRIu32 "\n", event, event, id,
                    seat + which);
    }
    bool written = report_is_written(answers, path);
    fclose(answers);
    if (!written)
        return false;
    printf("{\"reservations\":%" PRIu64 ",\"taken\":%" PRIu64, sale->reservations, sale->taken);
    report_print_speed(sale->reservations + sale->taken, &sale->watch, &sale->latency_us);
    return true;
}

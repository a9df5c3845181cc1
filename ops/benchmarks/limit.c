#include "ops/benchmarks/rivals.h"
#include "ops/benchmarks/sale.h"

#include "shared/clock.h"
#include "shared/database.h"
#include "shared/partition.h"
#include "worker/batch_rows.h"
#include "worker/store.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    BATCH = 1000,
    BATCHES = 2, /* one is written while the other's rows are made */
    CONNECT_TIMEOUT_MS = 10000,
    PRICE = 4500,
};

/* The buyers at BATCH places. All are served, then all are stored, then all have an answer. */
struct limit_batch {
    struct limit *limit;
    uint32_t first_place;
    uint32_t count; /* served, of those from the first place on; 0: all have an answer */
    bool sent;
    int64_t rows[3]; /* that its writes must touch, in order of statements */
    size_t fenced;   /* partitions */
    struct booking_insert_rows bookings;
    struct claim_rows claims;
    struct booking stored[BATCH]; /* the rows point to their texts */
    uint32_t first_event;         /* places in the options' list; buyers come event by event */
    uint32_t last_event;
};

struct limit {
    struct sale sale;
    struct database_session *session;
    struct limit_batch batches[BATCHES];
    bool writing;
    struct {
        uint64_t version;
        uint32_t held_bookings;
    } shows[RESERVE_EVENTS_MAX]; /* by place in the options' list */
};

static _Noreturn void give_up(const char *why) {
    fprintf(stderr, "the batches could not be written: %s\n", why);
    exit(1);
}

static void limit_serve(void *context, uint32_t place) {
    static const struct id128 nobody;
    struct limit *limit = context;
    struct limit_batch *batch = &limit->batches[place / BATCH];
    const struct sale_buyer *buyer = &limit->sale.buyers[place];
    uint32_t event = buyer->attempt / limit->sale.demand.buyers;
    int64_t now_us = clock_wall_us();
    struct booking *booking = &batch->stored[place % BATCH];
    *booking = (struct booking){
        .id = buyer->booking,
        .user = buyer->user,
        .event_id = buyer->event,
        .status = BOOKING_PENDING,
        .seat_count = 2,
        .seats = {buyer->seats[0], buyer->seats[1]},
        .prices = {PRICE, PRICE},
        .amount = 2 * PRICE,
        .currency = "EUR",
        .created_us = now_us,
        .deadline_served_ms = SALE_HOLD_SECONDS * 1000,
        .expires_us = now_us + SALE_HOLD_SECONDS * INT64_C(1000000),
    };
    booking_insert_rows_add(&batch->bookings, booking, "", "");
    for (size_t i = 0; i < 2; i++)
        claim_rows_add(&batch->claims, buyer->event, buyer->seats[i], &nobody, &booking->id);
    if (batch->count++ == 0)
        batch->first_event = event;
    batch->last_event = event;
    limit->shows[event].held_bookings++;
}

/* --- writing */

static void bind_fence(struct limit_batch *batch, struct database_group *group) {
    static const int64_t epochs[PARTITION_COUNT]; /* of partitions that nobody ever owned: 0 */
    const uint64_t *events = batch->limit->sale.options->events;
    bool touched[PARTITION_COUNT] = {false};
    int16_t ids[PARTITION_COUNT];
    batch->fenced = 0;
    for (uint32_t i = batch->first_event; i <= batch->last_event; i++)
        touched[partition_of_event(events[i])] = true;
    for (int16_t i = 0; i < PARTITION_COUNT; i++)
        if (touched[i])
            ids[batch->fenced++] = i;
    database_group_add(group, &store_fence_lock);
    database_group_i16_array(group, ids, batch->fenced);
    database_group_i64_array(group, epochs, batch->fenced);
}

static void bind_shows(struct limit_batch *batch, struct database_group *group) {
    struct limit *limit = batch->limit;
    const struct options *options = limit->sale.options;
    struct show_rows rows = {0};
    for (uint32_t i = batch->first_event; i <= batch->last_event; i++) {
        uint32_t bookings = limit->shows[i].held_bookings;
        show_rows_add(&rows, options->events[i], limit->shows[i].version,
                      limit->shows[i].version + 1, (uint32_t)options->seat_count - 2 * bookings,
                      bookings);
        limit->shows[i].version++;
    }
    show_rows_bind(&rows, group);
    batch->rows[2] = (int64_t)rows.count;
    show_rows_free(&rows);
}

static void on_written(void *context, const struct database_answer *answer);

static void send_group(struct database_group *group, database_answer_handler *on_answer,
                       struct limit_batch *batch) {
    enum status status = database_group_send_take(group, on_answer, batch);
    if (status != STATUS_OK)
        give_up(status_text(status));
}

static void write_if_ready(struct limit_batch *batch) {
    struct limit *limit = batch->limit;
    if (limit->writing || batch->sent || batch->count == 0)
        return;
    struct database_group *group = database_group_create(limit->session);
    batch->rows[0] = (int64_t)batch->bookings.count;
    batch->rows[1] = (int64_t)batch->claims.count;
    database_group_add(group, &store_begin);
    bind_fence(batch, group);
    booking_insert_rows_bind(&batch->bookings, group);
    claim_rows_bind(&batch->claims, group, &store_insert_claims, false, true);
    bind_shows(batch, group);
    booking_insert_rows_free(&batch->bookings);
    claim_rows_free(&batch->claims);
    batch->bookings = (struct booking_insert_rows){0};
    batch->claims = (struct claim_rows){0};
    batch->sent = limit->writing = true;
    send_group(group, on_written, batch);
}

static void write_all_ready(struct limit *limit) {
    for (size_t i = 0; i < BATCHES; i++)
        write_if_ready(&limit->batches[i]);
}

static void on_committed(void *context, const struct database_answer *answer) {
    struct limit_batch *batch = context;
    uint32_t count = batch->count;
    if (answer->outcome != DATABASE_DONE)
        give_up(answer->error);
    batch->sent = false;
    batch->count = 0;
    for (uint32_t i = 0; i < count; i++)
        sale_end(&batch->limit->sale, batch->first_place + i, true);
    write_if_ready(batch);
}

/* As the worker does: COMMIT only once all row counts are right. */
static void on_written(void *context, const struct database_answer *answer) {
    struct limit_batch *batch = context;
    struct limit *limit = batch->limit;
    if (answer->outcome != DATABASE_DONE)
        give_up(answer->error);
    bool right = (size_t)PQntuples(answer->results[1]) == batch->fenced;
    for (int i = 0; i < (int)ARRAY_LEN(batch->rows); i++)
        right &= database_rows_affected(answer->results[2 + i]) == batch->rows[i];
    if (!right)
        give_up("a statement touched other rows than it should");
    struct database_group *group = database_group_create(limit->session);
    database_group_add(group, &store_commit);
    send_group(group, on_committed, batch);
    limit->writing = false;
    write_all_ready(limit);
}

static void limit_opened(void *context) {
    write_all_ready(context);
}

/* --- the session */

static void on_up(void *context) {
    event_base_loopbreak(((struct limit *)context)->sale.base);
}

static void on_down(void *context, const char *why) {
    (void)context;
    give_up(why);
}

bool rival_batch_limit(const struct options *options) {
    struct options own = *options;
    own.connections = BATCHES * BATCH;
    struct limit *limit = calloc(1, sizeof *limit);
    ensure(limit != NULL);
    sale_init(&limit->sale, &own);
    limit->sale.serve = limit_serve;
    limit->sale.opened = limit_opened;
    limit->sale.context = limit;
    for (uint32_t i = 0; i < BATCHES; i++) {
        limit->batches[i].limit = limit;
        limit->batches[i].first_place = i * BATCH;
    }
    const struct database_session_config config = {
        .url = "",
        .application_name = "usher-rival",
        .options = STORE_WRITE_OPTIONS,
        .statements = store_write_statements,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .limit_groups = 2 * BATCHES,
        .on_up = on_up,
        .on_down = on_down,
        .context = limit,
    };
    limit->session = database_session_open(limit->sale.base, &config);
    ensure(limit->session != NULL);
    event_base_dispatch(limit->sale.base);
    sale_run(&limit->sale);
    bool measured = sale_report(&limit->sale);
    database_session_close(limit->session);
    sale_clear(&limit->sale);
    free(limit);
    return measured;
}

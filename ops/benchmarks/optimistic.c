#include "ops/benchmarks/rival_sql.h"
#include "ops/benchmarks/rivals.h"
#include "ops/benchmarks/sessions.h"

#include <endian.h>
#include <stdlib.h>

/* What a buyer has read. */
struct reading {
    bool done;
    uint32_t versions[2];
};

struct optimistic {
    struct sale sale;
    struct sessions *sessions;
    struct reading *readings; /* by place */
};

static const struct sessions_statement statements[] = {
    {"read", "SELECT seat, status, version FROM rival.seat "
             "WHERE event_id = $1::int8 AND seat IN ($2::int4, $3::int4)"},
    {"reserve", "WITH held AS (UPDATE rival.seat s "
                "SET status = 1, version = s.version + 1, booking_id = $4::uuid "
                "FROM (VALUES ($2::int4, $6::int4), ($3::int4, $7::int4)) AS seen(seat, version) "
                "WHERE s.event_id = $1::int8 AND s.seat = seen.seat AND s.version = seen.version "
                "AND s.status = 0 RETURNING 1) " RIVAL_INSERT_BOOKING},
    {0},
};

static void optimistic_serve(void *context, uint32_t place) {
    struct optimistic *optimistic = context;
    optimistic->readings[place].done = false;
    sessions_ask(optimistic->sessions, place);
}

static bool optimistic_send(void *context, PGconn *connection, uint32_t place) {
    struct optimistic *optimistic = context;
    const struct reading *reading = &optimistic->readings[place];
    return rival_send(connection, reading->done ? "reserve" : "read",
                      &optimistic->sale.buyers[place], reading->versions, reading->done ? 7 : 3);
}

static uint32_t field(const PGresult *result, int row, int column) {
    uint32_t value;
    memcpy(&value, PQgetvalue(result, row, column), sizeof value);
    return be32toh(value);
}

/* Whether both seats can be had. */
static bool read_seats(const PGresult *result, const struct sale_buyer *buyer,
                       struct reading *reading) {
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 2)
        rival_give_up(result);
    bool available = true;
    for (int row = 0; row < 2; row++) {
        const char *status = PQgetvalue(result, row, 1); /* int2 */
        available &= status[0] == 0 && status[1] == 0;
        reading->versions[field(result, row, 0) != buyer->seats[0]] = field(result, row, 2);
    }
    reading->done = true;
    return available;
}

static void optimistic_answered(void *context, uint32_t place, const PGresult *result) {
    struct optimistic *optimistic = context;
    struct reading *reading = &optimistic->readings[place];
    if (reading->done) {
        if (rival_is_stored(result))
            sale_end(&optimistic->sale, place, true);
        else
            optimistic_serve(optimistic, place); /* somebody was faster: once more */
    } else if (read_seats(result, &optimistic->sale.buyers[place], reading)) {
        sessions_ask(optimistic->sessions, place);
    } else {
        sale_end(&optimistic->sale, place, false);
    }
}

bool rival_optimistic(const struct options *options) {
    struct optimistic optimistic;
    sale_init(&optimistic.sale, options);
    optimistic.sale.serve = optimistic_serve;
    optimistic.sale.context = &optimistic;
    optimistic.readings = calloc(optimistic.sale.buyer_count, sizeof optimistic.readings[0]);
    ensure(optimistic.readings != NULL);
    const struct sessions_config config = {
        .base = optimistic.sale.base,
        .count = (uint32_t)options->sessions,
        .depth = (uint32_t)options->depth,
        .tickets = optimistic.sale.buyer_count,
        .statements = statements,
        .send = optimistic_send,
        .answered = optimistic_answered,
        .context = &optimistic,
    };
    optimistic.sessions = sessions_create(&config);
    bool measured = optimistic.sessions != NULL;
    if (measured) {
        sale_run(&optimistic.sale);
        measured = sale_report(&optimistic.sale);
    }
    sessions_destroy(optimistic.sessions);
    free(optimistic.readings);
    sale_clear(&optimistic.sale);
    return measured;
}

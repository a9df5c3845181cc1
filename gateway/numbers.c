#include "gateway/numbers.h"

#include "gateway/admission.h"
#include "gateway/http/router.h"
#include "gateway/live.h"
#include "gateway/routes/routes.h"

#include <assert.h>

/* What the API answers with; the last stands for any other. */
static const struct {
    int status;
    const char *text;
} statuses[] = {
    {101, "101"}, {200, "200"}, {201, "201"}, {202, "202"}, {204, "204"}, {304, "304"},
    {400, "400"}, {401, "401"}, {402, "402"}, {403, "403"}, {404, "404"}, {405, "405"},
    {406, "406"}, {408, "408"}, {409, "409"}, {410, "410"}, {413, "413"}, {415, "415"},
    {417, "417"}, {422, "422"}, {426, "426"}, {429, "429"}, {431, "431"}, {500, "500"},
    {501, "501"}, {503, "503"}, {505, "505"}, {0, "other"},
};

static_assert(ARRAY_LEN(statuses) <= NUMBERS_STATUSES_MAX, "a counter for every status");

static size_t status_index(int status) {
    size_t at = 0;
    while (at < ARRAY_LEN(statuses) - 1 && statuses[at].status != status)
        at++;
    return at;
}

void numbers_request(struct gateway_numbers *numbers, const struct route *route, int status,
                     int64_t took_us, bool slow) {
    size_t at = route != NULL ? routes_index(route) : NUMBERS_ROUTES_MAX;
    ensure(at <= NUMBERS_ROUTES_MAX);
    numbers->requests_slow += slow;
    if (status == 0) {
        numbers->requests_left++;
        return;
    }
    numbers->routes[at].by_status[status_index(status)]++;
    metrics_record(&numbers->routes[at].took_us, &metrics_seconds, (uint64_t)took_us);
}

void numbers_join(struct gateway_numbers *numbers, enum join_outcome outcome, int64_t took_us) {
    numbers->joins[outcome]++;
    if (outcome == JOIN_NEW || outcome == JOIN_KNOWN)
        metrics_record(&numbers->joins_us, &metrics_seconds, (uint64_t)took_us);
}

/* --- samples --------------------------------------------------------------------------------- */

static bool was_asked(const struct route_numbers *numbers) {
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++)
        if (numbers->by_status[i] > 0)
            return true;
    return false;
}

/* Calls `say` for every route that was asked, with its first two labels. */
static void each_route(const struct gateway *gateway,
                       void (*say)(struct metrics_text *text, const struct metric *metric,
                                   struct metrics_label labels[2],
                                   const struct route_numbers *numbers),
                       struct metrics_text *text, const struct metric *metric) {
    for (size_t i = 0; i <= NUMBERS_ROUTES_MAX; i++) {
        const struct route_numbers *numbers = &gateway->numbers->routes[i];
        const struct route *route = i < routes_count() ? routes_at(i) : NULL;
        struct metrics_label labels[2] = {
            {"method", route != NULL ? router_method_text(route->method) : ""},
            {"route", route != NULL ? route->pattern : ""}};
        if (was_asked(numbers))
            say(text, metric, labels, numbers);
    }
}

static void say_requests(struct metrics_text *text, const struct metric *metric,
                         struct metrics_label labels[2], const struct route_numbers *numbers) {
    struct metrics_label all[3] = {labels[0], labels[1], {"status", NULL}};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        all[2].value = statuses[i].text;
        if (numbers->by_status[i] > 0)
            metrics_value(text, metric, all, 3, (double)numbers->by_status[i]);
    }
}

static void say_durations(struct metrics_text *text, const struct metric *metric,
                          struct metrics_label labels[2], const struct route_numbers *numbers) {
    metrics_buckets(text, metric, labels, 2, &numbers->took_us, &metrics_seconds);
}

static void write_requests(struct metrics_text *text, const struct metric *metric,
                           const void *context) {
    each_route(context, say_requests, text, metric);
}

static void write_durations(struct metrics_text *text, const struct metric *metric,
                            const void *context) {
    each_route(context, say_durations, text, metric);
}

static void write_connections(struct metrics_text *text, const struct metric *metric,
                              const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, http_server_connections(gateway->http));
}

static void write_limited(struct metrics_text *text, const struct metric *metric,
                          const void *context) {
    const struct gateway *gateway = context;
    const struct admission_numbers *numbers = admission_numbers(gateway->admission);
    for (enum limits_class class = 0; class < LIMITS_CLASS_COUNT; class ++) {
        for (enum limits_who who = 0; who < LIMITS_WHO_COUNT; who++) {
            const struct metrics_label labels[] = {{"class", limits_class_text(class)},
                                                   {"by", limits_who_text(who)}};
            metrics_value(text, metric, labels, 2, (double)numbers->limited[class][who]);
        }
    }
}

static void write_buckets(struct metrics_text *text, const struct metric *metric,
                          const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, (double)admission_buckets(gateway->admission));
}

static void write_shed(struct metrics_text *text, const struct metric *metric,
                       const void *context) {
    const struct gateway *gateway = context;
    const struct admission_numbers *numbers = admission_numbers(gateway->admission);
    for (enum overload_part part = 0; part < OVERLOAD_PART_COUNT; part++) {
        const struct metrics_label label = {"part", overload_part_text(part)};
        metrics_value(text, metric, &label, 1, (double)numbers->shed[part]);
    }
}

static void write_overloaded(struct metrics_text *text, const struct metric *metric,
                             const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, admission_overload(gateway->admission)->shedding);
}

static void write_lag(struct metrics_text *text, const struct metric *metric, const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, (double)admission_lag_us(gateway->admission) / 1e6);
}

static void write_commands(struct metrics_text *text, const struct metric *metric,
                           const void *context) {
    const struct gateway *gateway = context;
    metrics_buckets(text, metric, NULL, 0, &gateway->numbers->commands_us, &metrics_seconds);
}

static void write_pending(struct metrics_text *text, const struct metric *metric,
                          const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, (double)commands_pending(gateway->commands));
}

static void write_joins(struct metrics_text *text, const struct metric *metric,
                        const void *context) {
    const struct gateway *gateway = context;
    for (enum join_outcome outcome = 0; outcome <= JOIN_OUTCOME_LAST; outcome++) {
        const struct metrics_label label = {"outcome", join_outcome_text(outcome)};
        metrics_value(text, metric, &label, 1, (double)gateway->numbers->joins[outcome]);
    }
}

static void write_join_durations(struct metrics_text *text, const struct metric *metric,
                                 const void *context) {
    const struct gateway *gateway = context;
    metrics_buckets(text, metric, NULL, 0, &gateway->numbers->joins_us, &metrics_seconds);
}

static void write_joins_under_way(struct metrics_text *text, const struct metric *metric,
                                  const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0,
                  gateway->joins != NULL ? (double)joins_under_way(gateway->joins) : 0);
}

static struct door_numbers door_numbers_of(const struct gateway *gateway) {
    return gateway->door != NULL ? *door_numbers(gateway->door) : (struct door_numbers){0};
}

static void write_door(struct metrics_text *text, const struct metric *metric,
                       const void *context) {
    const struct door_numbers numbers = door_numbers_of(context);
    const struct {
        const char *result;
        uint64_t count;
    } results[] = {
        {"reported", numbers.reports}, {"failed", numbers.failed}, {"dropped", numbers.dropped}};
    for (size_t i = 0; i < ARRAY_LEN(results); i++) {
        const struct metrics_label label = {"result", results[i].result};
        metrics_value(text, metric, &label, 1, (double)results[i].count);
    }
}

static void write_door_people(struct metrics_text *text, const struct metric *metric,
                              const void *context) {
    metrics_value(text, metric, NULL, 0, (double)door_numbers_of(context).people);
}

static void write_owners(struct metrics_text *text, const struct metric *metric,
                         const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, owners_known(&gateway->owners, clock_monotonic_us()));
}

static void write_cache(struct metrics_text *text, const struct metric *metric,
                        const void *context) {
    const struct gateway *gateway = context;
    for (enum catalogue_part part = 0; part < CATALOGUE_PART_COUNT; part++) {
        const struct fresh_numbers *numbers = catalogue_numbers(gateway->catalogue, part);
        const struct {
            const char *result;
            uint64_t count;
        } results[] = {
            {"hit", numbers->hits}, {"miss", numbers->misses}, {"stale", numbers->stale}};
        for (size_t i = 0; i < ARRAY_LEN(results); i++) {
            const struct metrics_label labels[] = {{"cache", catalogue_part_text(part)},
                                                   {"result", results[i].result}};
            metrics_value(text, metric, labels, 2, (double)results[i].count);
        }
    }
}

static void write_maps(struct metrics_text *text, const struct metric *metric,
                       const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, (double)seat_maps_count(gateway->seat_maps));
}

static void write_staleness(struct metrics_text *text, const struct metric *metric,
                            const void *context) {
    const struct gateway *gateway = context;
    int64_t age_us = seat_maps_staleness_us(gateway->seat_maps, clock_monotonic_us());
    metrics_value(text, metric, NULL, 0, (double)age_us / 1e6);
}

static void write_live(struct metrics_text *text, const struct metric *metric,
                       const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, live_connections(gateway->live));
}

static void write_live_frames(struct metrics_text *text, const struct metric *metric,
                              const void *context) {
    const struct gateway *gateway = context;
    for (enum live_frame_kind kind = 0; kind < LIVE_FRAME_KIND_COUNT; kind++) {
        const struct metrics_label label = {"type", live_frame_kind_text(kind)};
        metrics_value(text, metric, &label, 1, (double)live_numbers(gateway->live)->frames[kind]);
    }
}

static void write_live_deliveries(struct metrics_text *text, const struct metric *metric,
                                  const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, (double)live_numbers(gateway->live)->deliveries);
}

static void write_live_slow(struct metrics_text *text, const struct metric *metric,
                            const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, (double)live_numbers(gateway->live)->slow_closed);
}

static void write_live_refused(struct metrics_text *text, const struct metric *metric,
                               const void *context) {
    const struct gateway *gateway = context;
    for (enum live_refusal why = LIVE_TOO_FAST; why < LIVE_REFUSAL_COUNT; why++) {
        const struct metrics_label label = {"why", live_refusal_text(why)};
        metrics_value(text, metric, &label, 1, (double)live_numbers(gateway->live)->refused[why]);
    }
}

static void write_bus(struct metrics_text *text, const struct metric *metric, const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0, gateway->bus != NULL && bus_connected(gateway->bus));
}

static void write_dropped(struct metrics_text *text, const struct metric *metric,
                          const void *context) {
    const struct gateway *gateway = context;
    metrics_value(text, metric, NULL, 0,
                  gateway->bus != NULL ? (double)bus_dropped(gateway->bus) : 0);
}

static void write_database(struct metrics_text *text, const struct metric *metric,
                           const void *context) {
    const struct gateway *gateway = context;
    for (enum reads_session which = 0; which < READS_SESSION_COUNT; which++) {
        const struct metrics_label label = {"session", reads_session_name(gateway->reads, which)};
        metrics_value(text, metric, &label, 1, reads_is_up(gateway->reads, which));
    }
}

static const struct metric rows[] = {
    {METRIC_COUNTER, "usher_http_requests_total", "method, route, status",
     "requests answered, by the route's pattern; an empty route: none fits, or not HTTP", 0,
     write_requests},
    {METRIC_HISTOGRAM, "usher_http_request_seconds", "method, route",
     "from a request's first byte to its answer", 0, write_durations},
    METRICS_FIELD(METRIC_COUNTER, "usher_http_requests_left_total", struct gateway_numbers,
                  requests_left, "requests whose client left before the answer"),
    METRICS_FIELD(METRIC_COUNTER, "usher_http_requests_slow_total", struct gateway_numbers,
                  requests_slow, "requests that took `USHER_SLOW_MS` or longer"),
    {METRIC_GAUGE, "usher_http_connections", "", "open connections of the public port", 0,
     write_connections},
    {METRIC_COUNTER, "usher_limited_total", "class, by",
     "requests answered 429, by class of route and whose limit it was: user or address", 0,
     write_limited},
    {METRIC_GAUGE, "usher_limit_buckets", "", "users and addresses whose bucket is not full", 0,
     write_buckets},
    {METRIC_COUNTER, "usher_shed_total", "part",
     "requests answered 503 `overloaded` before anything was done for them", 0, write_shed},
    {METRIC_GAUGE, "usher_overloaded", "", "1 while bookings are turned away", 0, write_overloaded},
    {METRIC_GAUGE, "usher_loop_lag_seconds", "",
     "how late the event loop was when last measured; 20 times a second", 0, write_lag},
    {METRIC_HISTOGRAM, "usher_command_seconds", "",
     "from a booking command's hand-over to its owner's answer", 0, write_commands},
    METRICS_FIELD(METRIC_COUNTER, "usher_commands_unknown_total", struct gateway_numbers,
                  commands_unknown, "commands without an answer in time (`outcome-unknown`)"),
    {METRIC_GAUGE, "usher_commands_pending", "", "commands that wait for their owner's answer", 0,
     write_pending},
    {METRIC_COUNTER, "usher_joins_total", "outcome",
     "requests to join a waiting room, by outcome: new, known (in already), closed, unavailable, "
     "overloaded",
     0, write_joins},
    {METRIC_HISTOGRAM, "usher_join_seconds", "",
     "from a join's hand-over to NATS to its number, for those that were told one", 0,
     write_join_durations},
    {METRIC_GAUGE, "usher_joins_under_way", "", "people on their way into a waiting room", 0,
     write_joins_under_way},
    {METRIC_COUNTER, "usher_door_grants_total", "result",
     "grants of a room's owner to admit people, by what became of them: reported, failed, dropped "
     "(for another run of NATS)",
     0, write_door},
    {METRIC_COUNTER, "usher_door_people_total", "", "people in reports to a room's owner", 0,
     write_door_people},
    {METRIC_GAUGE, "usher_partitions_reachable", "", "partitions with a known owner, of 64", 0,
     write_owners},
    {METRIC_COUNTER, "usher_cache_total", "cache, result",
     "looks into a cache: hit, miss (waits for the database) or stale (older than it should be)", 0,
     write_cache},
    {METRIC_GAUGE, "usher_seat_maps", "", "seat maps in memory", 0, write_maps},
    {METRIC_GAUGE, "usher_seat_map_staleness_seconds", "",
     "age of the oldest map that somebody looked at in the last 5 s; about 1 is normal", 0,
     write_staleness},
    {METRIC_GAUGE, "usher_live_connections", "", "open live connections (WebSockets)", 0,
     write_live},
    {METRIC_COUNTER, "usher_live_frames_total", "type",
     "messages made for live connections; each is made once for all that get it", 0,
     write_live_frames},
    {METRIC_COUNTER, "usher_live_deliveries_total", "", "messages given to live connections", 0,
     write_live_deliveries},
    {METRIC_COUNTER, "usher_live_slow_closed_total", "",
     "live connections closed with 1013 because they read too slowly", 0, write_live_slow},
    {METRIC_COUNTER, "usher_live_refused_total", "why",
     "live connections not opened: rate (`USHER_LIMIT_LIVE`), full or address "
     "(`USHER_LIVE_PER_ADDRESS`)",
     0, write_live_refused},
    {METRIC_GAUGE, "usher_nats_up", "", "1 while NATS is connected", 0, write_bus},
    {METRIC_COUNTER, "usher_nats_dropped_total", "", "messages lost here because too many came", 0,
     write_dropped},
    {METRIC_GAUGE, "usher_database_up", "session", "1 while the session with PostgreSQL is up", 0,
     write_database},
};

int numbers_write(void *context, char *text, size_t size_bytes) {
    const struct gateway *gateway = context;
    return metrics_write(rows, ARRAY_LEN(rows), gateway->numbers, gateway, text, size_bytes) ? 200
                                                                                             : 503;
}

void numbers_print_markdown(FILE *out) {
    metrics_print_markdown(rows, ARRAY_LEN(rows), "gateway", out);
}

#include "worker/numbers.h"

/* Every kind's "ok" from the beginning, refusals once there were some. */
static void write_commands(struct metrics_text *text, const struct metric *metric,
                           const void *context) {
    const struct worker_numbers *numbers = context;
    for (enum command_kind kind = COMMAND_RESERVE; kind < NUMBERS_KINDS; kind++) {
        for (enum reply_code code = REPLY_OK; code < REPLY_CODE_COUNT; code++) {
            const struct metrics_label labels[] = {{"kind", command_kind_text(kind)},
                                                   {"result", reply_code_text(code)}};
            uint64_t count = numbers->committer->results[kind][code];
            if (count > 0 || code == REPLY_OK)
                metrics_value(text, metric, labels, 2, (double)count);
        }
    }
}

static void write_batch_commands(struct metrics_text *text, const struct metric *metric,
                                 const void *context) {
    const struct worker_numbers *numbers = context;
    metrics_buckets(text, metric, NULL, 0, &numbers->committer->batch_commands, &metrics_counts);
}

static void write_commit_seconds(struct metrics_text *text, const struct metric *metric,
                                 const void *context) {
    const struct worker_numbers *numbers = context;
    metrics_buckets(text, metric, NULL, 0, &numbers->committer->commit_us, &metrics_seconds);
}

static void write_commits(struct metrics_text *text, const struct metric *metric,
                          const void *context) {
    const struct worker_numbers *numbers = context;
    metrics_value(text, metric, NULL, 0, (double)numbers->committer->commits);
}

static void write_redone(struct metrics_text *text, const struct metric *metric,
                         const void *context) {
    const struct worker_numbers *numbers = context;
    metrics_value(text, metric, NULL, 0, (double)numbers->committer->redone);
}

static void write_poisoned(struct metrics_text *text, const struct metric *metric,
                           const void *context) {
    const struct worker_numbers *numbers = context;
    metrics_value(text, metric, NULL, 0, (double)numbers->committer->poisoned);
}

static void write_database(struct metrics_text *text, const struct metric *metric,
                           const void *context) {
    const struct worker_numbers *numbers = context;
    const struct metrics_label control = {"session", "control"};
    const struct metrics_label write = {"session", "write"};
    metrics_value(text, metric, &control, 1, (double)numbers->alive);
    metrics_value(text, metric, &write, 1, (double)numbers->writing);
}

/* --- waiting rooms */

static void write_turns(struct metrics_text *text, const struct metric *metric,
                        const void *context) {
    const struct worker_numbers *numbers = context;
    for (enum turn_state state = TURN_WAITING; state <= TURN_STATE_LAST; state++) {
        const struct metrics_label label = {"state", turn_state_text(state)};
        metrics_value(text, metric, &label, 1, (double)numbers->rooms.turns[state]);
    }
}

struct sample {
    const char *kind; /* NULL: the metric has no kinds */
    double value;
};

static void write_room(struct metrics_text *text, const struct metric *metric,
                       const struct room_state *state, const struct sample *samples, size_t count) {
    char event[24];
    (void)snprintf(event, sizeof event, "%llu", (unsigned long long)state->event_id);
    for (size_t i = 0; i < count; i++) {
        const struct metrics_label labels[] = {{"event", event}, {"kind", samples[i].kind}};
        metrics_value(text, metric, labels, samples[i].kind ? 2 : 1, samples[i].value);
    }
}

static void write_people(struct metrics_text *text, const struct metric *metric,
                         const void *context) {
    const struct worker_numbers *numbers = context;
    for (size_t i = 0; i < numbers->rooms.shown; i++) {
        const struct room_state *state = numbers->rooms.rooms[i].state;
        const struct sample samples[] = {{"waiting", (double)numbers->rooms.rooms[i].depth},
                                         {"called", state->called},
                                         {"pass", state->passes}};
        write_room(text, metric, state, samples, ARRAY_LEN(samples));
    }
}

static void write_serving(struct metrics_text *text, const struct metric *metric,
                          const void *context) {
    const struct worker_numbers *numbers = context;
    for (size_t i = 0; i < numbers->rooms.shown; i++) {
        const struct room_state *state = numbers->rooms.rooms[i].state;
        const struct sample sample = {NULL, (double)state->now_serving};
        write_room(text, metric, state, &sample, 1);
    }
}

static void write_rates(struct metrics_text *text, const struct metric *metric,
                        const void *context) {
    const struct worker_numbers *numbers = context;
    for (size_t i = 0; i < numbers->rooms.shown; i++) {
        const struct room_state *state = numbers->rooms.rooms[i].state;
        const struct sample samples[] = {{"joins", state->joins_per_minute / 60.0},
                                         {"admits", state->admits_per_hour / 3600.0}};
        write_room(text, metric, state, samples, ARRAY_LEN(samples));
    }
}

static void write_oldest(struct metrics_text *text, const struct metric *metric,
                         const void *context) {
    const struct worker_numbers *numbers = context;
    for (size_t i = 0; i < numbers->rooms.shown; i++) {
        const struct room_state *state = numbers->rooms.rooms[i].state;
        const struct sample sample = {NULL, state->oldest_wait_seconds};
        write_room(text, metric, state, &sample, 1);
    }
}

static void write_ends(struct metrics_text *text, const struct metric *metric,
                       const void *context) {
    const struct worker_numbers *numbers = context;
    for (size_t i = 0; i < numbers->rooms.shown; i++) {
        const struct room_state *state = numbers->rooms.rooms[i].state;
        const struct sample samples[] = {{"claimed", (double)state->claimed},
                                         {"missed", (double)state->missed},
                                         {"left", (double)state->left},
                                         {"bought", (double)state->bought}};
        write_room(text, metric, state, samples, ARRAY_LEN(samples));
    }
}

#define GAUGE(name, field, text)                                                                   \
    METRICS_FIELD(METRIC_GAUGE, name, struct worker_numbers, field, text)

static const struct metric rows[] = {
    {METRIC_COUNTER, "usher_worker_commands_total", "kind, result",
     "commands decided, committed and answered", 0, write_commands},
    {METRIC_HISTOGRAM, "usher_worker_batch_commands", "", "commands a batch", 0,
     write_batch_commands},
    {METRIC_HISTOGRAM, "usher_worker_commit_seconds", "",
     "from sending a batch with changes to its commit", 0, write_commit_seconds},
    {METRIC_COUNTER, "usher_worker_commits_total", "", "batches with changes", 0, write_commits},
    {METRIC_COUNTER, "usher_worker_redone_total", "",
     "commands decided again because their batch was not stored", 0, write_redone},
    {METRIC_COUNTER, "usher_worker_poisoned_total", "",
     "commands that PostgreSQL refuses every time; each was answered 500", 0, write_poisoned},
    GAUGE("usher_worker_under_way", under_way, "commands taken and not answered yet"),
    GAUGE("usher_worker_partitions_owned", partitions_owned, "partitions it decides for, of 64"),
    GAUGE("usher_worker_shows", shows, "shows in memory"),
    GAUGE("usher_worker_show_bytes", show_bytes, "their memory"),
    GAUGE("usher_worker_open_holds", open_holds, "holds open in them"),
    {METRIC_GAUGE, "usher_worker_database_up", "session",
     "1 while the session with PostgreSQL is up", 0, write_database},
    GAUGE("usher_worker_nats_up", bus_up, "1 while NATS is connected"),
    {METRIC_COUNTER, "usher_worker_nats_dropped_total", "",
     "messages lost here because too many came", offsetof(struct worker_numbers, bus_dropped),
     NULL},

    GAUGE("usher_worker_rooms", rooms.watched, "waiting rooms that are on"),
    GAUGE("usher_worker_rooms_waiting", rooms.waiting, "people who wait in them"),
    {METRIC_COUNTER, "usher_worker_turns_total", "state", "turns that became called, pass, …", 0,
     write_turns},
    {METRIC_COUNTER, "usher_worker_room_grants_total", "", "grants sent to gateways",
     offsetof(struct worker_numbers, rooms.grants), NULL},
    {METRIC_COUNTER, "usher_worker_room_vouches_total", "",
     "times a waiting room's stream, or the run of NATS that keeps it, was a new one",
     offsetof(struct worker_numbers, rooms.vouches), NULL},
    {METRIC_COUNTER, "usher_worker_room_looks_failed_total", "",
     "looks at waiting rooms' streams that failed",
     offsetof(struct worker_numbers, rooms.looks_failed), NULL},
    {METRIC_GAUGE, "usher_room_people", "event, kind",
     "people in a room: waiting, called, with a pass. This and the other `usher_room_…` for the "
     "100 rooms of a worker with most people waiting",
     0, write_people},
    {METRIC_GAUGE, "usher_room_now_serving", "event", "highest number admitted", 0, write_serving},
    {METRIC_GAUGE, "usher_room_rate", "event, kind",
     "joins and admits a second, over the last minute", 0, write_rates},
    {METRIC_GAUGE, "usher_room_oldest_wait_seconds", "event",
     "how long who is next has waited; 0: not known", 0, write_oldest},
    {METRIC_COUNTER, "usher_room_turns_total", "event, kind",
     "turns claimed, missed, left and bought with, since the room began", 0, write_ends},
};

int numbers_write(const struct worker_numbers *numbers, char *text, size_t size_bytes) {
    return metrics_write(rows, ARRAY_LEN(rows), numbers, numbers, text, size_bytes) ? 200 : 503;
}

void numbers_print_markdown(FILE *out) {
    metrics_print_markdown(rows, ARRAY_LEN(rows), "worker", out);
}

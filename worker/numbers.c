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
};

int numbers_write(const struct worker_numbers *numbers, char *text, size_t size_bytes) {
    return metrics_write(rows, ARRAY_LEN(rows), numbers, numbers, text, size_bytes) ? 200 : 503;
}

void numbers_print_markdown(FILE *out) {
    metrics_print_markdown(rows, ARRAY_LEN(rows), "worker", out);
}

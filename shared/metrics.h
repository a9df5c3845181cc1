/*
 * metrics: what a process says of itself on its ops address, as Prometheus text (format 0.0.4).
 *
 * A process has one static table of `struct metric` and one struct of plain numbers. Counting is
 * adding to a field: no lock, no allocation. A row without a writer is a uint64_t at `offset` of
 * that struct; one with a writer says its samples itself, with labels or from the state of other
 * parts.
 *
 *   static const struct metric rows[] = {
 *       METRICS_FIELD(METRIC_COUNTER, "usher_batches_total", struct numbers, batches, "…"),
 *       {METRIC_GAUGE, "usher_bus_up", "", "…", 0, write_bus},
 *   };
 *
 * Histograms are cumulative in the text only; in memory each value is counted once. Their values
 * are whole numbers (microseconds, commands), shown in the unit the scale says. Single-threaded.
 */
#ifndef USHER_SHARED_METRICS_H
#define USHER_SHARED_METRICS_H

#include "shared/base.h"

#include <stdio.h>

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

enum { METRICS_BOUNDS_MAX = 16, METRICS_LABELS_MAX = 4 };

struct metrics_scale {
    const char *bounds[METRICS_BOUNDS_MAX]; /* as written in `le`, e.g. "0.005" */
    uint64_t limits[METRICS_BOUNDS_MAX];    /* the same as recorded, inclusive, rising */
    size_t count;
    double unit; /* a recorded 1, as shown: 1e-6 for microseconds shown as seconds */
};

extern const struct metrics_scale metrics_seconds; /* recorded in microseconds: 1 ms … 10 s */
extern const struct metrics_scale metrics_counts;  /* 1 … 1000 */

struct metrics_histogram {
    uint64_t buckets[METRICS_BOUNDS_MAX + 1]; /* the last: above every bound */
    uint64_t sum;
};

void metrics_record(struct metrics_histogram *histogram, const struct metrics_scale *scale,
                    uint64_t value);

/* The text being written. */
struct metrics_text;

/* Says all samples of `metric`. */
struct metric;
typedef void metrics_writer(struct metrics_text *text, const struct metric *metric,
                            const void *context);

struct metric {
    enum metric_kind kind;
    const char *name;
    const char *labels; /* their names, for the documentation: "route, status"; "" for none */
    const char *help;   /* one line */
    size_t offset;      /* of a uint64_t; used without `write` */
    metrics_writer *write;
};

#define METRICS_FIELD(metric_kind, metric_name, type, field, text)                                 \
    { metric_kind, metric_name, "", text, offsetof(type, field), NULL }

struct metrics_label {
    const char *name;
    const char *value; /* any text; escaped */
};

/* For writers. At most METRICS_LABELS_MAX labels; those of a histogram leave room for `le`. */
void metrics_value(struct metrics_text *text, const struct metric *metric,
                   const struct metrics_label *labels, size_t count, double value);
void metrics_buckets(struct metrics_text *text, const struct metric *metric,
                     const struct metrics_label *labels, size_t count,
                     const struct metrics_histogram *histogram, const struct metrics_scale *scale);

/* Writes all rows, NUL-terminated. `numbers`: where the rows' offsets lead; `context`: for the
 * writers. False: it does not fit; then `text` is empty. */
MUST_CHECK bool metrics_write(const struct metric *rows, size_t count, const void *numbers,
                              const void *context, char *text, size_t size_bytes);
/* The rows as lines of the README's table: | metric | process | kind | labels | meaning | */
void metrics_print_markdown(const struct metric *rows, size_t count, const char *process,
                            FILE *out);

#endif

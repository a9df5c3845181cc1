#include "shared/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>

struct metrics_text {
    char *bytes;
    size_t size_bytes;
    size_t used;
    bool failed;
};

const struct metrics_scale metrics_seconds = {
    .bounds = {"0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1",
               "2.5", "5", "10"},
    .limits = {1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
               5000000, 10000000},
    .count = 13,
    .unit = 1e-6,
};

const struct metrics_scale metrics_counts = {
    .bounds = {"1", "2", "5", "10", "20", "50", "100", "200", "500", "1000"},
    .limits = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000},
    .count = 10,
    .unit = 1,
};

static const char *const kind_texts[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
};

void metrics_record(struct metrics_histogram *histogram, const struct metrics_scale *scale,
                    uint64_t value) {
    size_t at = 0;
    while (at < scale->count && value > scale->limits[at])
        at++;
    histogram->buckets[at]++;
    histogram->sum += value;
}

PRINTF_LIKE(2, 3) static void put(struct metrics_text *text, const char *format, ...) {
    va_list arguments;
    size_t room = text->size_bytes - text->used;
    va_start(arguments, format);
    int size = vsnprintf(text->bytes + text->used, room, format, arguments);
    va_end(arguments);
    text->failed |= size < 0 || (size_t)size >= room;
    if (!text->failed)
        text->used += (size_t)size;
}

/* Backslash and line feed, in label values the quotation mark as well (format 0.0.4, "Comments,
 * help text, and type information"). */
static void put_escaped(struct metrics_text *text, const char *value, bool quoted) {
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            put(text, "\\n");
        else if (*value == '\\' || (quoted && *value == '"'))
            put(text, "\\%c", *value);
        else
            put(text, "%c", *value);
    }
}

static void put_labels(struct metrics_text *text, const struct metrics_label *labels,
                       size_t count) {
    for (size_t i = 0; i < count; i++) {
        put(text, "%s%s=\"", i == 0 ? "{" : ",", labels[i].name);
        put_escaped(text, labels[i].value, true);
        put(text, "\"");
    }
    put(text, count > 0 ? "} " : " ");
}

static void put_number(struct metrics_text *text, double value) {
    if (isnan(value))
        put(text, "NaN\n");
    else if (isinf(value))
        put(text, value > 0 ? "+Inf\n" : "-Inf\n");
    else
        put(text, "%.17g\n", value);
}

void metrics_value(struct metrics_text *text, const struct metric *metric,
                   const struct metrics_label *labels, size_t count, double value) {
    ensure(metric->kind != METRIC_HISTOGRAM && count <= METRICS_LABELS_MAX);
    put(text, "%s", metric->name);
    put_labels(text, labels, count);
    put_number(text, value);
}

void metrics_buckets(struct metrics_text *text, const struct metric *metric,
                     const struct metrics_label *labels, size_t count,
                     const struct metrics_histogram *histogram, const struct metrics_scale *scale) {
    struct metrics_label all[METRICS_LABELS_MAX];
    uint64_t so_far = 0;
    ensure(metric->kind == METRIC_HISTOGRAM && count < METRICS_LABELS_MAX);
    if (count > 0)
        memcpy(all, labels, count * sizeof *all);
    for (size_t i = 0; i <= scale->count; i++) {
        so_far += histogram->buckets[i];
        all[count] = (struct metrics_label){"le", i < scale->count ? scale->bounds[i] : "+Inf"};
        put(text, "%s_bucket", metric->name);
        put_labels(text, all, count + 1);
        put(text, "%" PRIu64 "\n", so_far);
    }
    put(text, "%s_sum", metric->name);
    put_labels(text, labels, count);
    put_number(text, (double)histogram->sum * scale->unit);
    put(text, "%s_count", metric->name);
    put_labels(text, labels, count);
    put(text, "%" PRIu64 "\n", so_far);
}

bool metrics_write(const struct metric *rows, size_t count, const void *numbers,
                   const void *context, char *text, size_t size_bytes) {
    struct metrics_text out = {.bytes = text, .size_bytes = size_bytes};
    for (size_t i = 0; i < count; i++) {
        const struct metric *metric = &rows[i];
        put(&out, "# HELP %s ", metric->name);
        put_escaped(&out, metric->help, false);
        put(&out, "\n# TYPE %s %s\n", metric->name, kind_texts[metric->kind]);
        if (metric->write != NULL) {
            metric->write(&out, metric, context);
            continue;
        }
        uint64_t value;
        memcpy(&value, (const char *)numbers + metric->offset, sizeof value);
        put(&out, "%s %" PRIu64 "\n", metric->name, value);
    }
    if (out.failed && size_bytes > 0)
        text[0] = '\0';
    return !out.failed;
}

void metrics_print_markdown(const struct metric *rows, size_t count, const char *process,
                            FILE *out) {
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "| `%s` | %s | %s | %s | %s |\n", rows[i].name, process,
                      kind_texts[rows[i].kind], rows[i].labels, rows[i].help);
}

/*
 * log: one JSON object a line on stderr (ops/up sends it to USHER_HOME/log).
 *
 *   {"time":"2026-11-23T17:31:32.123Z","level":"info","process":"worker-1","pid":77,
 *    "event":"partition-taken","message":"…","partition":12,"epoch":4}
 *
 * `event` is a stable kebab-case name an operator can grep for; `message` is one English sentence
 * that says what happened and, for warnings and errors, what it means for customers and what usher
 * does about it. A line leaves with one write(2), so lines of several threads never mix. Lines end
 * at 8 KB (cut, still valid JSON). No token, key or personal data may be passed in. Thread-safe
 * after log_init.
 */
#ifndef USHER_SHARED_LOG_H
#define USHER_SHARED_LOG_H

#include "shared/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* "debug", "info", "warning", "error"; false for anything else (config_load has checked
 * config.log_level). */
MUST_CHECK bool log_level_from_text(const char *text, enum log_level *level);

/* `process` (kept by pointer) names this process in every line; lines below `level` are not
 * written. */
void log_init(const char *process, enum log_level level);

/* Fields are built in place: log_write(LOG_INFO, "partition-taken", "…", LOG_U64("partition", 12))
 */
enum log_field_kind {
    LOG_FIELD_END,
    LOG_FIELD_TEXT,
    LOG_FIELD_I64,
    LOG_FIELD_U64,
    LOG_FIELD_DOUBLE
};

struct log_field {
    enum log_field_kind kind;
    const char *name;
    union {
        const char *text; /* NULL is written as null; invalid UTF-8 is replaced */
        int64_t i64;
        uint64_t u64;
        double number;
    } value;
};

#define LOG_TEXT(field_name, v)                                                                    \
    ((struct log_field){.kind = LOG_FIELD_TEXT, .name = (field_name), .value.text = (v)})
#define LOG_I64(field_name, v)                                                                     \
    ((struct log_field){.kind = LOG_FIELD_I64, .name = (field_name), .value.i64 = (v)})
#define LOG_U64(field_name, v)                                                                     \
    ((struct log_field){.kind = LOG_FIELD_U64, .name = (field_name), .value.u64 = (v)})
#define LOG_DOUBLE(field_name, v)                                                                  \
    ((struct log_field){.kind = LOG_FIELD_DOUBLE, .name = (field_name), .value.number = (v)})

/* Whether lines of this level are written: for fields that cost something to make. */
bool log_writes(enum log_level level);
void log_write_fields(enum log_level level, const char *event, const char *message,
                      const struct log_field *fields, size_t count);
#define log_write(level, event, message, ...)                                                      \
    log_write_fields((level), (event), (message), (const struct log_field[]){{0}, ##__VA_ARGS__},  \
                     sizeof((const struct log_field[]){{0}, ##__VA_ARGS__}) /                      \
                         sizeof(struct log_field))

#endif

#include "shared/log.h"

#include "shared/clock.h"
#include "shared/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum {
    LINE_MAX_BYTES = 8192,
    LINE_END_BYTES = 3, /* `"}` and the newline always fit */
};

/* The one thing a process has only one of: its stderr, and what it calls itself there. */
static struct {
    const char *process;
    enum log_level level;
} output = {.process = "usher", .level = LOG_INFO};

static const char *const level_texts[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARNING] = "warning",
    [LOG_ERROR] = "error",
};

struct line {
    size_t used;
    char text[LINE_MAX_BYTES];
};

bool log_level_from_text(const char *text, enum log_level *level) {
    for (size_t i = 0; i < ARRAY_LEN(level_texts); i++) {
        if (strcmp(text, level_texts[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_init(const char *process, enum log_level level) {
    output.process = process;
    output.level = level;
}

static bool append(struct line *line, const char *bytes, size_t count) {
    if (line->used + count > LINE_MAX_BYTES - LINE_END_BYTES)
        return false;
    memcpy(line->text + line->used, bytes, count);
    line->used += count;
    return true;
}

/* False when the text was cut because the line is full; what was written is whole characters. */
static bool append_escaped(struct line *line, const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0') {
        char escaped[8];
        const char *bytes = (const char *)at;
        size_t sequence = utf8_character_bytes(bytes);
        size_t count = sequence;
        if (sequence == 0) {
            bytes = "\xef\xbf\xbd"; /* U+FFFD, the replacement character */
            count = 3;
        } else if (*at < 0x20 || *at == 0x7f) {
            count = (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", *at);
            bytes = escaped;
        } else if (*at == '"' || *at == '\\') {
            count = (size_t)snprintf(escaped, sizeof escaped, "\\%c", *at);
            bytes = escaped;
        }
        if (!append(line, bytes, count))
            return false;
        at += sequence == 0 ? 1 : sequence;
    }
    return true;
}

static bool append_name(struct line *line, const char *name) {
    return append(line, line->used == 0 ? "{\"" : ",\"", 2) && append_escaped(line, name) &&
           append(line, "\":", 2);
}

static bool append_text_value(struct line *line, const char *text) {
    if (text == NULL)
        return append(line, "null", 4);
    if (!append(line, "\"", 1))
        return false;
    append_escaped(line, text);
    line->text[line->used++] = '"'; /* from the reserve, when the text was cut */
    return true;
}

static bool append_number_value(struct line *line, const struct log_field *field) {
    char number[40];
    int length;
    if (field->kind == LOG_FIELD_I64)
        length = snprintf(number, sizeof number, "%" PRId64, field->value.i64);
    else if (field->kind == LOG_FIELD_U64)
        length = snprintf(number, sizeof number, "%" PRIu64, field->value.u64);
    else if (isfinite(field->value.number))
        length = snprintf(number, sizeof number, "%.15g", field->value.number);
    else
        length = snprintf(number, sizeof number, "null");
    return append(line, number, (size_t)length);
}

/* A member that does not fit is left out; a text is cut instead. */
static void append_member(struct line *line, const struct log_field *field) {
    size_t before = line->used;
    bool is_text = field->kind == LOG_FIELD_TEXT;
    if (!append_name(line, field->name) ||
        !(is_text ? append_text_value(line, field->value.text) : append_number_value(line, field)))
        line->used = before;
}

bool log_writes(enum log_level level) {
    return level >= output.level;
}

void log_write_fields(enum log_level level, const char *event, const char *message,
                      const struct log_field *fields, size_t count) {
    if (!log_writes(level))
        return;
    int saved_errno = errno;
    char time[TIME_TEXT_SIZE];
    const struct log_field head[] = {
        LOG_TEXT("time", time_to_text(clock_wall_us(), time)),
        LOG_TEXT("level", level_texts[level]),
        LOG_TEXT("process", output.process),
        LOG_I64("pid", getpid()),
        LOG_TEXT("event", event),
        LOG_TEXT("message", message),
    };
    struct line line;
    line.used = 0;
    for (size_t i = 0; i < ARRAY_LEN(head); i++)
        append_member(&line, &head[i]);
    for (size_t i = 0; i < count; i++)
        if (fields[i].kind != LOG_FIELD_END)
            append_member(&line, &fields[i]);
    memcpy(line.text + line.used, "}\n", 2);
    line.used += 2;

    /* When stderr takes no more there is nobody left to tell. */
    while (write(STDERR_FILENO, line.text, line.used) < 0 && errno == EINTR)
        ;
    errno = saved_errno;
}

/*
 * access_log: which requests get a line in the log, and what is in it. Pure but for the line: time
 * (monotonic µs) is passed in.
 *
 *   off      none but the slow ones
 *   sampled  every 429 and 5xx, and one of a hundred others; at most ACCESS_LINES_A_SECOND, so that
 *            an overload is not made worse by writing about it; the next line says how many were
 *            `left_out`
 *   full     all
 *
 * A request that took USHER_SLOW_MS or longer is `request-slow`, a warning, in every mode (but
 * `left_out` as well when there are too many).
 *
 * A line names the request by its id, method and the route's *pattern*, with status, bytes and
 * milliseconds. Never in a log: path, query, headers, body, the client's address; so no token, key,
 * name, e-mail address, seat or word searched for gets there. (An X-Request-Id of the caller's own
 * is logged: up to 64 of [A-Za-z0-9._-].)
 */
#ifndef USHER_GATEWAY_ACCESS_LOG_H
#define USHER_GATEWAY_ACCESS_LOG_H

#include "shared/base.h"

enum { ACCESS_LINES_A_SECOND = 100, ACCESS_SAMPLE = 100 };

enum access_mode { ACCESS_OFF, ACCESS_SAMPLED, ACCESS_FULL };

/* "off", "sampled", "full" */
enum access_mode access_mode_from_text(const char *text);

struct access_log {
    enum access_mode mode;
    int64_t slow_us; /* 0: nothing is slow */
    /* All zero at first. */
    uint64_t ordinary;
    int64_t second; /* the lines are of */
    uint32_t lines;
    uint64_t left_out;
};

struct access_entry {
    const char *request_id;
    const char *method;
    const char *route; /* pattern; "" when there is none */
    int status;        /* 0: the client left before its answer */
    size_t size_bytes; /* of the body */
    int64_t took_us;
};

bool access_log_is_slow(const struct access_log *log, int64_t took_us);
/* Writes a line, or not; true when it did. */
bool access_log_note(struct access_log *log, const struct access_entry *entry, int64_t now_us);

#endif

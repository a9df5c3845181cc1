/*
 * audit_stream: a waiting room's stream, read from its beginning in order, with NATS' own blocking
 * calls. About a thousand messages are in memory at a time.
 */
#ifndef USHER_OPS_USHERCTL_AUDIT_STREAM_H
#define USHER_OPS_USHERCTL_AUDIT_STREAM_H

#include "shared/room.h"

enum { AUDIT_STREAM_ERROR_SIZE = 256 };

struct audit_stream;

struct audit_stream_state {
    char server_id[ROOM_SERVER_ID_SIZE]; /* of the run that answered */
    int64_t created_us;
    uint64_t last_sequence;
    uint64_t messages;
};

struct audit_entry {
    uint64_t sequence;
    struct id128 user;
    int64_t stored_us;
    int64_t span; /* as it says; -1: it does not say it */
};

/* NULL: NATS can't be reached at `url` within a few seconds; `error` says why. */
MUST_CHECK struct audit_stream *audit_stream_open(const char *url, const char *name,
                                                  char error[AUDIT_STREAM_ERROR_SIZE]);
void audit_stream_close(struct audit_stream *stream); /* NULL is allowed */
/* STATUS_NOT_FOUND: there is no such stream; STATUS_UNAVAILABLE: no answer, see `error`. */
MUST_CHECK enum status audit_stream_look(struct audit_stream *stream,
                                         struct audit_stream_state *state,
                                         char error[AUDIT_STREAM_ERROR_SIZE]);
/* Begins to read; once. The stream has messages, all of them on `subject`. */
MUST_CHECK enum status audit_stream_read(struct audit_stream *stream, const char *subject,
                                         char error[AUDIT_STREAM_ERROR_SIZE]);
/* The next one; STATUS_NOT_FOUND when there is none up to `last_sequence`. STATUS_INVALID: it is
 * nobody's; STATUS_UNAVAILABLE. */
MUST_CHECK enum status audit_stream_next(struct audit_stream *stream, uint64_t last_sequence,
                                         struct audit_entry *entry,
                                         char error[AUDIT_STREAM_ERROR_SIZE]);

#endif

/*
 * hearer: a process with many sockets to which the same frames are sent (RFC 6455), and which
 * checks what comes on each: every frame, once, in order, whole and the same as on all the others.
 * It tells when the first and when the last socket had a frame.
 *
 * The sockets are opened with a handshake and a hello, as GET /events/{id}/live gives them; frames
 * of seats have to lead on from that hello, and from one to the next, and those of the room are
 * passed over. Or without a word, and whatever the frames say is believed to be the next.
 *
 * Whatever is wrong ends it, with the reason on its desk.
 */
#ifndef USHER_OPS_BENCHMARKS_HEARER_H
#define USHER_OPS_BENCHMARKS_HEARER_H

#include "shared/base.h"

#include <stdatomic.h>
#include <sys/socket.h>

enum {
    HEARER_NEWS_MAX = 1000,
    HEARER_FRAME_MAX_BYTES = 64 * 1024 - 1,
    HEARER_AT_ONCE = 256, /* handshakes under way */
    HEARER_SOCKETS_PER_ADDRESS = 20000,
};

/* One frame, as it came on all sockets. */
struct hearer_news {
    uint32_t heard; /* by so many */
    uint32_t size_bytes;
    int64_t first_us; /* monotonic */
    int64_t last_us;
    int64_t version; /* the seats' */
    char text[HEARER_FRAME_MAX_BYTES + 1];
};

/* What the process shares with who made it. */
struct hearer_desk {
    atomic_bool open;   /* all sockets are */
    atomic_uint told;   /* so many frames have come on every socket */
    atomic_bool failed; /* … and it has ended */
    char why[512];
    int64_t version; /* of the hello */
    struct hearer_news news[HEARER_NEWS_MAX];
};

struct hearer_plan {
    uint32_t number;                        /* of this process; its sockets' address is its own */
    const struct sockaddr_storage *servers; /* of 127.0.0.0/8; socket i goes to i % server_count */
    uint32_t server_count;
    const char *path; /* NULL: without a handshake */
    uint32_t sockets;
    int bell; /* an eventfd(2): rung when something of the desk has changed */
    struct hearer_desk *desk;
};

/* Until it is ended, or something is wrong. */
void hearer_run(const struct hearer_plan *plan);

#endif

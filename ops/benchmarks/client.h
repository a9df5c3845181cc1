/*
 * client: many keep-alive connections to one server, each with at most one request under way. What
 * is asked and what is made of the answers is the caller's.
 *
 * Traffic goes to loopback only: a load generator is a weapon, and any other address is refused. It
 * leaves from many of loopback's addresses, or there were too few ports (loopback.h).
 * Connections are not made again: on a benchmark's server, one that ends is a fault to be counted.
 * Single-threaded, on an event loop of its own that turns inside client_run.
 */
#ifndef USHER_OPS_BENCHMARKS_CLIENT_H
#define USHER_OPS_BENCHMARKS_CLIENT_H

#include "ops/benchmarks/answer.h"
#include "ops/benchmarks/arrivals.h"
#include "shared/status.h"

enum {
    CLIENT_CONNECTIONS_MAX = 100000,
    CLIENT_REQUEST_MAX_BYTES = 4096,
    CLIENT_ANSWER_MAX_BYTES = 32768, /* head and body; a longer one counts as lost */
};

struct client;
struct event_base;

struct client_calls {
    /* Writes the next request of a connection, at most CLIENT_REQUEST_MAX_BYTES; returns its
     * length, 0 when there is nothing more to ask: then this connection rests. */
    size_t (*next)(void *context, uint32_t connection, char *request);
    /* `took_us`: since it was asked; in an open loop, since it was to be asked. */
    void (*answered)(void *context, uint32_t connection, const struct answer *answer,
                     int64_t took_us);
    /* What was asked has no answer, and whether the server acted on it is unknown: the connection
     * ended, the answer was not understood, or time was up. The connection is closed. */
    void (*lost)(void *context, uint32_t connection);
};

/* What a run asked and received. */
struct client_traffic {
    uint64_t answers;
    uint64_t sent_bytes;
    uint64_t received_bytes;  /* of answers */
    struct histogram late_us; /* open loop: by how much requests started late; closed loop: empty */
};

/* Connects them all. `url`: http://ADDRESS:PORT, the address numeric and of loopback. NULL, with
 * one line on stderr, when it is not, or nobody is there. */
MUST_CHECK struct client *client_create(const char *url, uint32_t connections);
/* Asks on every connection that is left until all of them rest, `limit_ms` at most. */
void client_run(struct client *client, const struct client_calls *calls, void *context,
                int64_t limit_ms);
/* Open loop: `rate` requests a second arrive, by chance (arrivals.h), whatever became of those
 * before, until there is nothing more to ask; then waits for the answers. Each takes a free
 * connection; returns how many found none and were not sent. */
uint64_t client_run_open(struct client *client, const struct client_calls *calls, void *context,
                         double rate, int64_t limit_ms);
/* Open loop, with the caller's own times: `next` is asked every millisecond, and whenever a
 * connection gets free, for what is due by now; 0: nothing is. Until client_stop, after which it
 * waits for the answers; at most `limit_ms`. `took_us` is since it was asked. */
void client_run_paced(struct client *client, const struct client_calls *calls, void *context,
                      int64_t limit_ms);
void client_stop(struct client *client);
/* Another connection to the same server, the caller's to close; -1, and errno, when it can't be
 * had. `number` chooses the address it leaves from. */
int client_connect(const struct client *client, uint32_t number);
/* On which it turns, for what else the caller has to do meanwhile. */
struct event_base *client_base(struct client *client);
/* Of the last run. */
const struct client_traffic *client_traffic(const struct client *client);
void client_destroy(struct client *client);

#endif

/*
 * servers: a private PostgreSQL and a private NATS for one test, on loopback ports that nobody else
 * uses.
 *
 * Their data lies in the test's folder; they can be stopped, killed and started again on the same
 * port, with what they had stored. Failures fail the test.
 */
#ifndef USHER_TESTS_SUPPORT_SERVERS_H
#define USHER_TESTS_SUPPORT_SERVERS_H

#include "tests/support/folder.h"
#include "tests/support/process.h"

/* A free TCP port of 127.0.0.1 below the ephemeral range, so that no outgoing connection takes it
 * while its server is away; no other running test gets the same one until this test program ends.
 */
uint16_t port_claim(void);

enum { SERVER_URL_SIZE = 256, NATS_ROUTES_SIZE = 256 };

struct postgres_server {
    char folder[FOLDER_PATH_SIZE]; /* the test's; data and socket in its postgres/, log in
                                      postgres.log */
    uint16_t port;
    struct process *process;
};

/* initdb, start, wait until it takes connections. */
void postgres_create(struct postgres_server *server, const char *folder);
void postgres_start(struct postgres_server *server);
/* Fast shutdown: transactions are aborted, everything is written. */
void postgres_stop(struct postgres_server *server);
/* As after a power cut of its memory: no checkpoint; the next start recovers from the log. */
void postgres_crash(struct postgres_server *server);
void postgres_destroy(struct postgres_server *server);
void postgres_create_database(const struct postgres_server *server, const char *name);
/* Connection strings of libpq, over the Unix socket or TCP. */
void postgres_url(const struct postgres_server *server, const char *database, bool tcp,
                  char url[SERVER_URL_SIZE]);

struct nats_server {
    char folder[FOLDER_PATH_SIZE]; /* the test's; data in its <name>/, log in <name>.log */
    char name[32];
    bool plain;
    uint16_t port;
    uint16_t cluster_port;         /* 0: by itself */
    char routes[NATS_ROUTES_SIZE]; /* to all servers of its cluster */
    struct process *process;
};

void nats_create(struct nats_server *server, const char *folder);
/* One without JetStream. */
void nats_create_plain(struct nats_server *server, const char *folder);
/* `count` servers that are one cluster, nats-0, nats-1, …; each started, perhaps not yet agreed. */
void nats_create_cluster(struct nats_server *servers, size_t count, const char *folder);
void nats_start(struct nats_server *server);
void nats_kill(struct nats_server *server);
void nats_destroy(struct nats_server *server);
void nats_url(const struct nats_server *server, char url[SERVER_URL_SIZE]);

#endif

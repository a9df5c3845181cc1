/*
 * config: a process's settings, from the environment. One table (config.c) names every setting with
 * its default, its bounds and what it means; the README's settings table is compared with it by a
 * test.
 *
 * config_load refuses (false, one log line a mistake) what is out of bounds or not a number, and
 * any variable USHER_… that the table does not know: a mistyped setting must not pass in silence.
 * The four USHER_JWT_… belong together, and so do the two USHER_TLS_…: all or none.
 */
#ifndef USHER_SHARED_CONFIG_H
#define USHER_SHARED_CONFIG_H

#include "shared/base.h"

#include <stdio.h>

enum { CONFIG_TEXT_SIZE = 1024 };

struct config {
    char home[CONFIG_TEXT_SIZE];              /* USHER_HOME */
    char process[64];                         /* USHER_PROCESS: name in logs, "worker-1" */
    char database_url[CONFIG_TEXT_SIZE];      /* USHER_DATABASE_URL */
    char read_database_url[CONFIG_TEXT_SIZE]; /* USHER_READ_DATABASE_URL; default: the above */
    char nats_url[CONFIG_TEXT_SIZE];          /* USHER_NATS_URL */
    char public_url[CONFIG_TEXT_SIZE];        /* USHER_PUBLIC_URL */
    char listen_address[64];   /* USHER_LISTEN: address of the public port, default 127.0.0.1 */
    int64_t port;              /* USHER_PORT */
    int64_t ops_port;          /* USHER_OPS_PORT: this process's ops address; 0: any free port,
                                  written to the log */
    int64_t hold_seconds;      /* USHER_HOLD_SECONDS: of new events */
    int64_t handover_seconds;  /* USHER_HANDOVER_SECONDS: how long a worker has to be alive
                                  before partitions are handed to it */
    int64_t idle_show_seconds; /* USHER_IDLE_SHOW_SECONDS: a show nobody asked about is forgotten */
    int64_t show_memory_mb;    /* USHER_SHOW_MEMORY_MB: of a worker's shows */
    int64_t queue_replicas;    /* USHER_QUEUE_REPLICAS: of waiting rooms' streams */
    int64_t connections_max;   /* USHER_CONNECTIONS_MAX: of a gateway */
    int64_t request_seconds;   /* USHER_REQUEST_SECONDS: for a request to arrive whole */
    int64_t idle_seconds;      /* USHER_IDLE_SECONDS: keep-alive without a request */
    char limit_looking[32];    /* USHER_LIMIT_…: "RATE/BURST", see gateway/limits.h */
    char limit_sessions[32];
    char limit_booking[32];
    char limit_booking_address[32];
    char limit_admin[32];
    char limit_live[32];
    int64_t live_per_address;   /* USHER_LIVE_PER_ADDRESS */
    char trusted_proxies[4096]; /* USHER_TRUSTED_PROXIES, see gateway/client_address.h */
    char access_log[16];        /* USHER_ACCESS_LOG: off, sampled, full */
    int64_t slow_ms;    /* USHER_SLOW_MS: from then on a request is logged as slow; 0: never */
    char log_level[16]; /* USHER_LOG_LEVEL: debug, info, warning, error */
    char allowed_origins[4096];             /* USHER_ALLOWED_ORIGINS, see gateway/http/cors.h */
    char tls_certificate[CONFIG_TEXT_SIZE]; /* USHER_TLS_CERTIFICATE, see gateway/http/tls.h */
    char tls_key[CONFIG_TEXT_SIZE];         /* USHER_TLS_KEY; with the certificate, or both "" */
    /* The site's identity provider, see gateway/identity.h; all "" when there is none. */
    char jwt_issuer[CONFIG_TEXT_SIZE];   /* USHER_JWT_ISSUER */
    char jwt_audience[CONFIG_TEXT_SIZE]; /* USHER_JWT_AUDIENCE */
    char jwt_algorithm[16];              /* USHER_JWT_ALGORITHM: RS256, ES256, EdDSA */
    char jwt_keys[CONFIG_TEXT_SIZE];     /* USHER_JWT_KEYS: path of a file */
    char guests[8];                      /* USHER_GUESTS: on, off */
};

MUST_CHECK bool config_load(struct config *config);
/* The table as Markdown: | setting | default | meaning |. For the README's test and `usherctl
 * settings`. */
void config_print_markdown(FILE *out);

#endif

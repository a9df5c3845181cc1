#include "gateway/reads.h"

#include "gateway/sql.h"
#include "shared/log.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECT_TIMEOUT_MS = 3000,
    BACKOFF_FIRST_MS = 100,
    BACKOFF_LAST_MS = 2000,
    TICK_MS = 250,
    PING_MS = 1000,
};

/* Searches are planned with their parameters, over indexes (each has one), and end before the
 * session counts as silent. */
static const char search_options[] =
    "-c plan_cache_mode=force_custom_plan -c enable_seqscan=off -c jit=off"
    " -c max_parallel_workers_per_gather=0 -c statement_timeout=2000 -c "
    "client_min_messages=warning";

struct session {
    struct reads *reads;
    enum reads_session which;
    const char *name;
    const char *url;
    const char *options; /* or NULL */
    size_t limit_groups;
    const struct database_statement *const *statements;
    int64_t silence_us;
    struct database_session *database; /* NULL while closed */
    bool is_up;
    bool reported_down;
    int64_t backoff_ms;
    int64_t open_at_us;
    int64_t ping_sent_us;
    bool pinging;
};

struct reads {
    struct event_base *base;
    struct event *tick;
    struct session sessions[READS_SESSION_COUNT];
    struct database_clock clock;
    void (*on_primary_up)(void *context);
    void *context;
    char process[64];
};

static void on_up(void *context) {
    struct session *session = context;
    session->is_up = true;
    session->reported_down = false;
    session->backoff_ms = BACKOFF_FIRST_MS;
    log_write(LOG_INFO, "database-up", "A session with the database is open.",
              LOG_TEXT("session", session->name));
    if (session->which == READS_PRIMARY) {
        session->reads->on_primary_up(session->reads->context);
    }
}

/* 50 % to 100 % of the backoff, so that the gateways of one outage don't come back in step. */
static int64_t with_jitter(int64_t backoff_ms) {
    uint32_t random = 0;
    ensure(RAND_bytes((unsigned char *)&random, sizeof random) == 1);
    return backoff_ms / 2 + (int64_t)random % (backoff_ms / 2 + 1);
}

static void close_session(struct session *session, const char *why) {
    session->is_up = false;
    session->pinging = false;
    database_session_close(session->database);
    session->database = NULL;
    session->open_at_us = clock_monotonic_us() + with_jitter(session->backoff_ms) * 1000;
    session->backoff_ms =
        session->backoff_ms * 2 < BACKOFF_LAST_MS ? session->backoff_ms * 2 : BACKOFF_LAST_MS;
    log_write(session->reported_down ? LOG_DEBUG : LOG_WARNING, "database-down",
              "A session with the database is lost. Looking is served from memory; "
              "the session is opened again.",
              LOG_TEXT("session", session->name), LOG_TEXT("why", why));
    session->reported_down = true;
}

static void on_down(void *context, const char *why) {
    close_session(context, why);
}

static void open_session(struct session *session) {
    const struct database_session_config config = {
        .url = session->url,
        .application_name = session->reads->process,
        .options = session->options,
        .fail_fast_network = true,
        .statements = session->statements,
        .connect_timeout_ms = CONNECT_TIMEOUT_MS,
        .limit_groups = session->limit_groups,
        .on_up = on_up,
        .on_down = on_down,
        .context = session,
    };
    session->database = database_session_open(session->reads->base, &config);
    if (session->database == NULL) {
        close_session(session, "no memory");
    }
}

static void on_ping(void *context, const struct database_answer *answer) {
    struct session *session = context;
    session->pinging = false;
    if (answer->outcome == DATABASE_DONE && session->which == READS_PRIMARY) {
        database_clock_sample(&session->reads->clock, session->ping_sent_us, clock_monotonic_us(),
                              database_time_us(answer->results[0], 0, 0));
    }
}

static void ping(struct session *session, int64_t now_us) {
    struct database_group *group = database_group_create(session->database);
    database_group_add(group, &sql_clock);
    if (database_group_send_take(group, on_ping, session) == STATUS_OK) {
        session->pinging = true;
        session->ping_sent_us = now_us;
    }
}

static void tick_session(struct session *session, int64_t now_us) {
    if (session->database == NULL) {
        if (now_us >= session->open_at_us) {
            open_session(session);
        }
        return;
    }
    if (!session->is_up) {
        return;
    }
    if (session->pinging && now_us - session->ping_sent_us > session->silence_us) {
        close_session(session, "it does not answer");
    } else if (!session->pinging && now_us - session->ping_sent_us >= (int64_t)PING_MS * 1000) {
        ping(session, now_us);
    }
}

static void on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct reads *reads = context;
    for (size_t i = 0; i < READS_SESSION_COUNT; i++) {
        tick_session(&reads->sessions[i], clock_monotonic_us());
    }
}

struct reads *reads_create(struct event_base *base, const struct config *config,
                           void (*on_primary_up)(void *context), void *context) {
    struct reads *reads = calloc(1, sizeof *reads);
    if (reads == NULL) {
        return NULL;
    }
    *reads = (struct reads){.base = base, .on_primary_up = on_primary_up, .context = context};
    (void)snprintf(reads->process, sizeof reads->process, "%.50s", config->process);
    reads->sessions[READS_CATALOGUE] =
        (struct session){.name = "catalogue",
                         .url = config->read_database_url,
                         .limit_groups = READS_LIMIT_GROUPS,
                         .statements = sql_of_catalogue_session,
                         .silence_us = (int64_t)READS_SILENCE_MS * 1000};
    reads->sessions[READS_SEARCH] =
        (struct session){.name = "search",
                         .url = config->read_database_url,
                         .options = search_options,
                         .limit_groups = READS_LIMIT_SEARCHES,
                         .statements = sql_of_search_session,
                         .silence_us = (int64_t)READS_SILENCE_MS * 1000};
    reads->sessions[READS_PRIMARY] =
        (struct session){.name = "primary",
                         .url = config->database_url,
                         .limit_groups = READS_LIMIT_GROUPS,
                         .statements = sql_of_primary_session,
                         .silence_us = (int64_t)READS_SILENCE_MS * 1000};
    reads->sessions[READS_ADMIN] =
        (struct session){.name = "admin",
                         .url = config->database_url,
                         .limit_groups = READS_LIMIT_GROUPS,
                         .statements = sql_of_admin_session,
                         .silence_us = (int64_t)READS_ADMIN_SILENCE_MS * 1000};
    for (size_t i = 0; i < READS_SESSION_COUNT; i++) {
        reads->sessions[i].reads = reads;
        reads->sessions[i].which = (enum reads_session)i;
        reads->sessions[i].backoff_ms = BACKOFF_FIRST_MS;
    }
    const struct timeval interval = {.tv_usec = (suseconds_t)TICK_MS * 1000};
    reads->tick = event_new(base, -1, EV_PERSIST, on_tick, reads);
    if (reads->tick == NULL || event_add(reads->tick, &interval) != 0) {
        reads_destroy(reads);
        return NULL;
    }
    event_active(reads->tick, EV_TIMEOUT, 0);
    return reads;
}

void reads_destroy(struct reads *reads) {
    if (reads == NULL) {
        return;
    }
    for (size_t i = 0; i < READS_SESSION_COUNT; i++) {
        reads->sessions[i].is_up = false;
        database_session_close(reads->sessions[i].database);
    }
    if (reads->tick != NULL) {
        event_free(reads->tick);
    }
    free(reads);
}

struct database_group *reads_group(struct reads *reads, enum reads_session which) {
    struct session *session = &reads->sessions[which];
    return session->is_up ? database_group_create(session->database) : NULL;
}

const struct database_clock *reads_clock(const struct reads *reads) {
    return &reads->clock;
}

int64_t reads_unix_us(const struct reads *reads, int64_t monotonic_us) {
    const struct database_clock *clock = &reads->clock;
    return database_clock_known(clock) ? database_clock_at_us(clock, monotonic_us)
                                       : clock_wall_us() - (clock_monotonic_us() - monotonic_us);
}

bool reads_is_up(const struct reads *reads, enum reads_session which) {
    return reads->sessions[which].is_up;
}

const char *reads_session_name(const struct reads *reads, enum reads_session which) {
    return reads->sessions[which].name;
}

/* usher-gateway: settings from the environment, one loop, until SIGTERM or SIGINT. SIGHUP reads the
 * certificate again. */
#include "gateway/admission.h"
#include "gateway/auth.h"
#include "gateway/gateway.h"
#include "gateway/http/cors.h"
#include "gateway/http/problem.h"
#include "gateway/http/tls.h"
#include "gateway/live.h"
#include "gateway/messages.h"
#include "gateway/numbers.h"
#include "gateway/room_questions.h"
#include "gateway/routes/routes.h"
#include "gateway/sql.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { SEND_STALL_MS = 20000 };

static enum log_level log_level_of(const char *text) {
    static const char *const names[] = {[LOG_DEBUG] = "debug",
                                        [LOG_INFO] = "info",
                                        [LOG_WARNING] = "warning",
                                        [LOG_ERROR] = "error"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], text) == 0) {
            return (enum log_level)i;
        }
    }
    return LOG_INFO;
}

static void fail(struct gateway *gateway) {
    gateway->failed = true;
    (void)event_base_loopbreak(gateway->base);
}

static void on_installation(void *context, const struct database_answer *answer) {
    struct gateway *gateway = context;
    if (answer->outcome != DATABASE_DONE) {
        log_write(LOG_WARNING, "installation-unread",
                  "The installation's record can't be read; it is tried again.",
                  LOG_TEXT("why", answer->error));
        return;
    }
    bool first = !gateway->installation.known;
    if (!installation_read(&gateway->installation, answer->results[0])) {
        fail(gateway);
        return;
    }
    char id[ID128_TEXT_SIZE];
    log_write(LOG_INFO, "installation-read", "The installation's record was read.",
              LOG_TEXT("installation", id128_to_text(&gateway->installation.id, id)));
    keep_confirm(gateway->keep, &gateway->installation.id);
    if (first && !messages_start(gateway)) {
        fail(gateway);
    }
}

/* The record is read again whenever the primary comes back: it might be another database. */
static void on_primary_up(void *context) {
    struct gateway *gateway = context;
    struct database_group *group = reads_group(gateway->reads, READS_PRIMARY);
    if (group == NULL) {
        return;
    }
    database_group_add(group, &sql_installation);
    enum status status = database_group_send_take(group, on_installation, gateway);
    if (status != STATUS_OK) {
        log_write(LOG_WARNING, "installation-unread",
                  "The installation's record can't be asked for.",
                  LOG_TEXT("why", status_text(status)));
    }
}

static void on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct gateway *gateway = context;
    int64_t now_us = clock_monotonic_us();
    commands_tick(gateway->commands, now_us);
    seat_maps_tick(gateway->seat_maps, now_us);
    rooms_tick(gateway->rooms, now_us);
    if (gateway->joins != NULL) {
        joins_tick(gateway->joins, now_us);
    }
    live_tick(gateway->live, now_us);
    identity_tick(gateway->identity, now_us);
    admin_keys_tick(gateway->admin_keys, now_us);
    catalogue_tick(gateway->catalogue);
}

static void on_flush(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct gateway *gateway = context;
    commands_flush(gateway->commands, clock_monotonic_us());
}

static void on_drained(void *context) {
    struct gateway *gateway = context;
    (void)event_base_loopbreak(gateway->base);
}

static void on_signal(evutil_socket_t number, short what, void *context) {
    (void)what;
    struct gateway *gateway = context;
    if (number == SIGHUP) {
        if (gateway->tls != NULL) {
            (void)http_tls_reload(gateway->tls);
        }
        return;
    }
    log_write(LOG_INFO, "stopping", "Asked to stop: open requests are finished first.");
    live_drain(gateway->live);
    http_server_drain(gateway->http, GATEWAY_DRAIN_MS, on_drained, gateway);
}

static int64_t unix_us(void *context, int64_t monotonic_us) {
    return reads_unix_us(((struct gateway *)context)->reads, monotonic_us);
}

static bool make_parts(struct gateway *gateway) {
    const struct commands_config commands = {.gateway_instance = gateway->instance,
                                             .owners = &gateway->owners,
                                             .send = messages_send_commands,
                                             .wake = messages_wake,
                                             .context = gateway};
    const struct seat_maps_config seat_maps = {.ask = messages_ask_snapshot,
                                               .read = messages_read_seats,
                                               .keep = messages_keep_seats,
                                               .recall = messages_recall_seats,
                                               .on_change = messages_seats_changed,
                                               .context = gateway};
    const struct rooms_config rooms = {.unix_us = unix_us,
                                       .ask = room_questions_ask,
                                       .read = room_questions_read,
                                       .keep = room_questions_keep,
                                       .recall = room_questions_recall,
                                       .on_change = messages_room_changed,
                                       .context = gateway};
    gateway->keep = keep_open(gateway->config.home, gateway->config.process);
    owners_init(&gateway->owners, clock_monotonic_us());
    gateway->reads = reads_create(gateway->base, &gateway->config, on_primary_up, gateway);
    gateway->commands = commands_create(&commands);
    gateway->seat_maps = seat_maps_create(&seat_maps);
    gateway->rooms = rooms_create(&rooms);
    gateway->catalogue =
        gateway->reads != NULL ? catalogue_create(gateway->reads, gateway->keep) : NULL;
    gateway->admin_keys = admin_keys_create(gateway->reads, gateway->config.home);
    return gateway->reads != NULL && gateway->commands != NULL && gateway->seat_maps != NULL &&
           gateway->rooms != NULL && gateway->catalogue != NULL && gateway->admin_keys != NULL;
}

/* Only where one is configured. */
static bool make_identity(struct gateway *gateway) {
    if (*gateway->config.jwt_issuer == '\0') {
        return true;
    }
    gateway->identity = identity_create(&gateway->config, clock_monotonic_us());
    return gateway->identity != NULL;
}

static bool make_events(struct gateway *gateway) {
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    const struct timeval interval = {.tv_usec = (suseconds_t)GATEWAY_TICK_MS * 1000};
    gateway->flush = event_new(gateway->base, -1, 0, on_flush, gateway);
    gateway->tick = event_new(gateway->base, -1, EV_PERSIST, on_tick, gateway);
    bool fine =
        gateway->flush != NULL && gateway->tick != NULL && event_add(gateway->tick, &interval) == 0;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        gateway->signals[i] = evsignal_new(gateway->base, signals[i], on_signal, gateway);
        fine = fine && gateway->signals[i] != NULL && event_add(gateway->signals[i], NULL) == 0;
    }
    return fine;
}

/* Who may go on, and what is counted and logged of it. */
static bool make_watch(struct gateway *gateway) {
    const struct config *config = &gateway->config;
    gateway->access_log = (struct access_log){.mode = access_mode_from_text(config->access_log),
                                              .slow_us = config->slow_ms * 1000};
    gateway->numbers = calloc(1, sizeof *gateway->numbers);
    gateway->admission = admission_create(gateway);
    return gateway->numbers != NULL && gateway->admission != NULL;
}

static enum status verify_token(void *context, const char *token, struct session *session) {
    return auth_token(context, token, session);
}

static bool make_live(struct gateway *gateway) {
    const struct config *config = &gateway->config;
    const struct live_config live = {
        .base = gateway->base,
        .seat_maps = gateway->seat_maps,
        .rooms = gateway->rooms,
        .places = {.connections_max = (uint32_t)config->connections_max,
                   .per_address = (uint32_t)config->live_per_address,
                   .opening = *admission_live_limit(gateway->admission)},
        .ping_ms = WS_PING_MS,
        .unix_us = unix_us,
        .verify = verify_token,
        .ask_people = messages_ask_people,
        .context = gateway,
    };
    gateway->live = live_create(&live);
    return gateway->live != NULL;
}

/* What the public port needs besides. */
static bool make_edge(struct gateway *gateway) {
    const struct config *config = &gateway->config;
    bool has_tls = *config->tls_certificate != '\0';
    gateway->web = web_create();
    gateway->cors = cors_create(config->allowed_origins);
    if (has_tls) {
        gateway->tls = http_tls_create(config->tls_certificate, config->tls_key);
    }
    return gateway->web != NULL && gateway->cors != NULL && (!has_tls || gateway->tls != NULL);
}

static bool make_servers(struct gateway *gateway) {
    const struct config *config = &gateway->config;
    const struct http_server_config http = {
        .address = config->listen_address,
        .port = (uint16_t)config->port,
        .reuse_port = true,
        .connections_max = (uint32_t)config->connections_max,
        .request_ms = config->request_seconds * 1000,
        .idle_ms = config->idle_seconds * 1000,
        .send_ms = SEND_STALL_MS,
        .tls = gateway->tls,
        .cors = gateway->cors,
        .on_request = routes_handle,
        .on_problem = problem_write,
        .body_limit = routes_body_limit,
        .on_end = routes_note_end,
        .context = gateway,
    };
    gateway->ops = ops_server_create(gateway->base, (uint16_t)config->ops_port, routes_write_ready,
                                     numbers_write, gateway);
    gateway->http = gateway->ops != NULL ? http_server_create(gateway->base, &http) : NULL;
    if (gateway->http == NULL) {
        return false;
    }
    log_write(LOG_INFO, "listening", "The gateway takes requests.",
              LOG_TEXT("address", config->listen_address),
              LOG_U64("port", http_server_port(gateway->http)),
              LOG_U64("ops_port", ops_server_port(gateway->ops)));
    return true;
}

/* First those who ask, then what is asked: every call that waits is told, and frees itself. */
static void gateway_free(struct gateway *gateway) {
    live_close(gateway->live);
    http_server_destroy(gateway->http);
    cors_destroy(gateway->cors);
    web_destroy(gateway->web);
    http_tls_destroy(gateway->tls);
    ops_server_destroy(gateway->ops);
    commands_destroy(gateway->commands);
    jetstream_destroy(gateway->jetstream);
    door_destroy(gateway->door);
    reads_destroy(gateway->reads);
    seat_maps_destroy(gateway->seat_maps);
    rooms_destroy(gateway->rooms);
    joins_destroy(gateway->joins);
    live_destroy(gateway->live);
    catalogue_destroy(gateway->catalogue);
    keep_close(gateway->keep);
    admin_keys_destroy(gateway->admin_keys);
    identity_destroy(gateway->identity);
    bus_destroy(gateway->joins_bus);
    bus_destroy(gateway->bus);
    admission_destroy(gateway->admission);
    installation_clear(&gateway->installation);
    struct event *events[] = {gateway->tick, gateway->flush, gateway->signals[0],
                              gateway->signals[1], gateway->signals[2]};
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    if (gateway->base != NULL) {
        event_base_free(gateway->base);
    }
    free(gateway->numbers);
    free(gateway);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "metrics") == 0) {
        numbers_print_markdown(stdout); /* for the README's table */
        return EXIT_SUCCESS;
    }
    if (argc != 1) {
        (void)fprintf(
            stderr, "usher-gateway takes no arguments; its settings come from the environment.\n");
        return 2;
    }
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL) {
        return EXIT_FAILURE;
    }
    log_init("gateway", LOG_INFO);
    if (!config_load(&gateway->config)) {
        free(gateway);
        return EXIT_FAILURE;
    }
    log_init(gateway->config.process, log_level_of(gateway->config.log_level));
    (void)signal(SIGPIPE, SIG_IGN);
    struct id128 instance = id128_random();
    memcpy(&gateway->instance, instance.bytes, sizeof gateway->instance);
    gateway->base = event_base_new();
    bool works = gateway->base != NULL && make_parts(gateway) && make_identity(gateway) &&
                 make_events(gateway) && make_watch(gateway) && make_live(gateway) &&
                 make_edge(gateway) && make_servers(gateway) &&
                 event_base_dispatch(gateway->base) >= 0;
    bool failed = !works || gateway->failed;
    log_write(failed ? LOG_ERROR : LOG_INFO, "stopped",
              failed ? "The gateway could not go on." : "The gateway has stopped.");
    gateway_free(gateway);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

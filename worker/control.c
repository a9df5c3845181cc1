#include "worker/control.h"

#include "shared/log.h"

#include <stdio.h>
#include <stdlib.h>

struct control {
    struct control_config config;
    struct database_session *session;
    struct event *heartbeat;
    bool asked; /* a heartbeat is under way */
    int64_t asked_us;
    int64_t heard_us;
};

static const struct database_statement show_idle_timeout = {
    NULL, "SHOW idle_session_timeout", 0, {0}};
/* The instance's number comes in the startup packet: no text is made into SQL. */
static const struct database_statement take_lock = {
    NULL, "SELECT pg_try_advisory_lock(current_setting('usher.instance')::bigint)::int", 0, {0}};
static const struct database_statement ask_time = {
    NULL, "SELECT (extract(epoch from clock_timestamp()) * 1000000)::bigint", 0, {0}};

static void lose(struct control *control, const char *why) {
    log_write(LOG_WARNING, "control-session-lost",
              "The session that shows this worker alive is gone or was refused; the worker owns "
              "nothing until "
              "it has another.",
              LOG_TEXT("reason", why));
    database_session_close(control->session);
    control->session = NULL;
    event_del(control->heartbeat);
    control->config.on_lost(control->config.context);
}

/* Sends one statement; false, and the control is lost, when it can't be sent. */
static bool ask(struct control *control, const struct database_statement *statement,
                database_answer_handler *on_answer) {
    struct database_group *group = database_group_create(control->session);
    database_group_add(group, statement);
    if (database_group_send_take(group, on_answer, control) == STATUS_OK)
        return true;
    lose(control, "a statement could not be sent");
    return false;
}

static void on_time(void *context, const struct database_answer *answer) {
    struct control *control = context;
    if (answer->outcome == DATABASE_LOST)
        return; /* the control may be gone already */
    control->asked = false;
    if (answer->outcome == DATABASE_FAILED) {
        lose(control, answer->error);
        return;
    }
    control->heard_us = clock_monotonic_us();
    database_clock_sample(control->config.clock, control->asked_us, control->heard_us,
                          database_number_text(answer->results[0], 0, 0));
}

static void beat(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct control *control = context;
    if (control->asked)
        return; /* one at a time; a server that does not answer is the server's to notice */
    control->asked = true;
    control->asked_us = clock_monotonic_us();
    (void)ask(control, &ask_time, on_time);
}

static void on_locked(void *context, const struct database_answer *answer) {
    struct control *control = context;
    if (answer->outcome == DATABASE_LOST)
        return;
    if (answer->outcome == DATABASE_FAILED || database_number_text(answer->results[0], 0, 0) != 1) {
        lose(control, "the instance's lock was refused");
        return;
    }
    const struct timeval every = {.tv_usec = CONTROL_HEARTBEAT_MS * 1000};
    ensure(event_add(control->heartbeat, &every) == 0);
    control->config.on_alive(control->config.context);
}

static void on_shown(void *context, const struct database_answer *answer) {
    struct control *control = context;
    if (answer->outcome == DATABASE_LOST)
        return;
    char expected[32];
    (void)snprintf(expected, sizeof expected, "%dms", CONTROL_IDLE_TIMEOUT_MS);
    if (answer->outcome == DATABASE_FAILED ||
        strcmp(database_text(answer->results[0], 0, 0), expected) != 0) {
        lose(control, "the server did not take idle_session_timeout; is there a proxy in between?");
        return;
    }
    (void)ask(control, &take_lock, on_locked);
}

static void on_up(void *context) {
    struct control *control = context;
    /* The first heartbeat is asked before anything is owned: the clock has to be known. */
    control->asked = true;
    control->asked_us = clock_monotonic_us();
    if (ask(control, &ask_time, on_time))
        (void)ask(control, &show_idle_timeout, on_shown);
}

static void on_down(void *context, const char *why) {
    lose(context, why);
}

struct control *control_create(const struct control_config *config) {
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return NULL;
    control->config = *config;
    char options[320];
    (void)snprintf(
        options, sizeof options,
        "-c idle_session_timeout=%d -c tcp_keepalives_idle=1 -c tcp_keepalives_interval=1 "
        "-c tcp_keepalives_count=2 -c tcp_user_timeout=%d -c usher.instance=%llu",
        CONTROL_IDLE_TIMEOUT_MS, CONTROL_IDLE_TIMEOUT_MS, (unsigned long long)config->instance);
    const struct database_session_config session = {
        .url = config->database_url,
        .application_name = config->application_name,
        .options = options,
        .fail_fast_network = true,
        .simple_protocol = true,
        .connect_timeout_ms = CONTROL_CONNECT_TIMEOUT_MS,
        .limit_groups = 4,
        .on_up = on_up,
        .on_down = on_down,
        .context = control,
    };
    control->heartbeat = event_new(config->base, -1, EV_PERSIST, beat, control);
    control->session = control->heartbeat ? database_session_open(config->base, &session) : NULL;
    if (!control->session) {
        control_destroy(control);
        return NULL;
    }
    return control;
}

int64_t control_heard_us(const struct control *control) {
    return control->heard_us;
}

void control_destroy(struct control *control) {
    if (!control)
        return;
    database_session_close(control->session);
    if (control->heartbeat)
        event_free(control->heartbeat);
    free(control);
}

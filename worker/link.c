#include "worker/link.h"

#include "shared/log.h"
#include "worker/backoff.h"

#include <stdlib.h>

struct link {
    struct event_base *base;
    struct link_config config;
    char *url, *application_name, *options;
    struct database_session *session;
    bool up;
    struct event *retry;
    struct backoff backoff;
};

static void link_open(struct link *link);

static void link_retry_later(struct link *link) {
    const struct timeval wait = backoff_next(&link->backoff);
    ensure(event_add(link->retry, &wait) == 0);
}

static void link_session_up(void *context) {
    struct link *link = context;
    link->up = true;
    link->backoff = (struct backoff){0};
    link->config.on_up(link->config.context);
}

static void link_drop(struct link *link) {
    bool was_up = link->up;
    struct database_session *session = link->session;
    link->up = false;
    link->session = NULL;
    database_session_close(session);
    link_retry_later(link);
    if (was_up)
        link->config.on_down(link->config.context);
}

static void link_session_down(void *context, const char *why) {
    struct link *link = context;
    log_write(LOG_WARNING, "database-session-down",
              "A database session is lost or could not be opened; another is opened after a pause.",
              LOG_TEXT("session", link->config.name), LOG_TEXT("reason", why));
    link_drop(link);
}

static void link_open(struct link *link) {
    const struct database_session_config config = {
        .url = link->url,
        .application_name = link->application_name,
        .options = link->options,
        .fail_fast_network = true,
        .simple_protocol = link->config.simple_protocol,
        .statements = link->config.statements,
        .connect_timeout_ms = LINK_CONNECT_TIMEOUT_MS,
        .limit_groups = link->config.limit_groups,
        .on_up = link_session_up,
        .on_down = link_session_down,
        .context = link,
    };
    link->session = database_session_open(link->base, &config);
    if (!link->session)
        link_retry_later(link);
}

static void link_retry_now(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    link_open(context);
}

struct link *link_create(struct event_base *base, const struct link_config *config) {
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->base = base;
    link->config = *config;
    link->url = strdup(config->url);
    link->application_name = strdup(config->application_name);
    link->options = config->options ? strdup(config->options) : NULL;
    link->retry = evtimer_new(base, link_retry_now, link);
    if (!link->url || !link->application_name || (config->options && !link->options) ||
        !link->retry) {
        link_destroy(link);
        return NULL;
    }
    link_open(link);
    return link;
}

void link_destroy(struct link *link) {
    if (!link)
        return;
    link->up = false;
    database_session_close(link->session);
    if (link->retry)
        event_free(link->retry);
    free(link->url);
    free(link->application_name);
    free(link->options);
    free(link);
}

struct database_session *link_session(const struct link *link) {
    return link->up ? link->session : NULL;
}

void link_restart(struct link *link) {
    if (link->session)
        link_drop(link);
}

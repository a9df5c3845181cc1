#include "tests/integration/database_probe.h"
#include "tests/support/wait.h"

#include <stdio.h>
#include <stdlib.h>

int database_place_create(void **state) {
    struct database_place *place = calloc(1, sizeof *place);
    expect(place != NULL, "no memory");
    folder_create(place->folder);
    postgres_create(&place->postgres, place->folder);
    postgres_create_database(&place->postgres, "usher");
    postgres_url(&place->postgres, "usher", true, place->url);
    place->sql = sql_open(place->url);
    *state = place;
    return 0;
}

int database_place_destroy(void **state) {
    struct database_place *place = *state;
    sql_close(place->sql);
    postgres_destroy(&place->postgres);
    folder_remove(place->folder);
    free(place);
    return 0;
}

static void on_up(void *context) {
    struct probe *probe = context;
    expect(!probe->up, "on_up came twice");
    probe->up = true;
}

static void on_down(void *context, const char *why) {
    struct probe *probe = context;
    probe->downs++;
    snprintf(probe->why, sizeof probe->why, "%s", why);
    if (probe->on_down != NULL)
        probe->on_down(probe);
}

static void on_answer(void *context, const struct database_answer *answer) {
    struct probe_ask *ask = context;
    struct probe *probe = ask->probe;
    struct probe_answer *kept = &probe->answers[ask->index];
    probe->order[probe->answered++] = ask->index;
    kept->outcome = answer->outcome;
    kept->count = answer->count;
    kept->failed_statement = answer->failed_statement;
    kept->warned = answer->warned;
    memcpy(kept->sqlstate, answer->sqlstate, sizeof kept->sqlstate);
    memcpy(kept->error, answer->error, sizeof kept->error);
    if (probe->on_answer != NULL)
        probe->on_answer(probe, ask->index, answer);
}

static void on_tick(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    (void)context;
}

void probe_open(struct probe *probe, const struct database_session_config *config) {
    struct database_session_config full = *config;
    full.on_up = on_up;
    full.on_down = on_down;
    full.context = probe;
    if (full.limit_groups == 0)
        full.limit_groups = PROBE_LIMIT_GROUPS;
    if (full.connect_timeout_ms == 0)
        full.connect_timeout_ms = PROBE_WAIT_MS;
    memset(probe, 0, sizeof *probe);
    probe->base = event_base_new();
    expect(probe->base != NULL, "no memory");
    probe->tick = event_new(probe->base, -1, EV_PERSIST, on_tick, NULL);
    expect(probe->tick != NULL, "no memory");
    event_add(probe->tick, &(struct timeval){.tv_usec = 10000});
    probe->session = database_session_open(probe->base, &full);
    expect(probe->session != NULL, "no memory");
    expect(!probe->up && probe->downs == 0, "database_session_open called back");
}

void probe_connect(struct probe *probe, const char *url) {
    probe_open(probe, &(struct database_session_config){.url = url, .application_name = "probe"});
    probe_wait_up(probe);
}

void probe_close(struct probe *probe) {
    database_session_close(probe->session);
    event_free(probe->tick);
    event_base_free(probe->base);
}

void probe_turn(struct probe *probe) {
    expect(event_base_loop(probe->base, EVLOOP_ONCE) == 0, "the loop failed");
}

void probe_wait_up(struct probe *probe) {
    struct wait wait = wait_at_most(PROBE_WAIT_MS);
    while (!probe->up) {
        expect(probe->downs == 0, "no session: %s", probe->why);
        expect(!wait_is_over(&wait), "no session");
        probe_turn(probe);
    }
}

void probe_wait_down(struct probe *probe) {
    struct wait wait = wait_at_most(PROBE_WAIT_MS);
    while (probe->downs == 0) {
        expect(!wait_is_over(&wait), "the session does not end");
        probe_turn(probe);
    }
}

void probe_wait_answers(struct probe *probe, int count) {
    struct wait wait = wait_at_most(PROBE_WAIT_MS);
    while (probe->answered < count) {
        expect(!wait_is_over(&wait), "%d of %d answers came", probe->answered, count);
        probe_turn(probe);
    }
}

int probe_send(struct probe *probe, struct database_group *group) {
    struct probe_ask *ask = &probe->asks[probe->sent];
    ask->probe = probe;
    ask->index = probe->sent;
    int answered = probe->answered;
    enum status status = database_group_send_take(group, on_answer, ask);
    expect(status == STATUS_OK, "sending: %s", status_text(status));
    expect(probe->answered == answered, "answered inside the sending");
    return probe->sent++;
}

int probe_send_sql(struct probe *probe, const char *const *statements) {
    struct database_statement *unnamed = probe->asks[probe->sent].statements;
    struct database_group *group = database_group_create(probe->session);
    for (size_t i = 0; statements[i] != NULL; i++) {
        unnamed[i] = (struct database_statement){.sql = statements[i]};
        database_group_add(group, &unnamed[i]);
    }
    return probe_send(probe, group);
}

#include "gateway/live_people.h"

#include "gateway/live_channels.h"
#include "gateway/live_frames.h"
#include "shared/id_map.h"

#include <stdlib.h>

struct live_person {
    struct id128 user;
    TAILQ_ENTRY(live_person) by_check; /* whose time was looked at longest ago comes first */
    struct live_listener_list listeners;
};

TAILQ_HEAD(person_list, live_person);

/* By the user's id: who is gone when its turn comes gets none. */
struct mail {
    STAILQ_ENTRY(mail) next;
    struct id128 user;
    uint64_t event_id;
    struct ws_frame *frame;
};

struct live_people {
    struct live_people_config config;
    struct id_map *by_user;
    struct person_list by_check;
    int64_t asked_us;
    STAILQ_HEAD(, mail) mail;
    size_t mail_count;
    struct event *turn;
};

static bool is_anybody_known(const struct live_people *people) {
    return !TAILQ_EMPTY(&people->by_check);
}

static void ask(struct live_people *people, int64_t now_us) {
    people->asked_us = now_us;
    people->config.ask(people->config.context);
}

/* --- who listens ----------------------------------------------------------------------------- */

static enum status person_create(struct live_people *people, const struct id128 *user,
                                 struct live_person **made) {
    struct live_person *person = calloc(1, sizeof *person);
    enum status status = person ? id_map_put(people->by_user, user, person) : STATUS_NO_MEMORY;
    if (status != STATUS_OK) {
        free(person);
        return status;
    }
    person->user = *user;
    LIST_INIT(&person->listeners);
    TAILQ_INSERT_TAIL(&people->by_check, person, by_check);
    *made = person;
    return STATUS_OK;
}

enum status live_people_know(struct live_people *people, struct live_listener *listener,
                             const struct session *session, int64_t now_us) {
    live_people_forget(people, listener);
    bool first = !is_anybody_known(people);
    struct live_person *person = id_map_get(people->by_user, &session->user);
    enum status status = person ? STATUS_OK : person_create(people, &session->user, &person);
    if (status != STATUS_OK)
        return status;
    listener->person = person;
    listener->known_until_us = session->expires_us;
    LIST_INSERT_HEAD(&person->listeners, listener, of_person);
    if (first)
        ask(people, now_us);
    return STATUS_OK;
}

void live_people_forget(struct live_people *people, struct live_listener *listener) {
    struct live_person *person = listener->person;
    if (!person)
        return;
    listener->person = NULL;
    LIST_REMOVE(listener, of_person);
    if (!LIST_EMPTY(&person->listeners))
        return;
    ensure(id_map_remove(people->by_user, &person->user) == person);
    TAILQ_REMOVE(&people->by_check, person, by_check);
    free(person);
}

/* Forgets those of its listeners whose token is over, and so maybe the person. */
static void check_time(struct live_people *people, struct live_person *person, int64_t unix_us) {
    struct live_listener *next;
    TAILQ_REMOVE(&people->by_check, person, by_check);
    TAILQ_INSERT_TAIL(&people->by_check, person, by_check);
    for (struct live_listener *at = LIST_FIRST(&person->listeners); at; at = next) {
        next = LIST_NEXT(at, of_person);
        if (at->known_until_us <= unix_us)
            live_people_forget(people, at);
    }
}

void live_people_tick(struct live_people *people, int64_t now_us, int64_t unix_us) {
    for (unsigned i = 0; i < LIVE_CHECKS_PER_TICK && is_anybody_known(people); i++)
        check_time(people, TAILQ_FIRST(&people->by_check), unix_us);
    if (is_anybody_known(people) && now_us - people->asked_us >= LIVE_ASK_MS * INT64_C(1000))
        ask(people, now_us);
}

/* --- mail ------------------------------------------------------------------------------------ */

static void wake(struct live_people *people) {
    static const struct timeval now = {0};
    if (!event_pending(people->turn, EV_TIMEOUT, NULL))
        ensure(event_add(people->turn, &now) == 0);
}

static void post(struct live_people *people, const struct wire_person *person) {
    if (people->mail_count >= LIVE_MAIL_MAX || !id_map_get(people->by_user, &person->user))
        return;
    struct ws_frame *frame = live_frame_person(people->config.numbers, person);
    struct mail *mail = frame ? malloc(sizeof *mail) : NULL;
    if (!mail) {
        ws_frame_release(frame);
        return;
    }
    *mail = (struct mail){.user = person->user, .event_id = person->event_id, .frame = frame};
    STAILQ_INSERT_TAIL(&people->mail, mail, next);
    people->mail_count++;
    wake(people);
}

enum status live_people_news(struct live_people *people, const void *data, size_t size_bytes) {
    struct wire_reader reader;
    struct wire_person person;
    enum status status = wire_people_open(&reader, data, size_bytes);
    if (status != STATUS_OK)
        return status;
    while (wire_people_next(&reader, &person))
        post(people, &person);
    return STATUS_OK;
}

static void deliver(struct live_people *people, const struct mail *mail) {
    const struct live_person *person = id_map_get(people->by_user, &mail->user);
    const struct live_listener *listener;
    if (!person)
        return;
    LIST_FOREACH(listener, &person->listeners, of_person)
    if (live_channel_event(listener->channel) == mail->event_id)
        live_listener_send(listener, people->config.numbers, mail->frame);
}

static void take_mail(struct live_people *people, struct mail *mail) {
    STAILQ_REMOVE_HEAD(&people->mail, next);
    people->mail_count--;
    ws_frame_release(mail->frame);
    free(mail);
}

static void on_turn(evutil_socket_t fd UNUSED, short what UNUSED, void *context) {
    struct live_people *people = context;
    for (unsigned i = 0; i < LIVE_MAIL_PER_TURN && !STAILQ_EMPTY(&people->mail); i++) {
        struct mail *mail = STAILQ_FIRST(&people->mail);
        deliver(people, mail);
        take_mail(people, mail);
    }
    if (!STAILQ_EMPTY(&people->mail))
        wake(people);
}

/* --- life ------------------------------------------------------------------------------------ */

struct live_people *live_people_create(const struct live_people_config *config) {
    struct live_people *people = calloc(1, sizeof *people);
    if (!people)
        return NULL;
    people->config = *config;
    TAILQ_INIT(&people->by_check);
    STAILQ_INIT(&people->mail);
    people->by_user = id_map_create(LIVE_PEOPLE_MAX);
    people->turn = evtimer_new(config->base, on_turn, people);
    if (!people->by_user || !people->turn) {
        live_people_destroy(people);
        return NULL;
    }
    return people;
}

void live_people_destroy(struct live_people *people) {
    if (!people)
        return;
    ensure(!is_anybody_known(people));
    while (!STAILQ_EMPTY(&people->mail))
        take_mail(people, STAILQ_FIRST(&people->mail));
    if (people->turn)
        event_free(people->turn);
    id_map_destroy(people->by_user);
    free(people);
}

#include "gateway/joins.h"

#include "gateway/joins_private.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ISSUE_WAIT_MS = 3000, REFUSED_LOG_MS = 1000, PAYLOAD_SIZE = 12 };

const char *join_outcome_text(enum join_outcome outcome) {
    static const char *const texts[] = {[JOIN_NEW] = "new",
                                        [JOIN_KNOWN] = "known",
                                        [JOIN_CLOSED] = "closed",
                                        [JOIN_UNAVAILABLE] = "unavailable",
                                        [JOIN_OVERLOADED] = "overloaded"};
    ensure((size_t)outcome < ARRAY_LEN(texts));
    return texts[outcome];
}

struct joins *joins_create(const struct joins_config *config) {
    struct joins *joins = calloc(1, sizeof *joins);
    if (joins == NULL) {
        return NULL;
    }
    joins->config = *config;
    joins->by_event = id_map_create(JOINS_ROOMS_MAX);
    TAILQ_INIT(&joins->rooms);
    TAILQ_INIT(&joins->by_age);
    if (joins->by_event == NULL) {
        free(joins);
        return NULL;
    }
    return joins;
}

/* --- answers --------------------------------------------------------------------------------- */

static void answer(struct join *join, enum join_outcome outcome, const struct join_place *place) {
    join_handler *handler = join->handler;
    void *context = join->context;
    ensure(handler != NULL);
    join->handler = NULL;
    TAILQ_REMOVE(&join->room->joins->by_age, join, in_age);
    if (join->state != PUBLISHED && join->state != ASKED) {
        join_free(join);
    }
    handler(context, outcome, place);
}

/* The question it had open has ended. False: it was answered before, and is freed. */
static bool question_ended(struct join *join) {
    if (join->handler == NULL) {
        join_free(join);
        return false;
    }
    join_enter(join, WANTED);
    return true;
}

static void answer_all(struct joins_room *room, enum join_state state, enum join_outcome outcome) {
    while (!TAILQ_EMPTY(&room->lists[state])) {
        answer(TAILQ_FIRST(&room->lists[state]), outcome, NULL);
    }
}

static void answer_place(struct join *join, enum join_outcome outcome,
                         const struct room_line *line) {
    struct joins_room *room = join->room;
    struct join_place place = {.number = join->number};
    room->answered = join->number > room->answered ? join->number : room->answered;
    while (place.span + 1 < line->count &&
           line->spans[place.span + 1].first_number <= join->number) {
        place.span++;
    }
    answer(join, outcome, &place);
}

static void log_refused(struct joins_room *room, const char *why) {
    struct joins *joins = room->joins;
    if (joins->refused_logged_us != 0 &&
        joins->now_us - joins->refused_logged_us < (int64_t)REFUSED_LOG_MS * 1000) {
        return;
    }
    joins->refused_logged_us = joins->now_us;
    log_write(LOG_ERROR, "join-refused",
              "NATS refuses to let people join a waiting room; they are told to try again.",
              LOG_U64("event_id", room->event_id), LOG_TEXT("why", why));
}

/* --- steps ----------------------------------------------------------------------------------- */

static void go_on(struct joins_room *room);

/* Only what was published in the newest span has a number, and only once the owner knows that we
 * answer numbers of that span. */
static bool is_of_newest(const struct join *join, const struct room_state *state) {
    return join->span == state->line.count - 1;
}

static bool may_answer(const struct join *join) {
    return join->room->attends && join->span + 1 == join->room->attended;
}

/* Our connection is to the run that was vouched for. */
static bool is_vouched(const struct joins *joins, const struct room_state *state) {
    return room_state_is_of_run(state, bus_server_id(joins->config.bus));
}

static void on_conflict(struct join *join, uint64_t sequence) {
    if (++join->conflicts > JOIN_CONFLICTS_MAX) {
        answer(join, JOIN_UNAVAILABLE, NULL);
    } else if (sequence == 0) {
        join->expected_last = 0; /* what was there is gone */
    } else {
        join->known = true;
        join->sequence = sequence;
        join_enter(join, STORED);
    }
}

static void on_ack(void *context, const struct jetstream_ack *ack) {
    struct join *join = context;
    struct joins_room *room = join->room;
    if (!question_ended(join)) {
        return;
    }
    switch (ack->outcome) {
    case JETSTREAM_DONE:
        join->known = false;
        join->sequence = ack->sequence;
        join_enter(join, STORED);
        break;
    case JETSTREAM_CONFLICT:
        on_conflict(join, ack->sequence);
        break;
    case JETSTREAM_BUSY:
    case JETSTREAM_NO_STREAM:
        room->held = true;
        break;
    case JETSTREAM_LOST:
        return;
    case JETSTREAM_SILENT:
        answer(join, JOIN_UNAVAILABLE, NULL);
        break;
    case JETSTREAM_NOT_FOUND:
    case JETSTREAM_REFUSED:
        log_refused(room, ack->error);
        answer(join, JOIN_UNAVAILABLE, NULL);
        break;
    }
    go_on(room);
}

static enum status publish(struct join *join, const struct room_state *state) {
    const struct joins_room *room = join->room;
    const struct joins_config *config = &room->joins->config;
    char subject[ROOM_SUBJECT_SIZE];
    char payload[PAYLOAD_SIZE];
    join->span = state->line.count - 1;
    int payload_bytes = snprintf(payload, sizeof payload, "%" PRIu32, join->span);
    room_subject(subject, config->installation, room->event_id, &join->user);
    return jetstream_publish(config->jetstream, room->stream, subject, join->expected_last, payload,
                             (size_t)payload_bytes, on_ack, join);
}

static void publish_wanted(struct joins_room *room, const struct room_state *state) {
    struct join *join = NULL;
    while (!room->held && room->published < JOINS_OPEN_MAX &&
           (join = TAILQ_FIRST(&room->lists[WANTED])) != NULL) {
        enum status status = publish(join, state);
        if (status == STATUS_UNAVAILABLE) {
            return;
        }
        if (status == STATUS_OK) {
            join_enter(join, PUBLISHED);
        } else {
            answer(join, JOIN_OVERLOADED, NULL);
        }
    }
}

/* The stream that was vouched for is there: what was stored in it before has these numbers. */
static void fence(struct joins_room *room, const struct room_state *state) {
    struct join *join = NULL;
    while ((join = TAILQ_FIRST(&room->lists[LOOKED_FOR])) != NULL) {
        join->number =
            is_of_newest(join, state) ? room_line_number(&state->line, join->sequence) : 0;
        if (join->number == 0) {
            join_enter(join, WANTED);
            continue;
        }
        room->highest = join->number > room->highest ? join->number : room->highest;
        join_enter_fenced(join, state->issued_to);
    }
}

static void on_look(void *context, const struct jetstream_stream *stream) {
    struct joins_room *room = context;
    struct joins *joins = room->joins;
    struct room_view view;
    room->looking = false;
    switch (stream->outcome) {
    case JETSTREAM_DONE:
        if (rooms_find(joins->config.rooms, room->event_id, joins->now_us, &view) &&
            is_vouched(joins, view.state) && strcmp(stream->created, view.state->created) == 0) {
            room->held = false;
            fence(room, view.state);
        } else {
            room->held = true;
            joins_enter_all(room, LOOKED_FOR, WANTED);
        }
        go_on(room);
        return;
    case JETSTREAM_NO_STREAM:
        room->held = true;
        joins_enter_all(room, LOOKED_FOR, WANTED);
        return;
    case JETSTREAM_LOST:
        joins_enter_all(room, LOOKED_FOR, WANTED);
        return;
    case JETSTREAM_REFUSED:
        log_refused(room, stream->error);
        break;
    default:
        break;
    }
    joins_enter_all(room, LOOKED_FOR, STORED);
}

static void look(struct joins_room *room) {
    if (!room->looking &&
        jetstream_look(room->joins->config.jetstream, room->stream, on_look, room) == STATUS_OK) {
        room->looking = true;
        joins_enter_all(room, STORED, LOOKED_FOR);
    }
}

static enum status send_command(struct joins_room *room, struct command *command,
                                int64_t deadline_us, command_handler *handler, void *context) {
    const struct joins *joins = room->joins;
    command->request_id = id128_random();
    command->event_id = room->event_id;
    command->partition = partition_of_event(room->event_id);
    command->deadline_us = database_clock_now_us(joins->config.clock) + deadline_us - joins->now_us;
    return commands_submit(joins->config.commands, command, joins->now_us, deadline_us, handler,
                           context);
}

static void on_asked(void *context, enum command_outcome outcome, const struct reply *reply) {
    struct join *join = context;
    struct joins_room *room = join->room;
    struct room_view view;
    if (!question_ended(join)) {
        return;
    }
    if (outcome != COMMAND_ANSWERED ||
        !rooms_find(room->joins->config.rooms, room->event_id, room->joins->now_us, &view)) {
        answer(join, JOIN_UNAVAILABLE, NULL);
    } else if (reply->code == REPLY_BAD_NUMBER ||
               (reply->code == REPLY_OK && turn_state_is_ended(reply->turn.state))) {
        join->expected_last = join->sequence; /* it has become somebody else's, or ended */
        go_on(room);
    } else if (reply->code == REPLY_OK && is_of_newest(join, view.state) && may_answer(join)) {
        answer_place(join, JOIN_KNOWN, &view.state->line);
    } else if (reply->code == REPLY_OK) {
        go_on(room); /* another span has begun: it may be lost */
    } else {
        answer(join, reply->code == REPLY_OVERLOADED ? JOIN_OVERLOADED : JOIN_UNAVAILABLE, NULL);
    }
}

static void ask(struct join *join) {
    struct command command = {
        .kind = COMMAND_ROOM_LOOK, .user = join->user, .queue_number = join->number};
    if (send_command(join->room, &command, join->deadline_us, on_asked, join) == STATUS_OK) {
        join_enter(join, ASKED);
    } else {
        answer(join, JOIN_UNAVAILABLE, NULL);
    }
}

static void answer_fenced(struct joins_room *room, const struct room_state *state) {
    struct join *join = NULL;
    while ((join = TAILQ_FIRST(&room->lists[FENCED])) != NULL) {
        if (!is_of_newest(join, state)) {
            join_enter(join, WANTED);
        } else if (!may_answer(join) || join->number > state->issued_to) {
            return;
        } else if (join->known) {
            ask(join);
        } else {
            answer_place(join, JOIN_NEW, &state->line);
        }
    }
}

/* The room's news tell how far they may be answered now. */
static void on_issued(void *context, enum command_outcome outcome, const struct reply *reply) {
    struct joins_room *room = context;
    room->issuing = false;
    if (outcome != COMMAND_ANSWERED || reply->code != REPLY_OK) {
        room->attend_refused = true;
        return;
    }
    room->attends = true;
    go_on(room);
}

/* A span has begun that the owner does not know us to attend to: at once where numbers were
 * answered before, since the door may wait for it; else when somebody joins. */
static bool has_to_attend(const struct joins_room *room, const struct room_state *state) {
    bool behind = state->line.count > room->attended ||
                  (state->line.count == room->attended && !room->attends);
    return behind && !room->attend_refused && (room->attended > 0 || room->count > 0);
}

static bool needs_numbers(const struct joins_room *room, const struct room_state *state) {
    return room->highest > 0 && room->highest + JOINS_ISSUE_AHEAD > state->issued_to &&
           room->issue_asked <= state->issued_to;
}

static void issue(struct joins_room *room, const struct room_state *state) {
    bool attend = has_to_attend(room, state);
    if (room->issuing || state->line.count == 0 || state->line.count < room->attended ||
        (!attend && !needs_numbers(room, state))) {
        return;
    }
    struct command command = {.kind = COMMAND_ROOM_ISSUE,
                              .queue_number = room->highest,
                              .span = state->line.count - 1,
                              .answered = room->answered};
    room->attends = room->attends && state->line.count == room->attended;
    room->attended = state->line.count;
    room->issue_asked = room->highest + JOINS_ISSUE_AHEAD;
    room->issuing =
        send_command(room, &command, room->joins->now_us + (int64_t)ISSUE_WAIT_MS * 1000, on_issued,
                     room) == STATUS_OK;
}

/* All that can be done now. */
static void go_on(struct joins_room *room) {
    struct joins *joins = room->joins;
    struct room_view view;
    if (!rooms_find(joins->config.rooms, room->event_id, joins->now_us, &view)) {
        return;
    }
    answer_fenced(room, view.state);
    if (!room_phase_joins(view.phase)) {
        answer_all(room, WANTED, JOIN_CLOSED);
        answer_all(room, FENCED, JOIN_CLOSED); /* nothing more is issued */
    }
    if (is_vouched(joins, view.state)) {
        publish_wanted(room, view.state);
    }
    if (!TAILQ_EMPTY(&room->lists[STORED])) {
        look(room);
    }
    if (room_phase_joins(view.phase)) {
        issue(room, view.state);
    }
}

static void on_room(void *context, const struct room_view *view) {
    struct joins_room *room = context;
    room->wanting = false;
    if (view == NULL) {
        answer_all(room, WANTED, JOIN_UNAVAILABLE);
    } else {
        go_on(room);
    }
}

/* Goes on, and has the owner asked when it is not heard. */
static void want(struct joins_room *room) {
    const struct joins *joins = room->joins;
    struct room_view view;
    bool found = rooms_find(joins->config.rooms, room->event_id, joins->now_us, &view);
    if ((!found || view.stale) && !room->wanting) {
        room->wanting = true;
        rooms_want(joins->config.rooms, room->event_id, joins->now_us, on_room, room);
    } else {
        go_on(room);
    }
}

/* --- what happens ---------------------------------------------------------------------------- */

enum status joins_submit(struct joins *joins, uint64_t event_id, const struct id128 *user,
                         int64_t now_us, join_handler *handler, void *context) {
    joins->now_us = now_us;
    if (joins->count >= JOINS_MAX) {
        return STATUS_LIMIT;
    }
    struct joins_room *room = joins_find_room(joins, event_id);
    enum status status = room != NULL ? STATUS_OK : joins_make_room(joins, event_id, &room);
    struct join *join = status == STATUS_OK ? calloc(1, sizeof *join) : NULL;
    if (join == NULL) {
        return status == STATUS_OK ? STATUS_NO_MEMORY : status;
    }
    join->room = room;
    join->user = *user;
    join->handler = handler;
    join->context = context;
    join->deadline_us = now_us + (int64_t)JOIN_WAIT_MS * 1000;
    TAILQ_INSERT_TAIL(&joins->by_age, join, in_age);
    TAILQ_INSERT_TAIL(&room->lists[WANTED], join, in_state);
    room->count++;
    joins->count++;
    want(room);
    return STATUS_OK;
}

void joins_room_changed(struct joins *joins, uint64_t event_id, int64_t now_us) {
    struct joins_room *room = joins_find_room(joins, event_id);
    joins->now_us = now_us;
    if (room != NULL) {
        go_on(room);
    }
}

void joins_bus_state(struct joins *joins, bool connected, int64_t now_us) {
    struct joins_room *room = NULL;
    joins->now_us = now_us;
    TAILQ_FOREACH(room, &joins->rooms, next) {
        room->held = false;
        if (connected) {
            go_on(room);
        } else {
            joins_enter_all(room, STORED, WANTED);
        }
    }
}

static void tick_room(struct joins_room *room) {
    if (!room->issuing) {
        room->issue_asked = 0;
    }
    room->attend_refused = false;
    if (TAILQ_EMPTY(&room->lists[WANTED])) {
        go_on(room);
        return;
    }
    if (room->held) {
        look(room);
    }
    want(room);
}

void joins_tick(struct joins *joins, int64_t now_us) {
    struct join *oldest = NULL;
    struct joins_room *room = NULL;
    joins->now_us = now_us;
    while ((oldest = TAILQ_FIRST(&joins->by_age)) != NULL && oldest->deadline_us <= now_us) {
        answer(oldest, JOIN_UNAVAILABLE, NULL);
    }
    for (struct joins_room *at = TAILQ_FIRST(&joins->rooms); (room = at) != NULL;) {
        at = TAILQ_NEXT(room, next);
        if (joins_room_is_over(room)) {
            joins->forgetful = joins->forgetful || room->attended > 0;
            joins_free_room(room);
        } else {
            tick_room(room);
        }
    }
}

size_t joins_under_way(const struct joins *joins) {
    return joins->count;
}

void joins_destroy(struct joins *joins) {
    if (joins == NULL) {
        return;
    }
    while (!TAILQ_EMPTY(&joins->by_age)) {
        answer(TAILQ_FIRST(&joins->by_age), JOIN_UNAVAILABLE, NULL);
    }
    while (!TAILQ_EMPTY(&joins->rooms)) {
        struct joins_room *room = TAILQ_FIRST(&joins->rooms);
        ensure(joins_room_is_idle(room));
        joins_free_room(room);
    }
    id_map_destroy(joins->by_event);
    free(joins);
}

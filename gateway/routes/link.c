/*
 * POST /sessions/link: what a guest has becomes the account's that logs in. Both tokens are needed.
 *
 *   the link, in the database: once -> a transfer to each booking's owner, all at once -> the
 * answer
 *
 * The link is written first, so that of two accounts that ask at the same time one is told 409.
 * Owners decide booking by booking; when one of them can't be reached the answer is 503, and a
 * repeat moves the rest. What the guest's token books after that stays the guest's until a repeat.
 *
 * A place in a queue moves likewise, if the guest's queue token comes along: the number stays, and
 * the account gets a token for it, and a pass when the guest had one.
 */
#include "gateway/answers.h"
#include "gateway/auth.h"
#include "gateway/booking_json.h"
#include "gateway/booking_row.h"
#include "gateway/call.h"
#include "gateway/input.h"
#include "gateway/routes/routes.h"
#include "gateway/sql.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINK_BOOKINGS_MAX = 100, LINK_QUEUES_MAX = 10 };

enum fate {
    FATE_MOVED,
    FATE_OVER_LIMIT, /* stays the guest's: the account would have more seats than it may */
    FATE_ENDED,      /* before it could move */
};

struct moving {
    struct link_call *call;
    struct booking booking;
    bool is_guests; /* still, when the database was asked */
    enum fate fate;
    uint32_t limit; /* FATE_OVER_LIMIT */
};

/* A place in a queue. */
struct moving_place {
    struct link_call *call;
    struct queue_token token; /* the guest's */
    struct turn_view turn;    /* the account's; TURN_MISSED and the like: it has ended */
};

struct link_call {
    struct call call;
    struct id128 guest;
    struct id128 account;
    bool more; /* bookings than are moved at a time */
    bool in_doubt;
    bool broken;
    uint32_t count;
    uint32_t under_way; /* transfers and moves, and one more while they are being sent */
    uint32_t at;        /* bookings before this one are in the text */
    uint32_t shown;
    struct moving *bookings;
    uint32_t place_count;
    struct moving_place places[LINK_QUEUES_MAX];
    struct text text;
};

static void free_call(struct link_call *call) {
    free(call->bookings);
    text_free(&call->text);
    free(call);
}

static void refuse(struct link_call *call, enum problem problem, const char *detail) {
    if (call->call.request != NULL) {
        answer_refuse(call->call.request, problem, detail, NULL);
    }
    free_call(call);
}

/* --- the answer */

static void put_not_moved(struct link_call *call) {
    char id[BOOKING_ID_TEXT_SIZE];
    bool any = false;
    for (uint32_t i = 0; i < call->count; i++) {
        const struct moving *moving = &call->bookings[i];
        if (moving->fate != FATE_OVER_LIMIT) {
            continue;
        }
        text_format(
            &call->text, "%s{\"bookingId\":\"%s\",\"code\":\"seat-limit\",\"limit\":%" PRIu32 "}",
            any ? "," : "", booking_id_to_text(moving->booking.event_id, &moving->booking.id, id),
            moving->limit);
        any = true;
    }
}

static void put_pass(struct link_call *call, const struct queue_token *place, int64_t expires_us) {
    const struct installation *installation = &call->call.gateway->installation;
    const struct pass_token pass = {.installation = place->installation,
                                    .user = place->user,
                                    .event_id = place->event_id,
                                    .number = place->number};
    char text[TOKEN_TEXT_MAX];
    token_sign_pass(&installation->session_keys, &pass, text);
    text_put(&call->text, ",\"pass\":");
    text_json(&call->text, text);
    text_put(&call->text, ",\"expiresAt\":");
    text_time(&call->text, expires_us);
}

static void put_places(struct link_call *call) {
    const struct installation *installation = &call->call.gateway->installation;
    bool any = false;
    for (uint32_t i = 0; i < call->place_count; i++) {
        const struct moving_place *moving = &call->places[i];
        struct queue_token place = moving->token;
        char text[TOKEN_TEXT_MAX];
        if (turn_state_is_ended(moving->turn.state)) {
            continue;
        }
        place.user = call->account;
        token_sign_queue(&installation->session_keys, &place, text);
        text_format(&call->text,
                    "%s{\"eventId\":%" PRIu64 ",\"number\":%" PRIu64 ",\"queueToken\":",
                    any ? "," : "", place.event_id, place.number);
        text_json(&call->text, text);
        if (moving->turn.state == TURN_PASS) {
            put_pass(call, &place, moving->turn.expires_us);
        }
        text_put(&call->text, "}");
        any = true;
    }
}

static void finish(struct link_call *call) {
    text_put(&call->text, "],\"notMoved\":[");
    put_not_moved(call);
    text_put(&call->text, "],\"queues\":[");
    put_places(call);
    text_format(&call->text, "],\"more\":%s}", call->more ? "true" : "false");
    answer_json_take(call->call.request, 200, &call->text);
    free_call(call);
}

static bool put_booking(struct link_call *call, const struct catalogue_event *event) {
    const struct booking *booking = &call->bookings[call->at++].booking;
    if (!booking_json_fits(booking, event->layout)) {
        return false;
    }
    text_put(&call->text, call->shown++ > 0 ? "," : "");
    booking_json_put(&call->text, booking, event->layout,
                     database_clock_now_us(reads_clock(call->call.gateway->reads)));
    return true;
}

static void show(struct link_call *call);

static void on_event(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    (void)age_us;
    struct link_call *call = context;
    if (call->call.request == NULL || outcome != FRESH_FOUND) {
        refuse(call, PROBLEM_OUTCOME_UNKNOWN, "Everything has moved; repeat to see it.");
    } else if (!put_booking(call, value)) {
        refuse(call, PROBLEM_INTERNAL, NULL);
    } else {
        show(call);
    }
}

/* Writes booking after booking for as long as their events are known; waits for the first that is
 * not. */
static void show(struct link_call *call) {
    struct catalogue *catalogue = call->call.gateway->catalogue;
    while (call->at < call->count) {
        const struct moving *moving = &call->bookings[call->at];
        if (moving->fate != FATE_MOVED) {
            call->at++;
            continue;
        }
        const struct catalogue_event *event =
            catalogue_peek_event(catalogue, moving->booking.event_id);
        if (event == NULL) {
            catalogue_want_event(catalogue, moving->booking.event_id, true, on_event, call);
            return;
        }
        if (!put_booking(call, event)) {
            refuse(call, PROBLEM_INTERNAL, NULL);
            return;
        }
    }
    finish(call);
}

/* --- the transfers */

static void one_is_done(struct link_call *call) {
    char user[ID128_TEXT_SIZE];
    if (--call->under_way > 0) {
        return;
    }
    if (call->broken) {
        refuse(call, PROBLEM_INTERNAL, NULL);
    } else if (call->in_doubt) {
        refuse(call, PROBLEM_OUTCOME_UNKNOWN, "Not everything may have moved; repeat to go on.");
    } else if (call->call.request == NULL) {
        free_call(call);
    } else {
        text_format(&call->text, "{\"userId\":\"%s\",\"bookings\":[",
                    id128_to_text(&call->account, user));
        show(call);
    }
}

static void read_reply(struct moving *moving, const struct reply *reply) {
    switch (reply->code) {
    case REPLY_OK:
        moving->booking = reply->booking;
        moving->fate =
            reply->booking.status == BOOKING_PENDING || reply->booking.status == BOOKING_CONFIRMED
                ? FATE_MOVED
                : FATE_ENDED;
        break;
    case REPLY_SEAT_LIMIT:
        moving->fate = FATE_OVER_LIMIT;
        moving->limit = reply->limit;
        break;
    case REPLY_NOT_PENDING:
    case REPLY_HOLD_EXPIRED:
        moving->fate = FATE_ENDED;
        break;
    case REPLY_OVERLOADED:
        moving->call->in_doubt = true;
        break;
    default:
        moving->call->broken = true;
        break;
    }
}

static void on_reply(void *context, enum command_outcome outcome, const struct reply *reply) {
    struct moving *moving = context;
    if (outcome != COMMAND_ANSWERED) {
        moving->call->in_doubt = true;
    } else {
        read_reply(moving, reply);
    }
    one_is_done(moving->call);
}

static void on_moved(void *context, enum command_outcome outcome, const struct reply *reply) {
    struct moving_place *moving = context;
    struct link_call *call = moving->call;
    if (outcome != COMMAND_ANSWERED || reply->code == REPLY_OVERLOADED) {
        call->in_doubt = true;
    } else if (reply->code == REPLY_OK && reply->has_turn) {
        moving->turn = reply->turn;
    } else if (reply->code == REPLY_TURN_MISSED || reply->code == REPLY_BAD_NUMBER) {
        moving->turn.state = TURN_OVER; /* or another account's */
    } else {
        call->broken = true;
    }
    one_is_done(call);
}

/* Fills what is the same in all of them. */
static void submit(struct link_call *call, struct command *command, command_handler *handler,
                   void *context) {
    struct gateway *gateway = call->call.gateway;
    int64_t now_us = clock_monotonic_us();
    int64_t deadline_us =
        http_request_started_us(call->call.request) + (int64_t)COMMAND_WAIT_MS * 1000;
    command->request_id = id128_random();
    command->deadline_us =
        database_clock_now_us(reads_clock(gateway->reads)) + deadline_us - now_us;
    command->partition = partition_of_event(command->event_id);
    command->user = call->guest;
    command->guest = true;
    command->new_user = call->account;
    if (commands_submit(gateway->commands, command, now_us, deadline_us, handler, context) ==
        STATUS_OK) {
        call->under_way++;
    } else {
        call->in_doubt = true;
    }
}

static void transfer(struct moving *moving) {
    struct command command = {.kind = COMMAND_TRANSFER,
                              .event_id = moving->booking.event_id,
                              .booking_id = moving->booking.id};
    submit(moving->call, &command, on_reply, moving);
}

static void move(struct moving_place *moving) {
    struct command command = {.kind = COMMAND_ROOM_MOVE,
                              .event_id = moving->token.event_id,
                              .queue_number = moving->token.number};
    submit(moving->call, &command, on_moved, moving);
}

static bool read_bookings(struct link_call *call, const PGresult *rows) {
    uint32_t found = (uint32_t)PQntuples(rows);
    call->more = found > LINK_BOOKINGS_MAX;
    call->count = call->more ? LINK_BOOKINGS_MAX : found;
    call->bookings = calloc(call->count + 1, sizeof call->bookings[0]);
    bool fine = call->bookings != NULL;
    for (uint32_t i = 0; fine && i < call->count; i++) {
        call->bookings[i].call = call;
        call->bookings[i].is_guests = database_bool(rows, (int)i, 9);
        fine = booking_row_read(rows, (int)i, &call->bookings[i].booking);
    }
    return fine;
}

static void on_linked(void *context, const struct database_answer *answer) {
    struct link_call *call = context;
    if (call->call.request == NULL || answer->outcome == DATABASE_LOST) {
        refuse(call, PROBLEM_OUTCOME_UNKNOWN, "Repeat to learn the outcome.");
        return;
    }
    if (answer->outcome == DATABASE_FAILED) {
        log_write(LOG_ERROR, "link-failed", "The database refuses to link a guest to an account.",
                  LOG_TEXT("request", http_request_id(call->call.request)),
                  LOG_TEXT("why", answer->error));
        refuse(call, PROBLEM_INTERNAL, NULL);
        return;
    }
    struct id128 linked = database_uuid(answer->results[0], 0, 0);
    if (!id128_equal(&linked, &call->account)) {
        refuse(call, PROBLEM_CONFLICT, "This guest has become another account's.");
        return;
    }
    if (!read_bookings(call, answer->results[2])) {
        refuse(call, PROBLEM_INTERNAL, NULL);
        return;
    }
    call->under_way = 1;
    for (uint32_t i = 0; i < call->count; i++) {
        if (call->bookings[i].is_guests) {
            transfer(&call->bookings[i]);
        }
    }
    for (uint32_t i = 0; i < call->place_count; i++) {
        move(&call->places[i]);
    }
    one_is_done(call);
}

/* --- the request */

struct link_input {
    struct session guest;
    uint32_t place_count;
    struct queue_token places[LINK_QUEUES_MAX];
};

static void read_places(const struct gateway *gateway, const json_t *tokens,
                        struct link_input *input, struct catalogue_problems *problems) {
    const struct installation *installation = &gateway->installation;
    char field[40];
    if (tokens == NULL) {
        return;
    }
    if (!json_is_array(tokens) || json_array_size(tokens) > LINK_QUEUES_MAX) {
        input_problem(problems, "queueTokens", "has to be a list of at most 10 queue tokens");
        return;
    }
    for (size_t i = 0; i < json_array_size(tokens); i++) {
        const char *text = json_string_value(json_array_get(tokens, i));
        struct queue_token *place = &input->places[input->place_count];
        if (text != NULL &&
            token_verify_queue(&installation->session_keys, &installation->id, text, place) ==
                STATUS_OK &&
            id128_equal(&place->user, &input->guest.user)) {
            input->place_count++;
            continue;
        }
        (void)snprintf(field, sizeof field, "queueTokens[%zu]", i);
        input_problem(problems, field, "is no queue token of this guest");
    }
}

static bool read_input(const struct gateway *gateway, struct http_request *request,
                       struct link_input *input) {
    static const char *const known[] = {"guestToken", "queueTokens", NULL};
    struct catalogue_problems problems = {0};
    json_t *document = input_read(request, false);
    if (document == NULL) {
        return false;
    }
    const char *token = json_string_value(json_object_get(document, "guestToken"));
    input_known_fields(document, "", known, &problems);
    if (token == NULL) {
        input_problem(&problems, "guestToken", "has to be a guest's token");
    } else if (!auth_guest_token(gateway, token, &input->guest)) {
        input_problem(&problems, "guestToken",
                      "is no guest's of this installation, or has expired");
    } else {
        read_places(gateway, json_object_get(document, "queueTokens"), input, &problems);
    }
    json_decref(document);
    if (problems.count > 0) {
        input_refuse(request, &problems);
    }
    return problems.count == 0;
}

static struct database_group *make_group(const struct link_call *call) {
    static const struct database_statement *const statements[] = {&sql_link, &sql_link_note,
                                                                  &sql_link_bookings};
    struct database_group *group = reads_group(call->call.gateway->reads, READS_PRIMARY);
    if (group == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        database_group_add(group, statements[i]);
        database_group_uuid(group, &call->guest);
        database_group_uuid(group, &call->account);
    }
    database_group_i32(group, LINK_BOOKINGS_MAX + 1);
    return group;
}

void route_link(void *context, struct http_request *request, const struct route_match *match) {
    (void)match;
    struct gateway *gateway = context;
    struct session account;
    struct link_input input = {.place_count = 0};
    const char *key = NULL; /* a repeat is the same with and without one */
    if (!auth_user(gateway, request, &account) || !input_idempotency_key(request, &key)) {
        return;
    }
    if (account.guest) {
        answer_refuse(request, PROBLEM_FORBIDDEN, "The bearer has to be an account's token.", NULL);
        return;
    }
    if (!read_input(gateway, request, &input)) {
        return;
    }
    struct link_call *call = call_create(gateway, request, sizeof *call);
    if (call == NULL) {
        return;
    }
    call->guest = input.guest.user;
    call->account = account.user;
    call->place_count = input.place_count;
    for (uint32_t i = 0; i < input.place_count; i++) {
        call->places[i] = (struct moving_place){.call = call, .token = input.places[i]};
    }
    struct database_group *group = make_group(call);
    if (group == NULL || database_group_send_take(group, on_linked, call) != STATUS_OK) {
        refuse(call, PROBLEM_BOOKING_UNAVAILABLE, "Nothing was changed.");
    }
}

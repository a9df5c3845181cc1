/* GET and PATCH /admin/events/{id}, and its stats. A change is a command to the event's owner. */
#include "gateway/queue_json.h"
#include "gateway/routes/admin_call.h"
#include "gateway/routes/routes.h"
#include "gateway/sql.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <stdio.h>

/* A call for the event that the path names; NULL: it was answered. */
static struct admin_call *event_call(struct gateway *gateway, struct http_request *request,
                                     const struct route_match *match, enum admin_act act) {
    struct admin_call *call = admin_call_create(gateway, request, act);
    if (call != NULL && !route_match_u64(match, 0, &call->event_id)) {
        admin_call_refuse(call, PROBLEM_NOT_FOUND, NULL);
        return NULL;
    }
    return call;
}

static void read_event(struct admin_call *call, const struct database_statement *statement,
                       database_answer_handler *on_answer) {
    struct database_group *group = reads_group(call->call.gateway->reads, READS_ADMIN);
    if (group != NULL) {
        database_group_add(group, statement);
        database_group_i64(group, (int64_t)call->event_id);
    }
    admin_call_send_take(call, group, on_answer);
}

/* Whether there is such an event; else the call is at its end. */
static bool has_row(struct admin_call *call, const struct database_answer *answer) {
    if (!admin_call_answered(call, answer)) {
        return false;
    }
    if (PQntuples(answer->results[0]) == 0) {
        admin_call_refuse(call, PROBLEM_NOT_FOUND, NULL);
        return false;
    }
    return true;
}

static void on_event(void *context, const struct database_answer *answer) {
    struct admin_call *call = context;
    if (has_row(call, answer)) {
        text_put(&call->text, database_text(answer->results[0], 0, 3));
        answer_json_take(call->call.request, 200, &call->text);
        admin_call_free(call);
    }
}

/* The room's figures are its owner's; null: nobody knows them now. */
static void on_room_of_stats(void *context, const struct room_view *view) {
    struct admin_call *call = context;
    if (call->call.request != NULL) {
        text_put(&call->text, ",\"room\":");
        if (view != NULL) {
            queue_json_put_stats(&call->text, view);
        } else {
            text_put(&call->text, "null");
        }
        text_put(&call->text, "}");
        answer_json_take(call->call.request, 200, &call->text);
    }
    admin_call_free(call);
}

static void on_stats(void *context, const struct database_answer *answer) {
    struct admin_call *call = context;
    if (!has_row(call, answer)) {
        return;
    }
    const char *object = database_text(answer->results[0], 0, 0);
    text_add(&call->text, object, strlen(object) - 1); /* without its last brace */
    rooms_want(call->call.gateway->rooms, call->event_id, clock_monotonic_us(), on_room_of_stats,
               call);
}

void route_admin_event_get(void *context, struct http_request *request,
                           const struct route_match *match) {
    struct admin_call *call = event_call(context, request, match, ADMIN_GET_EVENT);
    if (call != NULL) {
        read_event(call, &sql_event, on_event);
    }
}

void route_admin_stats_get(void *context, struct http_request *request,
                           const struct route_match *match) {
    struct admin_call *call = event_call(context, request, match, ADMIN_GET_STATS);
    if (call != NULL) {
        read_event(call, &sql_stats, on_stats);
    }
}

/* --- PATCH: event -> venue's facts -> line in the log -> command -> its status -> event
 * ------------- */

/* Known not to have been made. */
static void refuse_change(struct admin_call *call, enum problem problem, const char *detail) {
    admin_call_log_end(call, problem_status(problem));
    admin_call_refuse(call, problem, detail);
}

static void on_done(struct admin_call *call) {
    log_write(LOG_INFO, "event-changed", "An admin has changed an event.",
              LOG_TEXT("request", call->request_id), LOG_U64("event_id", call->event_id));
    admin_call_log_end(call, 200);
    catalogue_expire_event(call->call.gateway->catalogue, call->event_id);
    if (call->call.request == NULL) {
        admin_call_free(call);
    } else {
        read_event(call, &sql_event, on_event);
    }
}

static void on_changed(void *context, enum command_outcome outcome, const struct reply *reply) {
    struct admin_call *call = context;
    if (outcome == COMMAND_NOT_DECIDED) {
        refuse_change(call, PROBLEM_BOOKING_UNAVAILABLE, "Nothing was changed.");
    } else if (outcome == COMMAND_OUTCOME_UNKNOWN) {
        admin_call_refuse(call, PROBLEM_OUTCOME_UNKNOWN, "Repeat the request.");
    } else if (reply->code == REPLY_OK) {
        on_done(call);
    } else if (reply->code == REPLY_NOT_FOUND) {
        refuse_change(call, PROBLEM_NOT_FOUND, NULL);
    } else if (reply->code == REPLY_CONFLICT) {
        refuse_change(call, PROBLEM_CONFLICT, "The event's state does not allow this change.");
    } else if (reply->code == REPLY_OVERLOADED) {
        refuse_change(call, PROBLEM_OVERLOADED, "Nothing was changed.");
    } else if (reply->code == REPLY_INVALID) {
        refuse_change(call, PROBLEM_INVALID, "The owner of the event refuses the change.");
    } else {
        refuse_change(call, PROBLEM_INTERNAL, NULL);
    }
}

static void submit_change(struct admin_call *call) {
    struct gateway *gateway = call->call.gateway;
    const struct database_clock *clock = reads_clock(gateway->reads);
    int64_t now_us = clock_monotonic_us();
    int64_t wait_us = (int64_t)COMMAND_WAIT_MS * 1000;
    struct command command = {.kind = COMMAND_UPDATE_EVENT,
                              .request_id = id128_random(),
                              .deadline_us = database_clock_now_us(clock) + wait_us,
                              .event_id = call->event_id,
                              .partition = partition_of_event(call->event_id),
                              .patch = event_input_command_text(call->event)};
    (void)snprintf(command.trace, sizeof command.trace, "%s", call->request_id);
    enum status status =
        commands_submit(gateway->commands, &command, now_us, now_us + wait_us, on_changed, call);
    if (status != STATUS_OK) {
        refuse_change(
            call, status == STATUS_UNAVAILABLE ? PROBLEM_BOOKING_UNAVAILABLE : PROBLEM_OVERLOADED,
            "Nothing was changed.");
    }
}

static void on_log_begun(void *context, const struct database_answer *answer) {
    struct admin_call *call = context;
    /* Also for a client that has left by now: the line says that the change was asked for. */
    if (answer->outcome == DATABASE_DONE || admin_call_answered(call, answer)) {
        call->log_id = database_i64(answer->results[0], 0, 0);
        submit_change(call);
    }
}

static void on_facts(void *context, const struct database_answer *answer) {
    struct admin_call *call = context;
    struct catalogue_problems problems = {0};
    if (!admin_call_answered(call, answer)) {
        return;
    }
    if (PQntuples(answer->results[0]) == 0) {
        admin_call_refuse(call, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    catalogue_read_venue_facts(answer->results[0], &call->facts);
    enum status status =
        event_input_read(call->document, true, &call->facts, &call->event, &problems);
    if (status == STATUS_INVALID) {
        admin_call_refuse_input(call, &problems);
    } else if (status != STATUS_OK) {
        admin_call_refuse(call, PROBLEM_OVERLOADED, NULL);
    } else if (event_input_command_text(call->event) == NULL) {
        admin_call_refuse(call, PROBLEM_TOO_LARGE, NULL);
    } else if (!database_clock_known(reads_clock(call->call.gateway->reads))) {
        admin_call_refuse(call, PROBLEM_BOOKING_UNAVAILABLE, "Nothing was changed.");
    } else {
        admin_call_log_begin(call, on_log_begun);
    }
}

static void on_event_to_change(void *context, const struct database_answer *answer) {
    struct admin_call *call = context;
    if (!has_row(call, answer)) {
        return;
    }
    struct database_group *group = reads_group(call->call.gateway->reads, READS_ADMIN);
    if (group != NULL) {
        catalogue_bind_venue_facts(group, database_i64(answer->results[0], 0, 1));
    }
    admin_call_send_take(call, group, on_facts);
}

void route_admin_event_patch(void *context, struct http_request *request,
                             const struct route_match *match) {
    /* No role may change what it may not steer. */
    struct admin_call *call = event_call(context, request, match, ADMIN_STEER_EVENT);
    if (call != NULL && admin_call_read_patch(call)) {
        read_event(call, &sql_event, on_event_to_change);
    }
}

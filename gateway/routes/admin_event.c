/* GET and PATCH /admin/events/{id}, and its stats. A change is a command to the event's owner. */
#include "gateway/input.h"
#include "gateway/routes/admin_call.h"
#include "gateway/routes/routes.h"
#include "gateway/sql.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <stdio.h>

/* A call for the event that the path names; NULL: it was answered. */
static struct admin_call *event_call(struct gateway *gateway, struct http_request *request,
                                     const struct route_match *match) {
    struct admin_call *call = admin_call_create(gateway, request);
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

/* Answers with the JSON text in a column of the one row. */
static void answer_column(struct admin_call *call, const struct database_answer *answer,
                          int column) {
    if (!admin_call_answered(call, answer)) {
        return;
    }
    if (PQntuples(answer->results[0]) == 0) {
        admin_call_refuse(call, PROBLEM_NOT_FOUND, NULL);
        return;
    }
    struct text text = {0};
    text_put(&text, database_text(answer->results[0], 0, column));
    answer_json_take(call->call.request, 200, &text);
    admin_call_free(call);
}

static void on_event(void *context, const struct database_answer *answer) {
    answer_column(context, answer, 3);
}

static void on_stats(void *context, const struct database_answer *answer) {
    answer_column(context, answer, 0);
}

void route_admin_event_get(void *context, struct http_request *request,
                           const struct route_match *match) {
    struct admin_call *call = event_call(context, request, match);
    if (call != NULL) {
        read_event(call, &sql_event, on_event);
    }
}

void route_admin_stats_get(void *context, struct http_request *request,
                           const struct route_match *match) {
    struct admin_call *call = event_call(context, request, match);
    if (call != NULL) {
        read_event(call, &sql_stats, on_stats);
    }
}

/* --- PATCH: event -> venue's facts -> command -> event
 * ---------------------------------------------- */

static void on_changed(void *context, enum command_outcome outcome, const struct reply *reply) {
    struct admin_call *call = context;
    if (call->call.request == NULL) {
        admin_call_free(call);
    } else if (outcome == COMMAND_NOT_DECIDED) {
        admin_call_refuse(call, PROBLEM_BOOKING_UNAVAILABLE, "Nothing was changed.");
    } else if (outcome == COMMAND_OUTCOME_UNKNOWN) {
        admin_call_refuse(call, PROBLEM_OUTCOME_UNKNOWN, "Repeat the request.");
    } else if (reply->code == REPLY_OK) {
        log_write(LOG_INFO, "event-changed", "An admin has changed an event.",
                  LOG_TEXT("request", http_request_id(call->call.request)),
                  LOG_U64("event_id", call->event_id));
        catalogue_expire_event(call->call.gateway->catalogue, call->event_id);
        read_event(call, &sql_event, on_event);
    } else if (reply->code == REPLY_NOT_FOUND) {
        admin_call_refuse(call, PROBLEM_NOT_FOUND, NULL);
    } else if (reply->code == REPLY_CONFLICT) {
        admin_call_refuse(call, PROBLEM_CONFLICT, "The event's state does not allow this change.");
    } else if (reply->code == REPLY_OVERLOADED) {
        admin_call_refuse(call, PROBLEM_OVERLOADED, "Nothing was changed.");
    } else if (reply->code == REPLY_INVALID) {
        admin_call_refuse(call, PROBLEM_INVALID, "The owner of the event refuses the change.");
    } else {
        admin_call_refuse(call, PROBLEM_INTERNAL, NULL);
    }
}

static void submit_change(struct admin_call *call) {
    struct gateway *gateway = call->call.gateway;
    const struct database_clock *clock = reads_clock(gateway->reads);
    const char *patch = event_input_command_text(call->event);
    if (patch == NULL) {
        admin_call_refuse(call, PROBLEM_TOO_LARGE, NULL);
        return;
    }
    if (!database_clock_known(clock)) {
        admin_call_refuse(call, PROBLEM_BOOKING_UNAVAILABLE, "Nothing was changed.");
        return;
    }
    int64_t now_us = clock_monotonic_us();
    int64_t wait_us = (int64_t)COMMAND_WAIT_MS * 1000;
    struct command command = {.kind = COMMAND_UPDATE_EVENT,
                              .request_id = id128_random(),
                              .deadline_us = database_clock_now_us(clock) + wait_us,
                              .event_id = call->event_id,
                              .partition = partition_of_event(call->event_id),
                              .patch = patch};
    (void)snprintf(command.trace, sizeof command.trace, "%s", http_request_id(call->call.request));
    enum status status =
        commands_submit(gateway->commands, &command, now_us, now_us + wait_us, on_changed, call);
    if (status != STATUS_OK) {
        admin_call_refuse(
            call, status == STATUS_UNAVAILABLE ? PROBLEM_BOOKING_UNAVAILABLE : PROBLEM_OVERLOADED,
            "Nothing was changed.");
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
    } else {
        submit_change(call);
    }
}

static void on_event_to_change(void *context, const struct database_answer *answer) {
    struct admin_call *call = context;
    if (!admin_call_answered(call, answer)) {
        return;
    }
    if (PQntuples(answer->results[0]) == 0) {
        admin_call_refuse(call, PROBLEM_NOT_FOUND, NULL);
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
    struct admin_call *call = event_call(context, request, match);
    if (call == NULL) {
        return;
    }
    call->document = input_read(request, false);
    if (call->document == NULL) {
        admin_call_free(call);
        return;
    }
    read_event(call, &sql_event, on_event_to_change);
}

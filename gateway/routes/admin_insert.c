/* POST /admin/venues and /admin/events. */
#include "gateway/input.h"
#include "gateway/routes/admin_call.h"
#include "gateway/routes/routes.h"
#include "shared/log.h"

#include <inttypes.h>

enum { INSERT_ATTEMPTS_MAX = 3 };

static const char unique_violation[] = "23505"; /* PostgreSQL manual, appendix A */

/* Two requests with one key at once: the loser is sent again and finds what the winner made. */
static bool is_lost_race(struct admin_call *call, const struct database_answer *answer) {
    return answer->outcome == DATABASE_FAILED && call->repeat.idempotency_key != NULL &&
           strcmp(answer->sqlstate, unique_violation) == 0 &&
           ++call->attempts < INSERT_ATTEMPTS_MAX;
}

/* Takes the text. */
static void answer_made(struct admin_call *call, bool replayed, struct text *text) {
    if (replayed) {
        http_answer_header(call->call.request, "Idempotent-Replayed", "true");
    }
    answer_json_take(call->call.request, 201, text);
    admin_call_free(call);
}

/* --- venues
 * --------------------------------------------------------------------------------------- */

static void insert_venue(struct admin_call *call);

static void on_venue(void *context, const struct database_answer *answer) {
    struct admin_call *call = context;
    if (is_lost_race(call, answer)) {
        insert_venue(call);
        return;
    }
    if (!admin_call_answered(call, answer)) {
        return;
    }
    const PGresult *row = answer->results[0];
    if (database_bool(row, 0, 4)) {
        admin_call_refuse(call, PROBLEM_IDEMPOTENCY_KEY_REUSED, NULL);
        return;
    }
    struct text text = {0};
    text_format(&text,
                "{\"venueId\":%" PRId64 ",\"layoutVersion\":%" PRId32 ",\"seatCount\":%" PRId32 "}",
                database_i64(row, 0, 0), database_i32(row, 0, 1), database_i32(row, 0, 2));
    log_write(LOG_INFO, "venue-made", "A venue was stored.",
              LOG_TEXT("request", http_request_id(call->call.request)),
              LOG_I64("venue_id", database_i64(row, 0, 0)));
    answer_made(call, database_bool(row, 0, 3), &text);
}

static void insert_venue(struct admin_call *call) {
    struct database_group *group = reads_group(call->call.gateway->reads, READS_ADMIN);
    if (group != NULL) {
        catalogue_bind_venue(group, call->venue, &call->repeat);
    }
    admin_call_send_take(call, group, on_venue);
}

void route_admin_venues_post(void *context, struct http_request *request,
                             const struct route_match *match) {
    (void)match;
    struct admin_call *call = admin_call_create(context, request, ADMIN_POST_VENUE);
    if (call == NULL || !admin_call_read_post(call)) {
        return;
    }
    struct catalogue_problems problems = {0};
    enum status status = venue_input_read(call->document, &call->venue, &problems);
    if (status == STATUS_INVALID) {
        admin_call_refuse_input(call, &problems);
    } else if (status != STATUS_OK) {
        admin_call_refuse(call, PROBLEM_OVERLOADED, NULL);
    } else {
        insert_venue(call);
    }
}

/* --- events
 * --------------------------------------------------------------------------------------- */

static void insert_event(struct admin_call *call);

static void on_inserted(void *context, const struct database_answer *answer) {
    struct admin_call *call = context;
    if (is_lost_race(call, answer)) {
        insert_event(call);
        return;
    }
    if (!admin_call_answered(call, answer)) {
        return;
    }
    const PGresult *row = answer->results[0];
    if (PQntuples(row) == 0) {
        admin_call_refuse(call, PROBLEM_CONFLICT, "The venue is not there any more.");
        return;
    }
    if (database_bool(row, 0, 2)) {
        admin_call_refuse(call, PROBLEM_IDEMPOTENCY_KEY_REUSED, NULL);
        return;
    }
    struct text text = {0};
    int64_t event_id = database_i64(row, 0, 0);
    text_format(&text, "{\"eventId\":%" PRId64 "}", event_id);
    log_write(LOG_INFO, "event-made", "An event was stored.",
              LOG_TEXT("request", http_request_id(call->call.request)),
              LOG_I64("event_id", event_id));
    answer_made(call, database_bool(row, 0, 1), &text);
}

static void insert_event(struct admin_call *call) {
    struct gateway *gateway = call->call.gateway;
    struct database_group *group = reads_group(gateway->reads, READS_ADMIN);
    if (group != NULL) {
        catalogue_bind_event(group, call->event, gateway->config.hold_seconds, &call->repeat);
    }
    admin_call_send_take(call, group, on_inserted);
}

/* `facts` NULL: there is no such venue, which is told with everything else that is wrong. */
static void check_event(struct admin_call *call, const struct venue_facts *facts) {
    struct catalogue_problems problems = {0};
    enum status status = event_input_read(call->document, false, facts, &call->event, &problems);
    if (facts == NULL && status == STATUS_OK) {
        input_problem(&problems, "venueId", "there is no such venue");
        status = STATUS_INVALID;
    }
    if (status == STATUS_INVALID) {
        admin_call_refuse_input(call, &problems);
    } else if (status != STATUS_OK) {
        admin_call_refuse(call, PROBLEM_OVERLOADED, NULL);
    } else {
        insert_event(call);
    }
}

static void on_facts(void *context, const struct database_answer *answer) {
    struct admin_call *call = context;
    if (!admin_call_answered(call, answer)) {
        return;
    }
    if (PQntuples(answer->results[0]) == 0) {
        check_event(call, NULL);
        return;
    }
    catalogue_read_venue_facts(answer->results[0], &call->facts);
    check_event(call, &call->facts);
}

void route_admin_events_post(void *context, struct http_request *request,
                             const struct route_match *match) {
    (void)match;
    struct gateway *gateway = context;
    struct admin_call *call = admin_call_create(gateway, request, ADMIN_POST_EVENT);
    if (call == NULL || !admin_call_read_post(call)) {
        return;
    }
    const json_t *venue_id = json_object_get(call->document, "venueId");
    if (!json_is_integer(venue_id) || json_integer_value(venue_id) < 1) {
        check_event(call, NULL);
        return;
    }
    struct database_group *group = reads_group(gateway->reads, READS_ADMIN);
    if (group != NULL) {
        catalogue_bind_venue_facts(group, json_integer_value(venue_id));
    }
    admin_call_send_take(call, group, on_facts);
}

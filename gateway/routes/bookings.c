/* GET /bookings and /bookings/{id}: from the primary, so that everybody reads their own writes. */
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

struct bookings_call {
    struct call call;
    bool single;
    bool more; /* than fit on this page */
    uint32_t limit;
    uint32_t count;
    uint32_t at; /* bookings before this one are in the text */
    struct booking *bookings;
    struct text text;
};

static void free_call(struct bookings_call *call) {
    free(call->bookings);
    text_free(&call->text);
    free(call);
}

static void refuse(struct bookings_call *call, enum problem problem) {
    if (call->call.request != NULL) {
        answer_refuse(call->call.request, problem, NULL, NULL);
    }
    free_call(call);
}

static void put_cursor(struct text *text, const struct booking *last) {
    char id[ID128_TEXT_SIZE];
    text_format(text, "\"%016" PRIx64 "%s\"", (uint64_t)last->created_us,
                id128_to_text(&last->id, id));
}

static bool read_cursor(const char *text, int64_t *created_us, struct id128 *booking_id) {
    if (strlen(text) != 16 + ID128_TEXT_SIZE - 1 || strspn(text, "0123456789abcdef") < 16 ||
        id128_from_text(text + 16, booking_id) != STATUS_OK) {
        return false;
    }
    char created[17];
    memcpy(created, text, 16);
    created[16] = '\0';
    *created_us = (int64_t)strtoull(created, NULL, 16);
    return *created_us > 0;
}

static void finish(struct bookings_call *call) {
    if (!call->single) {
        text_put(&call->text, "],\"nextCursor\":");
        if (call->more) {
            put_cursor(&call->text, &call->bookings[call->count - 1]);
        } else {
            text_put(&call->text, "null");
        }
        text_put(&call->text, "}");
    }
    answer_json_take(call->call.request, 200, &call->text);
    free_call(call);
}

static bool put_booking(struct bookings_call *call, const struct catalogue_event *event) {
    const struct booking *booking = &call->bookings[call->at];
    if (!booking_json_fits(booking, event->layout)) {
        return false;
    }
    text_put(&call->text, call->at > 0 ? "," : "");
    booking_json_put(&call->text, booking, event->layout,
                     database_clock_now_us(reads_clock(call->call.gateway->reads)));
    call->at++;
    return true;
}

static void go_on(struct bookings_call *call);

static void on_event(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    (void)age_us;
    struct bookings_call *call = context;
    if (call->call.request == NULL || outcome != FRESH_FOUND) {
        refuse(call, PROBLEM_BOOKING_UNAVAILABLE);
    } else if (!put_booking(call, value)) {
        refuse(call, PROBLEM_INTERNAL);
    } else {
        go_on(call);
    }
}

/* Writes booking after booking for as long as their events are known; waits for the first that is
 * not. */
static void go_on(struct bookings_call *call) {
    struct catalogue *catalogue = call->call.gateway->catalogue;
    while (call->at < call->count) {
        uint64_t event_id = call->bookings[call->at].event_id;
        const struct catalogue_event *event = catalogue_peek_event(catalogue, event_id);
        if (event == NULL) {
            catalogue_want_event(catalogue, event_id, true, on_event, call);
            return;
        }
        if (!put_booking(call, event)) {
            refuse(call, PROBLEM_INTERNAL);
            return;
        }
    }
    finish(call);
}

static bool read_rows(struct bookings_call *call, const PGresult *rows) {
    uint32_t found = (uint32_t)PQntuples(rows);
    call->more = found > call->limit;
    call->count = call->more ? call->limit : found;
    call->bookings = calloc(call->count + 1, sizeof call->bookings[0]);
    bool fine = call->bookings != NULL;
    for (uint32_t row = 0; fine && row < call->count; row++) {
        fine = booking_row_read(rows, (int)row, &call->bookings[row]);
    }
    return fine;
}

static void on_rows(void *context, const struct database_answer *answer) {
    struct bookings_call *call = context;
    if (call->call.request == NULL || answer->outcome == DATABASE_LOST) {
        refuse(call, PROBLEM_BOOKING_UNAVAILABLE);
    } else if (answer->outcome == DATABASE_FAILED) {
        log_write(LOG_ERROR, "bookings-read-failed", "The database refuses to read bookings.",
                  LOG_TEXT("request", http_request_id(call->call.request)),
                  LOG_TEXT("why", answer->error));
        refuse(call, PROBLEM_INTERNAL);
    } else if (!read_rows(call, answer->results[0])) {
        refuse(call, PROBLEM_INTERNAL);
    } else if (call->single && call->count == 0) {
        refuse(call, PROBLEM_NOT_FOUND);
    } else {
        if (!call->single) {
            text_put(&call->text, "{\"bookings\":[");
        }
        go_on(call);
    }
}

static void send_take(struct bookings_call *call, struct database_group *group) {
    if (group == NULL || database_group_send_take(group, on_rows, call) != STATUS_OK) {
        refuse(call, PROBLEM_BOOKING_UNAVAILABLE);
    }
}

void route_booking_get(void *context, struct http_request *request,
                       const struct route_match *match) {
    struct gateway *gateway = context;
    struct session session;
    char text[BOOKING_ID_TEXT_SIZE];
    uint64_t event_id = 0;
    struct id128 booking_id;
    if (!auth_user(gateway, request, &session)) {
        return;
    }
    if (!route_match_text(match, 0, text, sizeof text) ||
        booking_id_from_text(text, &event_id, &booking_id) != STATUS_OK) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        return;
    }
    struct bookings_call *call = call_create(gateway, request, sizeof *call);
    if (call == NULL) {
        return;
    }
    call->single = true;
    call->limit = 1;
    struct database_group *group = reads_group(gateway->reads, READS_PRIMARY);
    if (group != NULL) {
        database_group_add(group, &sql_booking);
        database_group_i64(group, (int64_t)event_id);
        database_group_uuid(group, &booking_id);
        database_group_uuid(group, &session.user);
    }
    send_take(call, group);
}

void route_bookings_list(void *context, struct http_request *request,
                         const struct route_match *match) {
    (void)match;
    struct gateway *gateway = context;
    struct session session;
    uint64_t event_id = 0;
    int64_t created_us = 0;
    struct id128 booking_id = {{0}};
    uint32_t limit = 0;
    if (!auth_user(gateway, request, &session) || !input_limit(request, &limit)) {
        return;
    }
    const char *event = http_request_query(request, "eventId");
    const char *cursor = http_request_query(request, "cursor");
    if (event != NULL && !input_u64(event, &event_id)) {
        input_refuse_field(request, "eventId", "has to be a positive integer");
        return;
    }
    if (cursor != NULL && !read_cursor(cursor, &created_us, &booking_id)) {
        answer_refuse(request, PROBLEM_BAD_CURSOR, NULL, NULL);
        return;
    }
    struct bookings_call *call = call_create(gateway, request, sizeof *call);
    if (call == NULL) {
        return;
    }
    call->limit = limit;
    struct database_group *group = reads_group(gateway->reads, READS_PRIMARY);
    if (group != NULL) {
        database_group_add(group, &sql_bookings);
        database_group_uuid(group, &session.user);
        if (event != NULL) {
            database_group_i64(group, (int64_t)event_id);
        } else {
            database_group_null(group);
        }
        if (cursor != NULL) {
            database_group_time(group, created_us);
            database_group_uuid(group, &booking_id);
        } else {
            database_group_null(group);
            database_group_null(group);
        }
        database_group_i32(group, (int32_t)limit + 1);
    }
    send_take(call, group);
}

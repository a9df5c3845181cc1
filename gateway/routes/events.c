#include "gateway/answers.h"
#include "gateway/call.h"
#include "gateway/input.h"
#include "gateway/routes/routes.h"

#include <stdio.h>
#include <stdlib.h>

struct event_call {
    struct call call;
    bool layout;    /* its layout is wanted */
    uint64_t named; /* ?v=, 0: none */
};

static const char unavailable[] =
    "The catalogue can't be read now, and this page is not remembered.";

static struct looking looking_of(int64_t age_us) {
    return (struct looking){.is_stale = age_us > (int64_t)CATALOGUE_FRESH_MS * 1000,
                            .age_us = age_us};
}

static void answer_layout(struct http_request *request, const struct layout *layout,
                          uint64_t named) {
    if (named != 0 && named != layout_version(layout)) {
        answer_refuse(request, PROBLEM_NOT_FOUND, "The event has no layout of this version.", NULL);
        return;
    }
    const struct looking looking = {.immutable = named != 0};
    answer_looking(request, layout_body(layout), &looking);
}

static void on_event(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    struct event_call *call = context;
    struct http_request *request = call->call.request;
    const struct catalogue_event *event = value;
    struct looking looking = looking_of(age_us);
    if (request == NULL) {
        /* nobody to answer */
    } else if (outcome == FRESH_UNAVAILABLE) {
        answer_refuse(request, PROBLEM_OVERLOADED, unavailable, NULL);
    } else if (outcome == FRESH_ABSENT || event->draft) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
    } else if (call->layout) {
        answer_layout(request, event->layout, call->named);
    } else {
        answer_looking(request, event->body, &looking);
    }
    free(call);
}

static void want_event(struct gateway *gateway, struct http_request *request,
                       const struct route_match *match, bool layout, uint64_t named) {
    uint64_t event_id = 0;
    if (!route_match_u64(match, 0, &event_id)) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        return;
    }
    struct event_call *call = call_create(gateway, request, sizeof *call);
    if (call != NULL) {
        call->layout = layout;
        call->named = named;
        catalogue_want_event(gateway->catalogue, event_id, false, on_event, call);
    }
}

void route_event_get(void *context, struct http_request *request, const struct route_match *match) {
    want_event(context, request, match, false, 0);
}

void route_layout_get(void *context, struct http_request *request,
                      const struct route_match *match) {
    const char *version = http_request_query(request, "v");
    uint64_t named = 0;
    if (version != NULL && !input_u64(version, &named)) {
        input_refuse_field(request, "v", "has to be a version of the layout");
        return;
    }
    want_event(context, request, match, true, named);
}

static void on_list(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    struct call *call = context;
    struct looking looking = looking_of(age_us);
    if (call->request == NULL) {
        /* nobody to answer */
    } else if (outcome == FRESH_FOUND) {
        answer_looking(call->request, value, &looking);
    } else {
        answer_refuse(call->request, PROBLEM_OVERLOADED, unavailable, NULL);
    }
    free(call);
}

static void read_time(struct http_request *request, const char *name, struct search_time *time,
                      struct catalogue_problems *problems) {
    const char *text = http_request_query(request, name);
    if (text != NULL && !search_read_time(text, time)) {
        input_problem(problems, name,
                      "has to be a day like 2026-12-01 or a time like 2026-11-23T17:31:32Z");
    }
}

/* A text of spaces asks for nothing. */
static const char *read_text(struct http_request *request, const char *name, size_t max_bytes,
                             struct catalogue_problems *problems) {
    const char *text = http_request_query(request, name);
    char problem[64];
    if (text == NULL || text[strspn(text, " ")] == '\0') {
        return NULL;
    }
    if (strlen(text) > max_bytes) {
        (void)snprintf(problem, sizeof problem, "has to be at most %zu bytes", max_bytes);
        input_problem(problems, name, problem);
    }
    return text;
}

void route_events_list(void *context, struct http_request *request,
                       const struct route_match *match) {
    (void)match;
    struct gateway *gateway = context;
    struct catalogue_problems problems = {0};
    struct search_query query = {
        .words = read_text(request, "q", SEARCH_WORDS_MAX_BYTES, &problems),
        .city = read_text(request, "city", SEARCH_CITY_MAX_BYTES, &problems),
        .state = http_request_query(request, "state")};
    if (query.state != NULL && !search_knows_state(query.state)) {
        input_problem(&problems, "state",
                      "has to be SCHEDULED, ON_SALE, PAUSED, SALE_ENDED or CANCELLED");
    }
    read_time(request, "from", &query.from, &problems);
    read_time(request, "to", &query.to, &problems);
    if (problems.count > 0) {
        input_refuse(request, &problems);
        return;
    }
    if (!input_limit(request, &query.limit)) {
        return;
    }
    const char *cursor = http_request_query(request, "cursor");
    if (cursor != NULL && !search_read_cursor(cursor, &query)) {
        answer_refuse(request, PROBLEM_BAD_CURSOR, NULL, NULL);
        return;
    }
    struct call *call = call_create(gateway, request, sizeof *call);
    if (call != NULL) {
        catalogue_want_list(gateway->catalogue, &query, on_list, call);
    }
}

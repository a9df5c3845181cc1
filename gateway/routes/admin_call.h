/*
 * admin_call: what the admin routes share: a statement on the admin session, and what becomes of
 * its answer.
 */
#ifndef USHER_GATEWAY_ROUTES_ADMIN_CALL_H
#define USHER_GATEWAY_ROUTES_ADMIN_CALL_H

#include "gateway/answers.h"
#include "gateway/call.h"
#include "shared/catalogue_sql.h"

struct admin_call {
    struct call call;
    json_t *document;          /* NULL when there is none */
    struct venue_input *venue; /* what is inserted, or NULL */
    struct event_input *event;
    struct admin_request repeat; /* its key points to `key` or is NULL */
    char key[129];
    uint64_t event_id;
    uint32_t attempts;
    struct venue_facts facts;
};

/* Checks the key; NULL: it was answered. */
MUST_CHECK struct admin_call *admin_call_create(struct gateway *gateway,
                                                struct http_request *request);
/* Reads key and body of a POST into the call; false: it was answered, and the call is freed. */
MUST_CHECK bool admin_call_read_post(struct admin_call *call);
void admin_call_free(struct admin_call *call);
/* Answers, when there is still somebody, and frees. */
void admin_call_refuse(struct admin_call *call, enum problem problem, const char *detail);
void admin_call_refuse_input(struct admin_call *call, const struct catalogue_problems *problems);

/* Takes the group (NULL: the session is not up). When it can't be sent the request is answered 503.
 */
void admin_call_send_take(struct admin_call *call, struct database_group *group,
                          database_answer_handler *on_answer);
/* False unless the statement was executed and somebody still waits: then the call is at its end. */
MUST_CHECK bool admin_call_answered(struct admin_call *call, const struct database_answer *answer);

#endif

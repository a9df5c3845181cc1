/*
 * admin_call: what the admin routes share: who asks, a statement on the admin session, what becomes
 * of its answer, and the log (usher.admin_log).
 *
 * Inserts write their line in the log in the same statement. A PATCH is decided by the event's
 * owner, in its transaction; so that no change is ever without its line, the order is
 *
 *   the line, with status NULL (admin_call_log_begin) -> the command -> the owner commits ->
 *   the line's status (admin_call_log_end) -> the answer
 *
 * A gateway that dies in between, and an outcome that is not known, leave NULL: the change may have
 * been made.
 */
#ifndef USHER_GATEWAY_ROUTES_ADMIN_CALL_H
#define USHER_GATEWAY_ROUTES_ADMIN_CALL_H

#include "gateway/admin_keys.h"
#include "gateway/answers.h"
#include "gateway/call.h"
#include "gateway/roles.h"
#include "shared/catalogue_sql.h"

enum { ADMIN_ADDRESS_SIZE = 64 };

struct admin_call {
    struct call call;
    struct admin_caller caller;
    enum admin_act act;
    char
        request_id[HTTP_REQUEST_ID_SIZE]; /* these two for the log, also when the client has left */
    char address[ADMIN_ADDRESS_SIZE];
    int64_t log_id;            /* of the line that waits for its status */
    json_t *document;          /* NULL when there is none */
    char *change;              /* the same as text, for the log */
    struct venue_input *venue; /* what is inserted, or NULL */
    struct event_input *event;
    struct admin_request repeat; /* points into this call; its key is `key` or NULL */
    char key[129];
    uint64_t event_id;
    uint32_t attempts;
    struct venue_facts facts;
    struct text text; /* the answer, while it is being put together */
};

/* Checks the key, and that its role may; NULL: it was answered. */
MUST_CHECK struct admin_call *admin_call_create(struct gateway *gateway,
                                                struct http_request *request, enum admin_act act);
/* Reads key and body of a POST into the call; false: it was answered, and the call is freed. */
MUST_CHECK bool admin_call_read_post(struct admin_call *call);
/* The same for the body of a PATCH; what it names decides what it is and who may. */
MUST_CHECK bool admin_call_read_patch(struct admin_call *call);
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

/* Writes the line of a change of call->event_id that an owner decides; its id is the answer's
 * column 0. */
void admin_call_log_begin(struct admin_call *call, database_answer_handler *on_answer);
/* The outcome of call->log_id. Nothing waits for it, but what the call reads next on the admin
 * session is read after it. */
void admin_call_log_end(const struct admin_call *call, int status);

#endif

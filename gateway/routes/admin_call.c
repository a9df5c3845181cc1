#include "gateway/routes/admin_call.h"

#include "gateway/auth.h"
#include "gateway/input.h"
#include "shared/log.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct admin_call *admin_call_create(struct gateway *gateway, struct http_request *request) {
    return auth_admin(gateway, request) ? call_create(gateway, request, sizeof(struct admin_call))
                                        : NULL;
}

void admin_call_free(struct admin_call *call) {
    json_decref(call->document);
    venue_input_free(call->venue);
    event_input_free(call->event);
    free(call);
}

bool admin_call_read_post(struct admin_call *call) {
    struct http_request *request = call->call.request;
    const char *key = NULL;
    size_t size = 0;
    const char *body = http_request_body(request, &size);
    if (input_idempotency_key(request, &key)) {
        call->document = input_read(request, false);
    }
    if (call->document == NULL) {
        admin_call_free(call);
        return false;
    }
    ensure(EVP_Digest(body, size, call->repeat.body_hash, NULL, EVP_sha256(), NULL) == 1);
    if (key != NULL) {
        (void)snprintf(call->key, sizeof call->key, "%s", key);
        call->repeat.idempotency_key = call->key;
    }
    return true;
}

void admin_call_refuse(struct admin_call *call, enum problem problem, const char *detail) {
    if (call->call.request != NULL) {
        answer_refuse(call->call.request, problem, detail, NULL);
    }
    admin_call_free(call);
}

void admin_call_refuse_input(struct admin_call *call, const struct catalogue_problems *problems) {
    if (call->call.request != NULL) {
        input_refuse(call->call.request, problems);
    }
    admin_call_free(call);
}

void admin_call_send_take(struct admin_call *call, struct database_group *group,
                          database_answer_handler *on_answer) {
    if (group == NULL || database_group_send_take(group, on_answer, call) != STATUS_OK) {
        admin_call_refuse(call, PROBLEM_BOOKING_UNAVAILABLE, "The database can't be reached.");
    }
}

bool admin_call_answered(struct admin_call *call, const struct database_answer *answer) {
    if (call->call.request == NULL) {
        admin_call_free(call);
        return false;
    }
    if (answer->outcome == DATABASE_LOST) {
        admin_call_refuse(call, PROBLEM_OUTCOME_UNKNOWN,
                          "The database was lost. Repeat with the same Idempotency-Key.");
        return false;
    }
    if (answer->outcome == DATABASE_FAILED) {
        log_write(LOG_ERROR, "admin-statement-failed", "The database refuses an admin's request.",
                  LOG_TEXT("request", http_request_id(call->call.request)),
                  LOG_TEXT("why", answer->error));
        admin_call_refuse(call, PROBLEM_INTERNAL, NULL);
        return false;
    }
    return true;
}

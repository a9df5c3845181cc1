#include "gateway/routes/admin_call.h"

#include "gateway/auth.h"
#include "gateway/input.h"
#include "gateway/sql.h"
#include "shared/log.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct admin_call *admin_call_create(struct gateway *gateway, struct http_request *request,
                                     enum admin_act act) {
    struct admin_caller caller;
    if (!auth_admin(gateway, request, act, &caller)) {
        return NULL;
    }
    struct admin_call *call = call_create(gateway, request, sizeof *call);
    if (call != NULL) {
        call->caller = caller;
        call->act = act;
        (void)snprintf(call->request_id, sizeof call->request_id, "%s", http_request_id(request));
        (void)snprintf(call->address, sizeof call->address, "%s", http_request_peer(request));
    }
    return call;
}

void admin_call_free(struct admin_call *call) {
    json_decref(call->document);
    venue_input_free(call->venue);
    event_input_free(call->event);
    free(call->change);
    text_free(&call->text);
    free(call);
}

static struct admin_note note_of(const struct admin_call *call) {
    return (struct admin_note){.who = call->caller.name,
                               .role = admin_role_text(call->caller.role),
                               .what = role_act_route(call->act),
                               .request_id = call->request_id,
                               .address = call->address,
                               .change = call->change};
}

/* False: it was answered. */
static bool read_document(struct admin_call *call) {
    call->document = input_read(call->call.request, false);
    if (call->document == NULL) {
        return false;
    }
    call->change = json_dumps(call->document, JSON_COMPACT);
    if (call->change == NULL) {
        answer_refuse(call->call.request, PROBLEM_OVERLOADED, NULL, NULL);
    }
    return call->change != NULL;
}

bool admin_call_read_post(struct admin_call *call) {
    struct http_request *request = call->call.request;
    const char *key = NULL;
    size_t size = 0;
    const char *body = http_request_body(request, &size);
    if (!input_idempotency_key(request, &key) || !read_document(call)) {
        admin_call_free(call);
        return false;
    }
    call->repeat.caller = call->caller.name;
    call->repeat.note = note_of(call);
    ensure(EVP_Digest(body, size, call->repeat.body_hash, NULL, EVP_sha256(), NULL) == 1);
    if (key != NULL) {
        (void)snprintf(call->key, sizeof call->key, "%s", key);
        call->repeat.idempotency_key = call->key;
    }
    return true;
}

bool admin_call_read_patch(struct admin_call *call) {
    bool good = read_document(call);
    if (good) {
        call->act = role_act_of_patch(call->document);
        good = auth_admin_may(call->call.request, call->act, &call->caller);
    }
    if (!good) {
        admin_call_free(call);
    }
    return good;
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

void admin_call_log_begin(struct admin_call *call, database_answer_handler *on_answer) {
    struct database_group *group = reads_group(call->call.gateway->reads, READS_ADMIN);
    if (group != NULL) {
        const struct admin_note note = note_of(call);
        database_group_add(group, &sql_admin_log_begin);
        database_group_i64(group, (int64_t)call->event_id);
        admin_note_bind(group, &note);
    }
    admin_call_send_take(call, group, on_answer);
}

static void warn_of_log(const char *why) {
    log_write(LOG_WARNING, "admin-log-unfinished",
              "The outcome of an admin's change could not be noted; usherctl log says unknown.",
              LOG_TEXT("why", why));
}

static void on_log_end(void *context, const struct database_answer *answer) {
    (void)context;
    if (answer->outcome != DATABASE_DONE) {
        warn_of_log(answer->error);
    }
}

void admin_call_log_end(const struct admin_call *call, int status) {
    struct database_group *group = reads_group(call->call.gateway->reads, READS_ADMIN);
    enum status sent = STATUS_UNAVAILABLE;
    if (group != NULL) {
        database_group_add(group, &sql_admin_log_end);
        database_group_i64(group, call->log_id);
        database_group_i16(group, (int16_t)status);
        sent = database_group_send_take(group, on_log_end, NULL);
    }
    if (sent != STATUS_OK) {
        warn_of_log(status_text(sent));
    }
}

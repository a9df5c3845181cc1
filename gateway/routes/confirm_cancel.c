/* POST /bookings/{id}/confirm and /cancel: the id names the event, so the owner is known without a
 * look-up. */
#include "gateway/answers.h"
#include "gateway/auth.h"
#include "gateway/booking_call.h"
#include "gateway/input.h"
#include "gateway/routes/routes.h"

#include <stdio.h>

static void read_text(const json_t *object, const char *name, const char *field, char *text,
                      size_t size_bytes, struct catalogue_problems *problems) {
    const json_t *value = json_object_get(object, name);
    if (value == NULL) {
        return;
    }
    if (!json_is_string(value)) {
        input_problem(problems, field, "has to be a text");
    } else if (json_string_length(value) >= size_bytes) {
        input_problem(problems, field, "is too long");
    } else {
        (void)snprintf(text, size_bytes, "%s", json_string_value(value));
    }
}

static void read_confirm(const json_t *document, struct command *command,
                         struct catalogue_problems *problems) {
    static const char *const known[] = {"paymentToken", "contact", NULL};
    static const char *const known_of_contact[] = {"name", "email", NULL};
    const json_t *contact = json_object_get(document, "contact");
    input_known_fields(document, "", known, problems);
    read_text(document, "paymentToken", "paymentToken", command->payment_token,
              sizeof command->payment_token, problems);
    if (contact == NULL) {
        return;
    }
    if (!json_is_object(contact)) {
        input_problem(problems, "contact", "has to be an object");
        return;
    }
    input_known_fields(contact, "contact", known_of_contact, problems);
    read_text(contact, "name", "contact.name", command->contact_name, sizeof command->contact_name,
              problems);
    read_text(contact, "email", "contact.email", command->contact_email,
              sizeof command->contact_email, problems);
}

static void read_cancel(const json_t *document, struct command *command,
                        struct catalogue_problems *problems) {
    static const char *const known[] = {NULL};
    (void)command;
    input_known_fields(document, "", known, problems);
}

static void on_event(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    (void)age_us;
    struct booking_call *call = context;
    const struct catalogue_event *event = value;
    if (call->call.request == NULL) {
        booking_call_free(call);
    } else if (outcome != FRESH_FOUND) {
        answer_refuse(call->call.request,
                      outcome == FRESH_ABSENT ? PROBLEM_NOT_FOUND : PROBLEM_BOOKING_UNAVAILABLE,
                      NULL, NULL);
        booking_call_free(call);
    } else {
        call->layout = layout_keep(event->layout);
        booking_call_submit(call);
    }
}

static void change(struct gateway *gateway, struct http_request *request,
                   const struct route_match *match, enum command_kind kind,
                   void (*read)(const json_t *document, struct command *command,
                                struct catalogue_problems *problems)) {
    struct session session;
    char text[BOOKING_ID_TEXT_SIZE];
    uint64_t event_id = 0;
    struct id128 booking_id;
    const char *key = NULL;
    if (!auth_user(gateway, request, &session) || !input_idempotency_key(request, &key)) {
        return;
    }
    if (!route_match_text(match, 0, text, sizeof text) ||
        booking_id_from_text(text, &event_id, &booking_id) != STATUS_OK) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        return;
    }
    json_t *document = input_read(request, true);
    if (document == NULL) {
        return;
    }
    struct command parts = {.kind = kind};
    struct catalogue_problems problems = {.count = 0};
    read(document, &parts, &problems);
    json_decref(document);
    if (problems.count > 0) {
        input_refuse(request, &problems);
        return;
    }
    struct booking_call *call =
        booking_call_create(gateway, request, &session, kind, event_id, sizeof *call);
    if (call == NULL) {
        return;
    }
    struct command *command = &call->command;
    command->booking_id = booking_id;
    memcpy(command->payment_token, parts.payment_token, sizeof parts.payment_token);
    memcpy(command->contact_name, parts.contact_name, sizeof parts.contact_name);
    memcpy(command->contact_email, parts.contact_email, sizeof parts.contact_email);
    catalogue_want_event(gateway->catalogue, event_id, true, on_event, call);
}

void route_confirm(void *context, struct http_request *request, const struct route_match *match) {
    change(context, request, match, COMMAND_CONFIRM, read_confirm);
}

void route_cancel(void *context, struct http_request *request, const struct route_match *match) {
    change(context, request, match, COMMAND_CANCEL, read_cancel);
}

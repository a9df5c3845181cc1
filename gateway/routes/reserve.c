/* POST /bookings/reserve: names become numbers, a key becomes an id, and the owner decides. No
 * database. */
#include "gateway/answers.h"
#include "gateway/auth.h"
#include "gateway/booking_call.h"
#include "gateway/input.h"
#include "gateway/routes/routes.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

struct reserve_input {
    uint64_t event_id;
    uint32_t seat_count;
    const char *seat_ids[BOOKING_SEATS_MAX];
    uint32_t item_count;
    const char *sections[BOOKING_ITEMS_MAX];
    uint32_t quantities[BOOKING_ITEMS_MAX];
};

struct reserve_call {
    struct booking_call booking;
    json_t *document; /* the input's texts are in it */
    struct reserve_input input;
    char key[INPUT_KEY_MAX_BYTES + 1];
};

static void refuse_seat(struct catalogue_problems *problems, size_t at, const char *problem) {
    char field[32];
    (void)snprintf(field, sizeof field, "seatIds[%zu]", at);
    input_problem(problems, field, problem);
}

static void read_seat_ids(const json_t *value, struct reserve_input *input,
                          struct catalogue_problems *problems) {
    if (value == NULL) {
        return;
    }
    if (!json_is_array(value) || json_array_size(value) > BOOKING_SEATS_MAX) {
        input_problem(problems, "seatIds", "has to be a list of at most 10 seat ids");
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *id = json_string_value(json_array_get(value, i));
        if (id == NULL) {
            refuse_seat(problems, i, "has to be a seat id");
            continue;
        }
        for (uint32_t j = 0; j < input->seat_count; j++) {
            if (strcmp(input->seat_ids[j], id) == 0) {
                refuse_seat(problems, i, "is there twice");
            }
        }
        input->seat_ids[input->seat_count++] = id;
    }
}

static void read_item(const json_t *item, const char *field, struct reserve_input *input,
                      struct catalogue_problems *problems) {
    static const char *const known[] = {"section", "quantity", NULL};
    const char *section = json_string_value(json_object_get(item, "section"));
    const json_t *quantity = json_object_get(item, "quantity");
    if (!json_is_object(item)) {
        input_problem(problems, field, "has to be an object");
        return;
    }
    input_known_fields(item, field, known, problems);
    if (section == NULL) {
        input_problem(problems, field, "needs a section's name");
    } else if (!json_is_integer(quantity) || json_integer_value(quantity) < 1 ||
               json_integer_value(quantity) > BOOKING_SEATS_MAX) {
        input_problem(problems, field, "needs a quantity of 1 to 10");
    } else {
        for (uint32_t j = 0; j < input->item_count; j++) {
            if (strcmp(input->sections[j], section) == 0) {
                input_problem(problems, field, "names a section twice");
            }
        }
        input->sections[input->item_count] = section;
        input->quantities[input->item_count++] = (uint32_t)json_integer_value(quantity);
    }
}

static void read_items(const json_t *value, struct reserve_input *input,
                       struct catalogue_problems *problems) {
    char field[32];
    if (value == NULL) {
        return;
    }
    if (!json_is_array(value) || json_array_size(value) > BOOKING_ITEMS_MAX) {
        input_problem(problems, "items", "has to be a list of at most 10 {section, quantity}");
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        (void)snprintf(field, sizeof field, "items[%zu]", i);
        read_item(json_array_get(value, i), field, input, problems);
    }
}

static void read_reserve(const json_t *document, struct reserve_input *input,
                         struct catalogue_problems *problems) {
    static const char *const known[] = {"eventId", "seatIds", "items", NULL};
    const json_t *event_id = json_object_get(document, "eventId");
    input_known_fields(document, "", known, problems);
    if (!json_is_integer(event_id) || json_integer_value(event_id) < 1) {
        input_problem(problems, "eventId", "has to be a positive integer");
    } else {
        input->event_id = (uint64_t)json_integer_value(event_id);
    }
    read_seat_ids(json_object_get(document, "seatIds"), input, problems);
    read_items(json_object_get(document, "items"), input, problems);
    uint32_t seats = input->seat_count;
    for (uint32_t i = 0; i < input->item_count; i++) {
        seats += input->quantities[i];
    }
    if (problems->count == 0 && (seats < 1 || seats > BOOKING_SEATS_MAX)) {
        input_problem(problems, input->item_count > 0 ? "items" : "seatIds",
                      "a booking has 1 to 10 seats");
    }
}

/* The first 8 bytes of a SHA-256 over what was asked for, in an order that does not depend on how.
 */
static uint64_t hash_of(const struct command *command) {
    uint32_t words[2 + BOOKING_SEATS_MAX + 2 * BOOKING_ITEMS_MAX];
    size_t count = 0;
    words[count++] = htole32(command->seat_count);
    for (uint32_t i = 0; i < command->seat_count; i++) {
        words[count++] = htole32(command->seats[i]);
    }
    words[count++] = htole32(command->item_count);
    for (uint32_t i = 0; i < command->item_count; i++) {
        words[count++] = htole32(command->items[i].section);
        words[count++] = htole32(command->items[i].quantity);
    }
    uint8_t hash[EVP_MAX_MD_SIZE];
    uint64_t first = 0;
    ensure(EVP_Digest(words, count * sizeof words[0], hash, NULL, EVP_sha256(), NULL) == 1);
    memcpy(&first, hash, sizeof first);
    return le64toh(first);
}

static int compare_seats(const void *a, const void *b) {
    const uint32_t *left = a;
    const uint32_t *right = b;
    return (*left > *right) - (*left < *right);
}

static int compare_items(const void *a, const void *b) {
    const struct command_item *left = a;
    const struct command_item *right = b;
    return (left->section > right->section) - (left->section < right->section);
}

/* Names into numbers; false when one is unknown: answered. */
static bool resolve_seats(const struct reserve_call *call, struct command *command) {
    struct text unknown = {0};
    for (uint32_t i = 0; i < call->input.seat_count; i++) {
        if (!layout_find_seat(call->booking.layout, call->input.seat_ids[i], &command->seats[i])) {
            text_put(&unknown, unknown.size_bytes > 0 ? "," : "\"seatIds\":[");
            text_json(&unknown, call->input.seat_ids[i]);
        }
    }
    command->seat_count = call->input.seat_count;
    if (unknown.size_bytes == 0) {
        return true;
    }
    text_add(&unknown, "]", sizeof "]");
    answer_refuse(call->booking.call.request, PROBLEM_UNKNOWN_SEAT,
                  "The hall of this event has no such seat.", unknown.failed ? NULL : unknown.data);
    text_free(&unknown);
    return false;
}

static bool resolve_items(const struct reserve_call *call, struct command *command) {
    struct catalogue_problems problems;
    const struct layout *layout = call->booking.layout;
    char field[32];
    catalogue_problems_init(&problems);
    for (uint32_t i = 0; i < call->input.item_count; i++) {
        struct command_item *item = &command->items[i];
        (void)snprintf(field, sizeof field, "items[%u].section", i);
        if (!layout_find_section(layout, call->input.sections[i], &item->section)) {
            input_problem(&problems, field, "is no section of this hall");
        } else if (!layout_section_at(layout, item->section)->general) {
            input_problem(&problems, field, "is sold by seat, not by quantity");
        }
        item->quantity = call->input.quantities[i];
    }
    command->item_count = call->input.item_count;
    if (problems.count > 0) {
        input_refuse(call->booking.call.request, &problems);
    }
    return problems.count == 0;
}

static void free_call(struct reserve_call *call) {
    json_decref(call->document);
    booking_call_free(&call->booking);
}

static void on_event(void *context, enum fresh_outcome outcome, void *value, int64_t age_us) {
    (void)age_us;
    struct reserve_call *call = context;
    struct http_request *request = call->booking.call.request;
    struct command *command = &call->booking.command;
    const struct catalogue_event *event = value;
    if (request == NULL) {
        free_call(call);
        return;
    }
    if (outcome != FRESH_FOUND) {
        answer_refuse(
            request, outcome == FRESH_ABSENT ? PROBLEM_NOT_FOUND : PROBLEM_BOOKING_UNAVAILABLE,
            outcome == FRESH_ABSENT ? "There is no such event." : "Nothing was changed.", NULL);
        free_call(call);
        return;
    }
    call->booking.layout = layout_keep(event->layout);
    if (!resolve_seats(call, command) || !resolve_items(call, command)) {
        free_call(call);
        return;
    }
    qsort(command->seats, command->seat_count, sizeof command->seats[0], compare_seats);
    qsort(command->items, command->item_count, sizeof command->items[0], compare_items);
    command->body_hash = hash_of(command);
    command->booking_id = booking_id_derive(call->booking.call.gateway->installation.booking_key,
                                            &command->user, command->event_id, call->key);
    json_decref(call->document);
    booking_call_submit(&call->booking);
}

/* What the Usher-Pass is worth, as far as its signature says. */
static void read_pass(const struct gateway *gateway, const struct http_request *request,
                      struct command *command) {
    const char *text = http_request_header(request, "Usher-Pass");
    struct pass_token pass;
    if (text == NULL) {
        return;
    }
    bool good = token_verify_pass(&gateway->installation.session_keys, &gateway->installation.id,
                                  text, &pass) == STATUS_OK &&
                pass.event_id == command->event_id && id128_equal(&pass.user, &command->user);
    command->pass = good ? PASS_GOOD : PASS_BAD;
    command->queue_number = good ? pass.number : 0;
}

void route_reserve(void *context, struct http_request *request, const struct route_match *match) {
    (void)match;
    struct gateway *gateway = context;
    struct session session;
    const char *key = NULL;
    if (!auth_booker(gateway, request, &session) || !input_idempotency_key(request, &key)) {
        return;
    }
    json_t *document = input_read(request, false);
    if (document == NULL) {
        return;
    }
    struct reserve_input input = {0};
    struct catalogue_problems problems;
    catalogue_problems_init(&problems);
    read_reserve(document, &input, &problems);
    if (problems.count > 0) {
        input_refuse(request, &problems);
        json_decref(document);
        return;
    }
    struct reserve_call *call = (struct reserve_call *)booking_call_create(
        gateway, request, &session, COMMAND_RESERVE, input.event_id, sizeof *call);
    if (call == NULL) {
        json_decref(document);
        return;
    }
    call->document = document;
    call->input = input;
    read_pass(gateway, request, &call->booking.command);
    if (key != NULL) {
        (void)snprintf(call->key, sizeof call->key, "%s", key);
    } else {
        (void)uuid7_text(database_clock_now_us(reads_clock(gateway->reads)) / 1000, call->key);
    }
    catalogue_want_event(gateway->catalogue, input.event_id, true, on_event, call);
}

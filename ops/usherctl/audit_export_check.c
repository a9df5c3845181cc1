#include "ops/usherctl/audit_export.h"

#include "shared/clock.h"
#include "shared/ids.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

enum { LINE_BYTES_MAX = 1 << 20 };

struct reader {
    FILE *in;
    char *line;
    uint64_t line_number;
    json_t *object; /* of that line */
    struct audit *audit;
    struct audit_booking *bookings; /* AUDIT_BOOKINGS_MAX */
    bool at_end;
    char *error;
};

static enum status refuse(struct reader *reader, const char *why) {
    (void)snprintf(reader->error, AUDIT_ERROR_SIZE, "line %" PRIu64 ": %s", reader->line_number,
                   why);
    return STATUS_INVALID;
}

/* The next line's object. */
static enum status read_line(struct reader *reader) {
    json_decref(reader->object);
    reader->object = NULL;
    reader->line_number++;
    if (fgets(reader->line, LINE_BYTES_MAX, reader->in) == NULL) {
        (void)refuse(reader, "the file ends before its last line");
        return STATUS_TRUNCATED;
    }
    reader->object = json_loads(reader->line, JSON_REJECT_DUPLICATES, NULL);
    return json_is_object(reader->object) ? STATUS_OK
                                          : refuse(reader, "this is no line of an export");
}

/* --- values: false when they are not what they should be */

static bool read_whole(const json_t *value, int64_t max, uint64_t *number) {
    int64_t integer = json_integer_value(value);
    *number = (uint64_t)integer;
    return json_is_integer(value) && integer >= 0 && integer <= max;
}

/* null, or none: 0. */
static bool read_time(const json_t *value, int64_t *unix_us) {
    *unix_us = 0;
    if (value == NULL || json_is_null(value))
        return true;
    return json_is_string(value) && time_from_text(json_string_value(value), unix_us) &&
           *unix_us > 0;
}

/* Half of the hash tells people apart as well as all of it. */
static bool read_user(const json_t *value, struct id128 *user) {
    char half[ID128_TEXT_SIZE];
    if (!json_is_string(value) || json_string_length(value) != AUDIT_HASH_SIZE - 1)
        return false;
    memcpy(half, json_string_value(value), sizeof half - 1);
    half[sizeof half - 1] = '\0';
    return id128_from_text(half, user) == STATUS_OK;
}

static bool is_text(const json_t *value, const char *text) {
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* --- the header */

static bool read_span(const json_t *object, struct audit_span *span) {
    uint64_t stream = 0;
    bool good =
        read_whole(json_object_get(object, "firstNumber"), INT64_MAX, &span->span.first_number) &&
        read_whole(json_object_get(object, "firstSequence"), INT64_MAX,
                   &span->span.first_sequence) &&
        read_whole(json_object_get(object, "stream"), ROOM_SPANS_MAX, &stream) &&
        read_whole(json_object_get(object, "admittedTo"), INT64_MAX, &span->admitted_to);
    span->span.stream = (uint32_t)stream;
    return good;
}

static bool read_spans(const json_t *list, struct audit_room *room) {
    size_t index;
    const json_t *item;
    if (!json_is_array(list) || json_array_size(list) > ROOM_SPANS_MAX)
        return false;
    json_array_foreach(list, index, item) {
        if (!read_span(item, &room->spans[room->span_count++]))
            return false;
    }
    return true;
}

static bool read_on(const json_t *list, struct audit_room *room) {
    size_t index;
    const json_t *item;
    if (!json_is_array(list) || json_array_size(list) > AUDIT_PERIODS_MAX)
        return false;
    json_array_foreach(list, index, item) {
        struct audit_period *on = &room->on[room->on_count++];
        if (!read_time(json_object_get(item, "from"), &on->from_us) ||
            !read_time(json_object_get(item, "to"), &on->to_us))
            return false;
        on->to_us = on->to_us == 0 ? INT64_MAX : on->to_us;
    }
    return true;
}

static bool read_mode(const json_t *value, enum room_mode *mode) {
    for (*mode = ROOM_MODE_OFF; *mode <= ROOM_MODE_CLOSED; (*mode)++)
        if (is_text(value, room_mode_text(*mode)))
            return true;
    return false;
}

static bool read_settings(const json_t *object, struct room_settings *settings) {
    uint64_t rate, shoppers, claim_seconds, pass_seconds;
    room_settings_default(settings);
    if (!read_mode(json_object_get(object, "mode"), &settings->mode) ||
        !read_whole(json_object_get(object, "admitsPerMinute"), ROOM_PEOPLE_MAX, &rate) ||
        !read_whole(json_object_get(object, "maxShoppers"), ROOM_PEOPLE_MAX, &shoppers) ||
        !read_whole(json_object_get(object, "claimSeconds"), ROOM_SECONDS_MAX, &claim_seconds) ||
        !read_whole(json_object_get(object, "passSeconds"), ROOM_SECONDS_MAX, &pass_seconds))
        return false;
    settings->admits_per_minute = (uint32_t)rate;
    settings->max_shoppers = (uint32_t)shoppers;
    settings->claim_ms = (int64_t)claim_seconds * 1000;
    settings->pass_ms = (int64_t)pass_seconds * 1000;
    return true;
}

static bool read_unchanged(const json_t *list, struct audit_header *header) {
    size_t index;
    const json_t *name;
    struct audit_room *room = &header->room;
    json_array_foreach(list, index, name) {
        if (is_text(name, "maxShoppers"))
            room->max_shoppers = header->settings.max_shoppers;
        else if (is_text(name, "claimSeconds"))
            room->claim_ms = header->settings.claim_ms;
        else if (is_text(name, "passSeconds"))
            room->pass_ms = header->settings.pass_ms;
    }
    return json_is_array(list);
}

static bool read_header_of(const json_t *object, struct audit_header *header) {
    struct audit_room *room = &header->room;
    const json_t *lost_above = json_object_get(object, "lostAbove");
    const json_t *installation = json_object_get(object, "installation");
    struct id128 unused;
    *header = (struct audit_header){.room = {.lost_above = UINT64_MAX}};
    if (!read_user(installation, &unused) ||
        !read_whole(json_object_get(object, "event"), INT64_MAX, &header->event_id) ||
        !read_time(json_object_get(object, "madeAt"), &header->made_us) ||
        !read_whole(json_object_get(object, "admittedTo"), INT64_MAX, &room->admitted_to) ||
        !read_whole(json_object_get(object, "issuedTo"), INT64_MAX, &room->issued_to) ||
        !read_spans(json_object_get(object, "spans"), room) ||
        !read_settings(json_object_get(object, "settings"), &header->settings) ||
        !read_unchanged(json_object_get(object, "unchanged"), header) ||
        !read_on(json_object_get(object, "on"), room))
        return false;
    memcpy(header->installation, json_string_value(installation), AUDIT_HASH_SIZE);
    room->on_known = json_is_true(json_object_get(object, "onKnown"));
    return json_is_null(lost_above) || read_whole(lost_above, INT64_MAX, &room->lost_above);
}

static enum status read_header(struct reader *reader, struct audit_header *header) {
    enum status status = read_line(reader);
    if (status != STATUS_OK)
        return status;
    if (!is_text(json_object_get(reader->object, "format"), "usher-audit"))
        return refuse(reader, "this is no header of an export");
    if (json_integer_value(json_object_get(reader->object, "version")) != AUDIT_EXPORT_VERSION) {
        (void)refuse(reader, "it is of another version");
        return STATUS_VERSION;
    }
    return read_header_of(reader->object, header) ? STATUS_OK
                                                  : refuse(reader, "the header is broken");
}

/* --- lines */

static bool read_booking(const json_t *object, const struct id128 *turn_user,
                         struct audit_booking *booking) {
    const json_t *status = json_object_get(object, "status");
    const json_t *user = json_object_get(object, "user");
    *booking = (struct audit_booking){.user = *turn_user,
                                      .linked = json_is_true(json_object_get(object, "linked")),
                                      .status = BOOKING_PENDING};
    while (!is_text(status, booking_status_text(booking->status)))
        if (++booking->status > BOOKING_EXPIRED)
            return false;
    return read_time(json_object_get(object, "createdAt"), &booking->created_us) &&
           booking->created_us != 0 && (user == NULL || read_user(user, &booking->user));
}

static bool read_state(const json_t *value, enum turn_state *state) {
    if (json_is_null(value)) {
        *state = TURN_NONE;
        return true;
    }
    for (*state = TURN_WAITING; *state <= TURN_STATE_LAST; (*state)++)
        if (is_text(value, turn_state_text(*state)))
            return true;
    return false;
}

static bool read_number(struct reader *reader, struct audit_number *n) {
    const json_t *object = reader->object;
    const json_t *span = json_object_get(object, "span");
    const json_t *turn_user = json_object_get(object, "turnUser");
    const json_t *turn_joined = json_object_get(object, "turnJoinedAt");
    const json_t *bookings = json_object_get(object, "bookings");
    uint64_t span_no = 0;
    *n = (struct audit_number){.bookings = reader->bookings,
                               .booking_count = json_array_size(bookings),
                               .stored = !json_is_false(json_object_get(object, "stored"))};
    if (!read_whole(json_object_get(object, "number"), INT64_MAX, &n->number) ||
        !read_user(json_object_get(object, "user"), &n->joined) ||
        !read_time(json_object_get(object, "joinedAt"), &n->joined_us) ||
        !read_state(json_object_get(object, "state"), &n->state) ||
        !read_time(json_object_get(object, "calledAt"), &n->called_us) ||
        !read_time(json_object_get(object, "endedAt"), &n->ended_us) ||
        !read_time(json_object_get(object, "linkedAt"), &n->linked_us) ||
        (span != NULL && !read_whole(span, ROOM_SPANS_MAX, &span_no)) || !json_is_array(bookings) ||
        n->booking_count > AUDIT_BOOKINGS_MAX)
        return false;
    n->span = span != NULL ? (int64_t)span_no : -1;
    n->user = n->joined;
    n->turn_joined_us = n->joined_us;
    if ((turn_user != NULL && !read_user(turn_user, &n->user)) ||
        (turn_joined != NULL && !read_time(turn_joined, &n->turn_joined_us)))
        return false;
    for (size_t i = 0; i < n->booking_count; i++)
        if (!read_booking(json_array_get(bookings, i), &n->user, &reader->bookings[i]))
            return false;
    return true;
}

static enum status read_end(struct reader *reader) {
    uint64_t numbers, without_number;
    if (!read_whole(json_object_get(reader->object, "numbers"), INT64_MAX, &numbers) ||
        !read_whole(json_object_get(reader->object, "withoutNumber"), INT64_MAX, &without_number))
        return refuse(reader, "the last line is broken");
    audit_expect(reader->audit, numbers, without_number);
    reader->at_end = true;
    return STATUS_OK;
}

static enum status check_line(struct reader *reader) {
    static const struct id128 nobody;
    struct audit_number number;
    struct audit_booking booking;
    enum status status = read_line(reader);
    if (status != STATUS_OK)
        return status;
    if (json_is_true(json_object_get(reader->object, "end")))
        return read_end(reader);
    const json_t *without_number = json_object_get(reader->object, "withoutNumber");
    if (without_number != NULL) {
        if (!read_booking(without_number, &nobody, &booking))
            return refuse(reader, "the booking is broken");
        audit_add_without_number(reader->audit, &booking);
        return STATUS_OK;
    }
    if (!read_number(reader, &number))
        return refuse(reader, "the number is broken");
    status = audit_add(reader->audit, &number);
    if (status != STATUS_OK)
        (void)refuse(reader, status_text(status));
    return status;
}

static enum status check(struct reader *reader, struct audit_header *header) {
    enum status status = read_header(reader, header);
    if (status != STATUS_OK)
        return status;
    reader->audit = audit_create(&header->room);
    if (reader->audit == NULL)
        return STATUS_NO_MEMORY;
    while (status == STATUS_OK && !reader->at_end)
        status = check_line(reader);
    return status == STATUS_OK ? audit_finish(reader->audit) : status;
}

enum status audit_export_check(FILE *in, struct audit_header *header, struct audit **audit,
                               char error[AUDIT_ERROR_SIZE]) {
    struct reader reader = {.in = in,
                            .line = malloc(LINE_BYTES_MAX),
                            .bookings = calloc(AUDIT_BOOKINGS_MAX, sizeof *reader.bookings),
                            .error = error};
    enum status status = STATUS_NO_MEMORY;
    (void)snprintf(error, AUDIT_ERROR_SIZE, "%s", status_text(status));
    if (reader.line != NULL && reader.bookings != NULL)
        status = check(&reader, header);
    if (status != STATUS_OK) {
        audit_destroy(reader.audit);
        reader.audit = NULL;
    }
    *audit = reader.audit;
    json_decref(reader.object);
    free(reader.bookings);
    free(reader.line);
    return status;
}

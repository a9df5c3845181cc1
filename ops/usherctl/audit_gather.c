#include "ops/usherctl/audit_gather.h"

#include "ops/usherctl/audit_stream.h"
#include "shared/clock.h"

#include <inttypes.h>
#include <stdlib.h>

struct audit_gather {
    struct audit_tables *tables;
    struct audit_stream *stream; /* NULL: the room was never on */
    struct room_line line;
    uint64_t last_sequence; /* to be read */
    /* The next of each; NUMBER_NONE at the end. */
    uint64_t entry_number;
    struct audit_entry entry;
    uint64_t turn_number;
    struct audit_turn_row turn;
    uint64_t booking_number; /* those without come after */
    struct audit_booking_row booking;
    bool bookings_end;
    struct audit_booking bookings[AUDIT_BOOKINGS_MAX];
};

#define NUMBER_NONE UINT64_MAX

/* --- the next of each */

static enum status next_entry(struct audit_gather *gather, char error[AUDIT_ERROR_SIZE]) {
    enum status status = STATUS_NOT_FOUND;
    do {
        if (gather->stream != NULL)
            status =
                audit_stream_next(gather->stream, gather->last_sequence, &gather->entry, error);
        gather->entry_number = status == STATUS_OK
                                   ? room_line_number(&gather->line, gather->entry.sequence)
                                   : NUMBER_NONE;
    } while (gather->entry_number == 0); /* of a line that can't be: the audit says so */
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status next_turn(struct audit_gather *gather, char error[AUDIT_ERROR_SIZE]) {
    enum status status = audit_tables_turn(gather->tables, &gather->turn, error);
    gather->turn_number = status == STATUS_OK ? gather->turn.number : NUMBER_NONE;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status next_booking(struct audit_gather *gather, char error[AUDIT_ERROR_SIZE]) {
    enum status status = audit_tables_booking(gather->tables, &gather->booking, error);
    bool numbered = status == STATUS_OK && gather->booking.number != 0;
    gather->booking_number = numbered ? gather->booking.number : NUMBER_NONE;
    gather->bookings_end = status == STATUS_NOT_FOUND;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- beginning */

/* The spans that can be; the audit finds the others. */
static void make_line(struct audit_gather *gather, const struct audit_room *room) {
    for (uint32_t i = 0; i < room->span_count; i++)
        if (room_line_add(&gather->line, &room->spans[i].span) != STATUS_OK)
            return;
}

/* Is it the stream, and the run of NATS, that the newest span is of? */
static bool fits(const struct audit_gather *gather, struct audit_tables_room *room,
                 const struct audit_stream_state *state, char error[AUDIT_ERROR_SIZE]) {
    int64_t created_us;
    if (!time_from_text(room->created, &created_us) || created_us != state->created_us) {
        (void)snprintf(error, AUDIT_ERROR_SIZE,
                       "the stream is not the room's, which was made at %s; its owner has not seen "
                       "that yet",
                       room->created);
        return false;
    }
    if (room->server_id[0] != '\0' && strcmp(room->server_id, state->server_id) != 0)
        room->header.room.lost_above = room_line_number(&gather->line, state->last_sequence);
    return true;
}

static enum status look(struct audit_gather *gather, struct audit_stream_state *state,
                        char error[AUDIT_ERROR_SIZE]) {
    enum status status = audit_stream_look(gather->stream, state, error);
    if (status == STATUS_NOT_FOUND)
        (void)snprintf(error, AUDIT_ERROR_SIZE, "the waiting room's stream is gone");
    return status;
}

/* Begins at the stream's first entry; there may be none up to what the database knew. */
static enum status begin_stream(struct audit_gather *gather, const struct audit_tables_room *room,
                                const struct audit_stream_state *seen,
                                char error[AUDIT_ERROR_SIZE]) {
    struct audit_stream_state now;
    char subject[ROOM_SUBJECT_SIZE];
    uint64_t known = room_line_sequence(&gather->line, room->last_number);
    gather->last_sequence = known > seen->last_sequence ? known : seen->last_sequence;
    room_subject(subject, &room->installation, room->header.event_id, NULL);
    enum status status = look(gather, &now, error);
    if (status == STATUS_OK && now.messages > 0)
        return audit_stream_read(gather->stream, subject, error);
    audit_stream_close(gather->stream);
    gather->stream = NULL;
    return status;
}

/* The database's moment comes after the first look at the stream. */
static enum status begin_with_stream(struct audit_gather *gather, PGconn *connection,
                                     const char *nats_url, struct audit_tables_room *room,
                                     char error[AUDIT_ERROR_SIZE]) {
    char name[ROOM_STREAM_SIZE];
    struct audit_stream_state seen;
    uint64_t event_id = room->header.event_id;
    audit_tables_close(gather->tables);
    gather->tables = NULL;
    room_stream_name(name, &room->installation, event_id);
    gather->stream = audit_stream_open(nats_url, name, error);
    if (gather->stream == NULL || look(gather, &seen, error) != STATUS_OK)
        return STATUS_UNAVAILABLE;
    gather->tables = audit_tables_open(connection, event_id, room, error);
    if (gather->tables == NULL)
        return STATUS_UNAVAILABLE;
    make_line(gather, &room->header.room);
    return fits(gather, room, &seen, error) ? begin_stream(gather, room, &seen, error)
                                            : STATUS_CONFLICT;
}

struct audit_gather *audit_gather_begin(PGconn *connection, const char *nats_url, uint64_t event_id,
                                        struct audit_header *header, char error[AUDIT_ERROR_SIZE]) {
    struct audit_gather *gather = calloc(1, sizeof *gather);
    struct audit_tables_room room;
    ensure(gather != NULL);
    gather->tables = audit_tables_open(connection, event_id, &room, error);
    enum status status = gather->tables != NULL ? STATUS_OK : STATUS_UNAVAILABLE;
    if (status == STATUS_OK && room.header.room.span_count > 0)
        status = begin_with_stream(gather, connection, nats_url, &room, error);
    if (status == STATUS_OK)
        status = next_entry(gather, error);
    if (status == STATUS_OK)
        status = next_turn(gather, error);
    if (status == STATUS_OK)
        status = next_booking(gather, error);
    if (status == STATUS_OK) {
        *header = room.header;
        return gather;
    }
    audit_gather_end(gather);
    return NULL;
}

void audit_gather_end(struct audit_gather *gather) {
    if (gather == NULL)
        return;
    audit_stream_close(gather->stream);
    audit_tables_close(gather->tables);
    free(gather);
}

/* --- numbers */

static enum status take_entry(struct audit_gather *gather, struct audit_number *n,
                              char error[AUDIT_ERROR_SIZE]) {
    n->stored = true;
    n->joined = gather->entry.user;
    n->joined_us = gather->entry.stored_us;
    n->span = gather->entry.span;
    return next_entry(gather, error);
}

/* See audit.h on linked_us. */
static enum status find_link(struct audit_gather *gather, struct audit_number *n,
                             char error[AUDIT_ERROR_SIZE]) {
    const struct audit_turn_row *turn = &gather->turn;
    if (n->stored && !id128_equal(&n->joined, &n->user))
        return audit_tables_link(gather->tables, &n->joined, &n->user, &n->linked_us, error);
    if (!n->stored)
        n->linked_us = turn->account_since_us;
    if (n->linked_us == 0 && n->state == TURN_SKIPPED)
        n->linked_us = turn->guest_until_us;
    return STATUS_OK;
}

static enum status take_turn(struct audit_gather *gather, struct audit_number *n,
                             char error[AUDIT_ERROR_SIZE]) {
    const struct audit_turn_row *turn = &gather->turn;
    n->state = turn->state;
    n->user = turn->user;
    n->turn_joined_us = turn->joined_us;
    n->called_us = turn->called_us;
    n->ended_us = turn->ended_us;
    if (!n->stored) {
        n->joined = turn->user;
        n->joined_us = turn->joined_us;
    }
    enum status status = find_link(gather, n, error);
    return status == STATUS_OK ? next_turn(gather, error) : status;
}

static enum status take_bookings(struct audit_gather *gather, struct audit_number *n,
                                 char error[AUDIT_ERROR_SIZE]) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK && gather->booking_number == n->number) {
        if (n->booking_count == AUDIT_BOOKINGS_MAX) {
            (void)snprintf(error, AUDIT_ERROR_SIZE, "number %" PRIu64 " has more than %d bookings",
                           n->number, AUDIT_BOOKINGS_MAX);
            return STATUS_LIMIT;
        }
        gather->bookings[n->booking_count++] = gather->booking.booking;
        status = next_booking(gather, error);
    }
    return status;
}

static uint64_t lowest(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

enum status audit_gather_number(struct audit_gather *gather, struct audit_number *number,
                                char error[AUDIT_ERROR_SIZE]) {
    enum status status = STATUS_OK;
    *number = (struct audit_number){
        .number = lowest(gather->entry_number, lowest(gather->turn_number, gather->booking_number)),
        .span = -1,
        .bookings = gather->bookings};
    if (number->number == NUMBER_NONE)
        return STATUS_NOT_FOUND;
    if (gather->entry_number == number->number)
        status = take_entry(gather, number, error);
    if (status == STATUS_OK && gather->turn_number == number->number)
        status = take_turn(gather, number, error);
    return status == STATUS_OK ? take_bookings(gather, number, error) : status;
}

enum status audit_gather_without_number(struct audit_gather *gather, struct audit_booking *booking,
                                        char error[AUDIT_ERROR_SIZE]) {
    if (gather->bookings_end)
        return STATUS_NOT_FOUND;
    *booking = gather->booking.booking;
    return next_booking(gather, error);
}

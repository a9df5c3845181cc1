/*
 * wire: the messages between usher's processes, in bytes. The only module that encodes or decodes
 * them.
 *
 * A message is one *frame*: magic byte 0x75, version byte, type byte, number of records (32 bits,
 * little-endian), then the records. Integers in them are LEB128 varints (signed ones zigzag), as
 * short as possible, ids 16 raw bytes, texts a length and bytes: every value has one encoding. A
 * frame of several records is *packed*: the commands of one loop turn for one owner, the replies of
 * one batch to one gateway. Whatever does not decode completely and exactly is refused as a whole,
 * before anything of it is used: STATUS_VERSION for another version, STATUS_INVALID or
 * STATUS_TRUNCATED otherwise. Decoding allocates nothing: what is long (a patch, arrivals, a
 * snapshot's seats) stays inside the input.
 *
 * Subjects (all begin with "usher.<installation, 32 hex>."; see wire_subject_*):
 *
 *   worker.<instance>   COMMANDS    for the partitions a worker's instance owns
 *   gateway.<instance>  REPLIES     to a gateway
 *   owners              OWNERS      who owns what; on every change and once a second
 *   ask-owners          ASK_OWNERS  a gateway that has just started asks for the above
 *   seats               SEATS       seat changes, and once a second the versions of shows in use
 *   rooms               ROOMS       how rooms stand; on every change and once a second
 *   grants              GRANT       to one gateway of the queue group "door"
 *   people              PEOPLE      turns and bookings of single persons
 *   ask-people          ASK_PEOPLE  somebody listens to the above
 */
#ifndef USHER_SHARED_WIRE_H
#define USHER_SHARED_WIRE_H

#include "shared/booking.h"
#include "shared/partition.h"
#include "shared/status.h"

enum { WIRE_VERSION = 3, WIRE_FRAME_MAX_BYTES = 1000000, WIRE_SUBJECT_SIZE = 96 };

enum wire_type {
    WIRE_COMMANDS = 1,
    WIRE_REPLIES,
    WIRE_OWNERS,
    WIRE_ASK_OWNERS,
    WIRE_SEATS,
    WIRE_ROOMS,
    WIRE_GRANT,
    WIRE_PEOPLE,
    WIRE_ASK_PEOPLE,
};

/* Growing output, reused from frame to frame. Zero-initialised is empty; wire_buffer_free at the
 * end. `failed`: there was no memory for the head; nothing can be added until another frame is
 * begun. */
struct wire_buffer {
    uint8_t *data;
    size_t size_bytes;
    size_t capacity_bytes;
    uint32_t records;
    bool failed;
};

void wire_buffer_free(struct wire_buffer *buffer);

/* --- commands and replies */

/* Starts a frame that says who sends (the instance replies go to, for commands). Empties the
 * buffer. */
void wire_commands_begin(struct wire_buffer *buffer, uint64_t gateway_instance);
/* STATUS_LIMIT: it does not fit any more; the buffer is as before: send it, begin another.
 * STATUS_INVALID: a value is outside its documented range (nobody would accept the frame);
 * STATUS_NO_MEMORY. The buffer is as before. */
MUST_CHECK enum status wire_commands_add(struct wire_buffer *buffer, const struct command *command);
void wire_replies_begin(struct wire_buffer *buffer);
/* The same. A booking's amount must be the sum of its prices. */
MUST_CHECK enum status wire_replies_add(struct wire_buffer *buffer, const struct reply *reply);
/* The same, of a reply that was added before: the bytes that it took. */
MUST_CHECK enum status wire_replies_add_encoded(struct wire_buffer *buffer, const uint8_t *record,
                                                size_t size_bytes);

struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    uint32_t records_left;
};

/* Checks the head. The whole frame is walked once, so that wire_commands_next can't fail
 * afterwards. */
MUST_CHECK enum status wire_commands_open(struct wire_reader *reader, const void *data,
                                          size_t size_bytes, uint64_t *gateway_instance);
/* False at the end. `command->patch` and `arrivals` point into the input; the patch is
 * NUL-terminated there (the encoder writes the NUL, the decoder checks it). */
bool wire_commands_next(struct wire_reader *reader, struct command *command);
MUST_CHECK enum status wire_replies_open(struct wire_reader *reader, const void *data,
                                         size_t size_bytes);
/* `reply->packed_seats` points into the input. */
bool wire_replies_next(struct wire_reader *reader, struct reply *reply);

/* --- announcements */

struct wire_owner {
    uint32_t partition;
    uint64_t epoch;
};

struct wire_owners {
    uint64_t instance; /* the worker's; 0 never */
    bool leaving;      /* it gives up all it had; owners is empty */
    uint32_t count;
    struct wire_owner owners[PARTITION_COUNT]; /* all it owns now, in order of partition */
};

MUST_CHECK enum status wire_owners_encode(struct wire_buffer *buffer,
                                          const struct wire_owners *owners);
MUST_CHECK enum status wire_owners_decode(struct wire_owners *owners, const void *data,
                                          size_t size_bytes);
MUST_CHECK enum status wire_ask_owners_encode(struct wire_buffer *buffer);
MUST_CHECK enum status wire_ask_owners_decode(const void *data, size_t size_bytes);

/* --- seats */

/* One show's news: changes that lead from version `from` to `version`. With change_count 0 and from
 * == version it only announces the version. */
struct wire_seats {
    uint64_t event_id;
    uint32_t partition;
    uint64_t instance; /* the owner's random instance; another one means: fetch a snapshot */
    uint64_t epoch;    /* a lower one than known is dropped */
    uint64_t from;
    uint64_t version;
    uint32_t change_count;
};

struct wire_seat_change {
    uint32_t seat;
    enum seat_state state;
};

void wire_seats_begin(struct wire_buffer *buffer);
/* STATUS_LIMIT, STATUS_NO_MEMORY as above; aborts on values out of range: they are all the owner's
 * own. */
MUST_CHECK enum status wire_seats_add(struct wire_buffer *buffer, const struct wire_seats *head,
                                      const struct wire_seat_change *changes);
MUST_CHECK enum status wire_seats_open(struct wire_reader *reader, const void *data,
                                       size_t size_bytes);
/* Next show; then read exactly head->change_count changes with wire_seats_change. */
bool wire_seats_next(struct wire_reader *reader, struct wire_seats *head);
struct wire_seat_change wire_seats_change(struct wire_reader *reader);

/* --- rooms */

void wire_rooms_begin(struct wire_buffer *buffer);
/* A lower epoch than known is dropped by readers; from one owner they come in order. STATUS_LIMIT,
 * STATUS_NO_MEMORY as above; aborts on values out of range. */
MUST_CHECK enum status wire_rooms_add(struct wire_buffer *buffer, const struct room_state *room);
MUST_CHECK enum status wire_rooms_open(struct wire_reader *reader, const void *data,
                                       size_t size_bytes);
bool wire_rooms_next(struct wire_reader *reader, struct room_state *room);

/* One record a frame. The encoder aborts on values out of range, as wire_people_add does. */
MUST_CHECK enum status wire_grant_encode(struct wire_buffer *buffer,
                                         const struct room_grant *grant);
MUST_CHECK enum status wire_grant_decode(struct room_grant *grant, const void *data,
                                         size_t size_bytes);

/* --- people: news for single persons, published only while a gateway asks for them */

enum wire_person_kind { WIRE_PERSON_TURN = 1, WIRE_PERSON_BOOKING = 2 };
struct wire_person {
    enum wire_person_kind kind;
    uint64_t event_id;
    struct id128 user;
    /* TURN */
    uint64_t number;
    enum turn_state turn; /* not TURN_NONE */
    int64_t expires_us;   /* CALLED, PASS: as in turn_view; else 0 */
    /* BOOKING */
    struct id128 booking_id;
    enum booking_status status;
};

void wire_people_begin(struct wire_buffer *buffer);
MUST_CHECK enum status wire_people_add(struct wire_buffer *buffer,
                                       const struct wire_person *person);
MUST_CHECK enum status wire_people_open(struct wire_reader *reader, const void *data,
                                        size_t size_bytes);
bool wire_people_next(struct wire_reader *reader, struct wire_person *person);
/* A gateway has listeners; owners publish people's news for WIRE_ASK_PEOPLE_MS from then on. */
enum { WIRE_ASK_PEOPLE_MS = 10000 };
MUST_CHECK enum status wire_ask_people_encode(struct wire_buffer *buffer);
MUST_CHECK enum status wire_ask_people_decode(const void *data, size_t size_bytes);

/* --- subjects */

void wire_subject_worker(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation,
                         uint64_t instance);
void wire_subject_gateway(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation,
                          uint64_t instance);
void wire_subject_owners(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation);
void wire_subject_ask_owners(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation);
void wire_subject_seats(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation);
void wire_subject_rooms(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation);
void wire_subject_grants(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation);
void wire_subject_people(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation);
void wire_subject_ask_people(char subject[WIRE_SUBJECT_SIZE], const struct id128 *installation);

#endif

/*
 * booking: the plain words of the booking path, used by engine, worker, gateway and wire alike. No
 * I/O.
 *
 * A *command* is what is asked, a *change* is what the engine decided (worker/engine/show.h), a
 * *reply* is what is answered. In C the thing that is sold is a *show*; to people and in the
 * database it is an *event*.
 *
 * Seats are numbers: position in the layout's order, 0 … seat_count - 1. Their names ("103-F-12")
 * live in the layout, which gateways know. Money is in minor units. Times are microseconds since
 * 1970 UTC by PostgreSQL's clock; deadlines are in the partition's *served time* (milliseconds,
 * worker/served_time.h).
 */
#ifndef USHER_SHARED_BOOKING_H
#define USHER_SHARED_BOOKING_H

#include "shared/base.h"
#include "shared/room.h"

enum {
    BOOKING_SEATS_MAX = 10, /* seats in one booking, by id and by section together */
    BOOKING_ITEMS_MAX = 10, /* general admission lines in one request */
    SHOW_SEATS_MAX = 200000,
    SHOW_SECTIONS_MAX = 1000,
    PRICE_CATEGORIES_MAX = 64,
    CURRENCY_SIZE = 4,       /* ISO 4217 and NUL */
    PAYMENT_TOKEN_SIZE = 65, /* 64 bytes and NUL */
    CONTACT_SIZE = 255,      /* 254 bytes (RFC 5321, 4.5.3.1.3) and NUL */
    TRACE_SIZE = 65,         /* X-Request-Id: 64 bytes and NUL */
    EVENT_PATCH_MAX_BYTES = 65536,
};

enum seat_state { SEAT_AVAILABLE = 0, SEAT_HELD = 1, SEAT_BOOKED = 2, SEAT_BLOCKED = 3 };

/* Stored with the event: never renumber. */
enum show_state {
    SHOW_DRAFT = 0,
    SHOW_OPEN = 1,
    SHOW_PAUSED = 2,
    SHOW_SALE_ENDED = 3,
    SHOW_CANCELLED = 4
};

/* The numbers are stored in the database and sent on the wire: never renumber. */
enum booking_status {
    BOOKING_NONE = 0,
    BOOKING_PENDING = 1,
    BOOKING_CONFIRMED = 2,
    BOOKING_CANCELLED = 3,
    BOOKING_EXPIRED = 4,
};

struct booking {
    struct id128 id;
    struct id128 user;
    uint64_t event_id;
    uint64_t body_hash;    /* of the reserve request that made it */
    uint64_t queue_number; /* of the turn it was made with; 0: no room was on. Not on the wire */
    enum booking_status status;
    uint32_t seat_count; /* 1 … BOOKING_SEATS_MAX */
    uint32_t seats[BOOKING_SEATS_MAX];
    int64_t prices[BOOKING_SEATS_MAX]; /* of each seat when it was held */
    int64_t amount;                    /* their sum */
    char currency[CURRENCY_SIZE];
    int64_t created_us;
    int64_t deadline_served_ms; /* of the hold */
    int64_t expires_us;         /* forecast of that deadline; never later than the truth */
};

/* Sent on the wire: never renumber. */
enum command_kind {
    COMMAND_RESERVE = 1,
    COMMAND_CONFIRM = 2,
    COMMAND_CANCEL = 3,
    COMMAND_SNAPSHOT = 4,     /* the seat map, packed */
    COMMAND_UPDATE_EVENT = 5, /* PATCH /admin/events/{id} */
    COMMAND_TRANSFER = 6,     /* a booking of `user` becomes `new_user`'s */
    /* The waiting room (worker/engine/room.h). */
    COMMAND_ROOM_LOOK = 7,    /* what has become of `user`'s `queue_number` */
    COMMAND_ROOM_CLAIM = 8,   /* a pass for `user`'s turn `queue_number` */
    COMMAND_ROOM_LEAVE = 9,   /* `user` gives `queue_number` up, whatever it is now */
    COMMAND_ROOM_ISSUE = 10,  /* numbers as high as `queue_number` are about to be answered, of
                                 span `span` and none older any more */
    COMMAND_ROOM_REPORT = 11, /* who was read from the stream: `arrivals`, from `queue_number` on */
    COMMAND_ROOM_MOVE = 12,   /* `user`'s `queue_number` becomes `new_user`'s */
    COMMAND_ROOM_VOUCH = 13,  /* the owner's own, never on the wire: a stream was looked at */
};
#define COMMAND_KIND_LAST COMMAND_ROOM_VOUCH

struct command_item {
    uint32_t section; /* position in the layout */
    uint32_t quantity;
};

struct command {
    enum command_kind kind;
    struct id128 request_id; /* a repeat carries the same one */
    int64_t deadline_us;     /* database time; not decided past it */
    char
        trace[TRACE_SIZE]; /* the caller's own request id; "" when request_id's text is the trace */
    uint64_t event_id;
    uint32_t partition;
    uint64_t epoch; /* the owner's, as the sender knows it; only that epoch decides */
    struct id128 user;
    bool guest;
    struct id128 booking_id; /* reserve, confirm, cancel, transfer */
    struct id128 new_user;   /* transfer */
    uint64_t body_hash;      /* reserve */
    uint32_t seat_count;     /* reserve: distinct, 0 … BOOKING_SEATS_MAX */
    uint32_t seats[BOOKING_SEATS_MAX];
    uint32_t item_count; /* reserve: distinct sections */
    struct command_item items[BOOKING_ITEMS_MAX];
    char payment_token[PAYMENT_TOKEN_SIZE]; /* confirm; "" when none */
    char contact_name[CONTACT_SIZE];        /* confirm; "" when none */
    char contact_email[CONTACT_SIZE];
    const char *patch; /* update-event: JSON text, belongs to whoever made the command; else NULL */
    /* Reserve: what pass came with it. PASS_GOOD: signed by us, for this event and user, of turn
     * `queue_number`. */
    enum { PASS_NONE = 0, PASS_BAD = 1, PASS_GOOD = 2 } pass;
    uint64_t queue_number;
    char server_id[ROOM_SERVER_ID_SIZE]; /* report, vouch: which run of NATS; "" with replicas */
    char created[ROOM_CREATED_SIZE];     /* report, vouch: which stream */
    uint64_t sequence;                   /* vouch: the stream's last one */
    uint32_t span;                       /* issue: position in the line */
    uint64_t answered;       /* issue: no higher number was answered by this gateway so far */
    uint64_t gateway;        /* the instance of who asks, as the frame says; 0: the owner itself */
    uint32_t arrival_count;  /* report: 1 … ROOM_REPORT_MAX */
    const uint8_t *arrivals; /* ROOM_ARRIVAL_BYTES each; belongs to whoever made the command */
};

/* What the owner answers. Sent on the wire: never renumber. The gateway's table
 * (gateway/booking_call.c) turns each into a status and a problem code. */
enum reply_code {
    REPLY_OK = 0,           /* done, or done before (`replayed`): `booking` is its current state */
    REPLY_SEAT_TAKEN = 1,   /* `seats`: which of those asked for; for general admission: none */
    REPLY_SEAT_LIMIT = 2,   /* `limit` */
    REPLY_NOT_ON_SALE = 3,  /* `on_sale_us`: when it will be, 0 when not known */
    REPLY_KEY_REUSED = 4,   /* same booking id, another body */
    REPLY_NOT_FOUND = 5,    /* no such event or booking, or somebody else's */
    REPLY_NOT_PENDING = 6,  /* `booking`: what it is instead */
    REPLY_HOLD_EXPIRED = 7, /* `booking` */
    REPLY_PAYMENT_DECLINED = 8, /* `booking`: the hold stays */
    REPLY_PAYMENT_INVALID = 9,  /* a token is missing or unknown */
    REPLY_CONFLICT = 10,        /* e.g. cancelling what is confirmed */
    REPLY_GUESTS_NOT_ALLOWED = 11,
    REPLY_UNKNOWN_SEAT = 12,  /* a number outside the layout */
    REPLY_OVERLOADED = 13,    /* a limit of the owner; nothing changed; repeat later */
    REPLY_INTERNAL = 14,      /* the database refuses this one command every time */
    REPLY_INVALID = 15,       /* what a gateway should have refused */
    REPLY_WRONG_EPOCH = 16,   /* not decided: addressed to an epoch this worker does not own. Not an
                                 answer  to a customer; the gateway addresses the command again */
    REPLY_PASS_REQUIRED = 17, /* the room is on and no pass came */
    REPLY_BAD_PASS = 18,      /* not the user's, over, used, or the room is shut */
    REPLY_PASS_BUSY = 19,     /* the pass has a hold open: one booking at a time */
    REPLY_ROOM_CLOSED = 20,
    REPLY_NOT_YOUR_TURN = 21, /* `turn` */
    REPLY_TURN_MISSED = 22,   /* it has ended: `turn` */
    REPLY_BAD_NUMBER = 23,    /* not this user's, or never given */
    REPLY_CODE_COUNT
};

/* What an owner says of somebody's number. */
struct turn_view {
    enum turn_state state; /* TURN_NONE: waiting */
    uint64_t number;
    int64_t expires_us; /* CALLED, PASS: forecast, never later than the truth */
    uint64_t now_serving;
};

struct reply {
    struct id128 request_id;
    uint32_t partition;
    uint64_t epoch;
    enum reply_code code;
    bool replayed;
    bool has_booking;
    struct booking booking;
    uint32_t seat_count; /* REPLY_SEAT_TAKEN */
    uint32_t seats[BOOKING_SEATS_MAX];
    uint32_t limit;     /* REPLY_SEAT_LIMIT */
    int64_t on_sale_us; /* REPLY_NOT_ON_SALE */
    bool has_turn;
    struct turn_view turn; /* of room commands, unless refused as ROOM_CLOSED or BAD_NUMBER */
    /* COMMAND_SNAPSHOT, REPLY_OK: two bits a seat, seat 0 in the lowest bits of the first byte. */
    uint64_t instance;
    uint64_t seats_version;
    uint32_t packed_seat_count; /* 0: this is no snapshot */
    const uint8_t
        *packed_seats; /* (packed_seat_count + 3) / 4 bytes; belongs to whoever made the reply */
};

/* Names as in the API: "AVAILABLE" …, "PENDING" …; aborts on values out of range. */
const char *seat_state_text(enum seat_state state);
const char *booking_status_text(enum booking_status status);
const char *command_kind_text(enum command_kind kind);
const char *reply_code_text(enum reply_code code);

static inline size_t packed_seats_bytes(uint32_t seat_count) {
    return ((size_t)seat_count + 3) / 4;
}

static inline enum seat_state packed_seats_get(const uint8_t *packed, uint32_t seat) {
    return (enum seat_state)((packed[seat / 4] >> (seat % 4 * 2)) & 3);
}

static inline void packed_seats_set(uint8_t *packed, uint32_t seat, enum seat_state state) {
    unsigned shift = seat % 4 * 2;
    packed[seat / 4] = (uint8_t)((packed[seat / 4] & ~(3u << shift)) | ((unsigned)state << shift));
}

#endif

/*
 * room: the plain words of the waiting room, used by engine, worker, gateway and tools alike: its
 * settings, its phase, and the arithmetic of numbers. Pure; thread-safe.
 *
 * Everybody who joins gets a *number*, in the order in which JetStream stored the joins. Numbers
 * count on over everything that may happen to the stream. A stream's sequences are not enough for
 * that: NATS acknowledges before it syncs, so a power cut can take the last joins away, and the
 * next ones get the same sequences; and a stream can be deleted. Therefore a *span* begins whenever
 * the server has been started anew or the stream is another one; the owner gives each span its
 * first number, above every number that may have been answered before (`issued_to`), and commits
 * that before anybody is answered a number of the span. The *line* is the list of spans.
 *
 *   span 0    sequences 1 … 90 (10 were lost)   numbers   1 …  90
 *             lost, maybe answered                        91 … 1100      the gap: roll call
 *   span 1    sequences 91 … (first again)       numbers 1101 …
 *
 * A later loss may go back behind where an earlier span began; that one is then all gap, and so is
 * every span of a stream that is gone: the sequences of the newest stream belong to the newest span
 * that begins at or below them.
 *
 * Numbers of a gap exist only in the hands of people who were answered them. Whoever shows such a
 * queue token is admitted after the numbers below and before the span above.
 */
#ifndef USHER_SHARED_ROOM_H
#define USHER_SHARED_ROOM_H

#include "shared/base.h"
#include "shared/status.h"

enum {
    ROOM_SPANS_MAX = 128,
    ROOM_MESSAGE_SIZE = 501,  /* 500 bytes and NUL */
    ROOM_SERVER_ID_SIZE = 64, /* and NUL; nats-server's are 56 */
    ROOM_CREATED_SIZE = 40,
    ROOM_ARRIVAL_BYTES = 24,
    ROOM_REPORT_MAX = 1000,          /* people in one report */
    ROOM_PEOPLE_MAX = 1000000,       /* admitted a minute, shopping at a time */
    ROOM_SECONDS_MAX = 24 * 60 * 60, /* of a turn, of a pass */
};
#define ROOM_NUMBER_MAX ((uint64_t)INT64_MAX) /* also of sequences: they are stored as bigint */

/* --- settings: usher.event.room */

/* Sent on the wire: never renumber (also below). */
enum room_mode {
    ROOM_MODE_OFF = 0,
    ROOM_MODE_OPEN = 1,
    ROOM_MODE_PAUSED = 2,
    ROOM_MODE_CLOSED = 3
};

struct room_settings {
    enum room_mode mode;
    int64_t open_us;            /* nobody can join before; 0: at once */
    uint32_t admits_per_minute; /* 1 … ROOM_PEOPLE_MAX */
    uint32_t max_shoppers;      /* people with a turn or a pass at a time; as many */
    int64_t claim_ms;           /* how long a turn waits for its person: 1 … ROOM_SECONDS_MAX s */
    int64_t pass_ms;            /* how long a pass lets buy; as long */
    char message[ROOM_MESSAGE_SIZE]; /* what the room is told; "" nothing */
};

void room_settings_default(struct room_settings *settings);
/* Applies what a JSON object of room settings names; the rest stays. So stored settings are the
 * defaults with usher.event.room applied, and a PATCH is applied to those. STATUS_INVALID: not by
 * the API's rules; nothing is changed. Not part of usher_plain. */
MUST_CHECK enum status room_settings_apply(struct room_settings *settings, const char *json);

/* --- phase */

enum room_phase {
    ROOM_OFF = 0,      /* no room: no pass is needed */
    ROOM_PREQUEUE = 1, /* people join, the door is shut until the sale begins */
    ROOM_OPEN = 2,     /* people are admitted in order */
    ROOM_PAUSED = 3,   /* people join; who was admitted goes on; the door is shut */
    ROOM_WAITLIST = 4, /* nothing is free or held: people join, the door is shut */
    ROOM_CLOSED = 5,   /* nobody joins, nobody buys */
};
const char *room_phase_text(enum room_phase phase); /* as in the API: "OFF", "PREQUEUE" … */
const char *room_mode_text(enum room_mode mode);    /* "off" … */

/* What of the event decides the phase. */
struct room_sale {
    uint32_t state;      /* enum show_state */
    int64_t on_sale_us;  /* 0: at once */
    int64_t sale_end_us; /* 0: never */
    bool sold_out;       /* nothing is free, nothing held */
};

/*
 * The first that applies: OFF (mode off); CLOSED (mode closed; the event is a draft, its sale has
 * ended or it is cancelled; before `open_us`); PREQUEUE (before the sale); WAITLIST (sold out);
 * PAUSED (mode or event paused); OPEN. Everybody computes it from the owner's news and the
 * database's clock: doors open by themselves.
 */
enum room_phase room_phase_of(const struct room_settings *settings, const struct room_sale *sale,
                              int64_t now_us);
static inline bool room_phase_joins(enum room_phase phase) {
    return phase != ROOM_OFF && phase != ROOM_CLOSED;
}

/* --- the line */

struct room_span {
    uint64_t first_number; /* of first_sequence */
    uint64_t first_sequence;
    uint32_t
        stream; /* which stream it lies in: counts up from 0 when another one takes its place */
};

struct room_line {
    uint32_t count;
    struct room_span spans[ROOM_SPANS_MAX];
};

/* Which span has to begin now that a look at the stream (the newest span's, or another one) gave
 * `last_sequence`: its first number is above `issued_to`, above the number of every entry that is
 * still there though nobody was answered it yet, and above where the newest span begins. In another
 * stream it begins at sequence 1: what was stored before anybody vouched needs a number too. */
struct room_span room_line_begin(const struct room_line *line, uint64_t issued_to,
                                 uint64_t last_sequence, bool same_stream);
/* STATUS_INVALID: no room_line_begin gave this: its numbers are not above those before it, or its
 * stream is neither the newest nor the next. STATUS_LIMIT past ROOM_SPANS_MAX. The line is as
 * before. */
MUST_CHECK enum status room_line_add(struct room_line *line, const struct room_span *span);

/* The number of a sequence of the newest stream; 0: no span holds it. */
uint64_t room_line_number(const struct room_line *line, uint64_t sequence);
/* The sequence of a number that can still be read; 0: it is in a gap, or in a stream that is gone.
 */
uint64_t room_line_sequence(const struct room_line *line, uint64_t number);

/* What comes after `number`: a whole gap, or what can be read of one span. */
struct room_stretch {
    uint64_t first; /* number + 1 */
    uint64_t last;  /* UINT64_MAX: open-ended, the newest span */
    bool gap;       /* to be called by roll; else to be read from first_sequence on */
    uint64_t first_sequence;
};
/* False when the line has no span yet. */
MUST_CHECK bool room_line_after(const struct room_line *line, uint64_t number,
                                struct room_stretch *stretch);

/* How many numbers are before `number` and after `now_serving`, the highest admitted; those of gaps
 * are not counted. So it never grows while spans are added and people admitted. 0: it is next, or
 * has been called. */
uint64_t room_line_position(const struct room_line *line, uint64_t now_serving, uint64_t number);

struct room_gap {
    uint64_t first;
    uint64_t last;
};
/* The gaps above `now_serving`, the first one cut to begin after it. Returns how many. */
size_t room_line_gaps(const struct room_line *line, uint64_t now_serving,
                      struct room_gap gaps[ROOM_SPANS_MAX]);

/* --- turns */

/* Stored in the database as well: never renumber. */
enum turn_state {
    TURN_NONE = 0,
    TURN_WAITING = 1, /* known to the owner before it is called: it was moved to another account,
                         or shown at a roll call */
    TURN_CALLED = 2,  /* in its claim window */
    TURN_PASS = 3,
    TURN_BOUGHT = 4, /* these and the rest: ended */
    TURN_MISSED = 5, /* not claimed in time */
    TURN_LEFT = 6,   /* given up, maybe before it was called */
    TURN_OVER = 7,   /* the pass ran out */
    TURN_SKIPPED = 8 /* its person had a turn already */
};
#define TURN_STATE_LAST TURN_SKIPPED
const char *turn_state_text(enum turn_state state); /* "WAITING" … */
static inline bool turn_state_is_live(enum turn_state state) {
    return state == TURN_CALLED || state == TURN_PASS;
}
static inline bool turn_state_is_ended(enum turn_state state) {
    return state >= TURN_BOUGHT;
}

/* Somebody read from the stream: user (16 bytes), when it was stored (8, µs, little-endian). */
struct room_arrival {
    struct id128 user;
    int64_t joined_us;
};
void room_arrival_put(uint8_t bytes[ROOM_ARRIVAL_BYTES], const struct room_arrival *arrival);
struct room_arrival room_arrival_get(const uint8_t bytes[ROOM_ARRIVAL_BYTES]);

/* --- between owner and gateways */

/* How a room stands, as its owner committed it: always the whole of it. What gateways serve. A
 * lower epoch than known is dropped; from one owner they come in order. */
struct room_state {
    uint64_t event_id;
    uint32_t partition;
    uint64_t instance; /* the owner's */
    uint64_t epoch;
    struct room_settings settings;
    struct room_sale sale;
    /* Which run of NATS and which stream the newest span was vouched for: only over a connection to
     * that run may numbers be asked for. server_id "": any run (replicas). created "": the room has
     * no stream yet. */
    char server_id[ROOM_SERVER_ID_SIZE];
    char created[ROOM_CREATED_SIZE];
    struct room_line line;
    uint64_t now_serving; /* admitted up to */
    uint64_t issued_to;   /* numbers up to it may be answered */
    uint64_t last_number; /* the highest there is, when the owner last looked */
    /* As seen by the owner; 0: not known yet. */
    uint32_t admits_per_hour; /* in the last minute, called people; what forecasts are made of */
    uint32_t joins_per_minute;
    uint32_t oldest_wait_seconds; /* of who is next */
    uint32_t called;              /* turns in their claim window */
    uint32_t passes;
    uint64_t claimed; /* since the room began: turns that became passes, … */
    uint64_t missed;
    uint64_t left;
    uint64_t bought;
    int64_t updated_us;
};

/* Whether the newest span was vouched for on the run of NATS with this id ("": not connected): only
 * then sequences that come over that connection are numbers, if the stream is the `created` one. */
static inline bool room_state_is_of_run(const struct room_state *state, const char *server_id) {
    return state->line.count > 0 && state->created[0] != '\0' && server_id[0] != '\0' &&
           (state->server_id[0] == '\0' || strcmp(state->server_id, server_id) == 0);
}

/* "Admit up to": whoever of the gateways hears it reads the stream from `from_sequence` on and
 * reports (COMMAND_ROOM_REPORT) who is there. Repeated until it is reported; absolute, so that a
 * lost, doubled or late one changes nothing. */
struct room_grant {
    uint64_t event_id;
    uint32_t partition;
    uint64_t epoch;
    char server_id[ROOM_SERVER_ID_SIZE]; /* read only over this run; "": any */
    char created[ROOM_CREATED_SIZE];     /* and only from this stream */
    uint64_t from_number;
    uint64_t from_sequence;
    uint32_t count; /* 1 … ROOM_REPORT_MAX */
};

/* --- names in JetStream */

enum { ROOM_STREAM_SIZE = 80, ROOM_SUBJECT_SIZE = 128 };
/* "USHER_<installation>_<event>" */
void room_stream_name(char name[ROOM_STREAM_SIZE], const struct id128 *installation,
                      uint64_t event_id);
/* "usher.<installation>.room.<event>.<user>"; `user` NULL: "*", all of them. */
void room_subject(char subject[ROOM_SUBJECT_SIZE], const struct id128 *installation,
                  uint64_t event_id, const struct id128 *user);
/* The user of such a subject. STATUS_INVALID. */
MUST_CHECK enum status room_subject_user(const char *subject, struct id128 *user);

#endif

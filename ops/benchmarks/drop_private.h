/*
 * drop_private: what a drop is made of, for its own files.
 *
 * drop.c         the run: who comes when, the agenda, the crowd's pollers, the end
 * drop_acts.c    requests and the answers that are allowed
 * drop_people.c  what people do next
 * drop_watch.c   those who watch by WebSocket
 * drop_seats.c   the seats as the crowd sees them, and which of them somebody wants
 */
#ifndef USHER_OPS_BENCHMARKS_DROP_PRIVATE_H
#define USHER_OPS_BENCHMARKS_DROP_PRIVATE_H

#include "ops/benchmarks/drop.h"
#include "shared/ids.h"

#include <jansson.h>

enum {
    DROP_WANTED_MAX = 4,
    DROP_TRIES_MAX = 20, /* to get some seats; past it the pass is given back */
    DROP_NOBODY = UINT32_MAX,
    DROP_NUMBERS_EACH = 3, /* numbers are at most so many times people */
};

/* What becomes of an answer; see drop_expected. */
enum drop_outcome {
    OUTCOME_DONE,
    OUTCOME_AGAIN, /* the same request, later */
    OUTCOME_TAKEN,
    OUTCOME_NO_TURN, /* it is missed, or nobody is called any more */
    OUTCOME_OVER,    /* the pass or the hold */
    OUTCOME_WRONG,
};

struct drop_expectation {
    enum drop_act act;
    int status;
    const char *code; /* of a problem; NULL: none */
    enum drop_outcome outcome;
};
/* Ends with a status of 0. */
extern const struct drop_expectation drop_expected[];
const char *drop_act_text(enum drop_act act);

enum queueing { QUEUES, QUEUES_AND_LOOKS, QUEUES_AND_WATCHES, LEAVES, LEAVES_AND_RETURNS };
enum buying {
    BUYS,
    STAYS_AWAY,
    COMES_LATE,
    GIVES_BACK,
    LETS_PASS_RUN_OUT,
    LETS_HOLD_RUN_OUT,
    CHANGES_MIND,
    PAYS_BADLY_FIRST,
};

/* Of somebody who has a pass. */
struct purchase {
    char *pass;
    char key[UUID_TEXT_SIZE];
    char booking[BOOKING_ID_TEXT_SIZE]; /* "": none */
    uint32_t tries;
    uint32_t seat_count;
    uint32_t seats[DROP_WANTED_MAX]; /* asked for, then held */
};

/* At any time in one place: in the agenda, among those who are due, asking, waiting to be called,
 * or done. */
struct person {
    uint32_t next; /* in the agenda or among those who are due */
    uint8_t act;   /* what they do next, or have asked: enum drop_act */
    uint8_t queueing;
    uint8_t buying;
    uint8_t wanted;
    bool joins_twice;
    bool joined;      /* once */
    bool asked_again; /* what they ask was answered 503 before */
    bool waiting;     /* to be called by what the crowd sees */
    bool shops;       /* counted in `shoppers` */
    uint64_t number;
    uint32_t connection; /* that they asked on */
    uint64_t floor;      /* the highest number that anybody had been answered when they asked */
    int64_t due_us;      /* when the act was meant to be done; monotonic */
    char *queue_token;
    struct purchase *purchase;
};

struct drop {
    const struct drop_plan *plan;
    struct drop_result *result;
    struct client *client;
    uint64_t chance;
    int64_t began_us; /* the first who comes; monotonic */
    int64_t sale_us;  /* monotonic */

    uint32_t person_count; /* and the crowd's two pollers behind them */
    struct person *people;
    struct watcher *watchers;
    uint32_t asking[CLIENT_CONNECTIONS_MAX]; /* the person, by connection */
    uint64_t seen[CLIENT_CONNECTIONS_MAX];   /* how far the door had gone: one gateway's view */

    /* The agenda: who is to do something, a list for each millisecond since began_us. */
    uint32_t *slots;
    int64_t slot_count;
    int64_t slot; /* the next one that is not due yet */
    uint32_t due_first;
    uint32_t due_last;

    /* What the crowd sees. */
    bool sold_out;
    uint64_t now_serving;
    char *map; /* a letter a seat */

    /* What was answered. */
    uint32_t *by_number; /* the person; DROP_NOBODY: nobody was answered it */
    uint64_t number_limit;
    uint64_t highest;
    uint32_t shoppers; /* people who were called and are not done */
    bool *paid;        /* by seat */
    bool told;         /* the first wrong answer */
};

struct drop_room {
    uint64_t now_serving;
    bool sold_out;
};

/* --- drop.c */

/* Everybody is away, and nothing is known; the client may be NULL while nothing is asked. */
struct drop *drop_open(const struct drop_plan *plan, struct drop_result *result,
                       struct client *client);
void drop_close(struct drop *drop);
/* What was told of the room to somebody who asked; NULL, or what is wrong with it. */
const char *drop_see_room(struct drop *drop, const struct person *person, json_t *document,
                          struct drop_room *room);

/* They do it `part` thousandths of the joining time from now, give or take a half by chance. */
void drop_plan_act(struct drop *drop, struct person *person, enum drop_act act, int64_t part);
/* The answer to what they have asked: judged, and what comes of it done. */
void drop_take(struct drop *drop, struct person *person, const struct answer *answer);
uint64_t drop_chance(struct drop *drop, uint64_t below);
void drop_wrong(struct drop *drop, const struct person *person, const struct answer *answer,
                const char *why);

/* --- drop_acts.c */

size_t drop_write_request(const struct drop *drop, const struct person *person, char *request);
/* Counts it, too. `document` is its JSON, NULL when it has none. */
enum drop_outcome drop_judge(struct drop *drop, const struct person *person,
                             const struct answer *answer, const json_t *document);

/* --- drop_people.c */

void drop_person_init(struct drop *drop, struct person *person);
void drop_person_clear(struct person *person);
/* What became of what they asked. */
void drop_person_answered(struct drop *drop, struct person *person, enum drop_outcome outcome,
                          const struct answer *answer, json_t *document);
/* Until the crowd sees that it is their turn. */
void drop_person_wait(struct drop *drop, struct person *person);
/* It is their turn. */
void drop_person_called(struct drop *drop, struct person *person);
/* Before they ask; false: they let it be. */
bool drop_person_prepare(struct drop *drop, struct person *person);

/* --- drop_watch.c */

/* They open a WebSocket, which lasts until drop_watch_end, and learn there when it is their turn.
 */
void drop_watch(struct drop *drop, struct person *person);
void drop_watch_end(struct drop *drop);

/* --- drop_seats.c */

/* The answer to DROP_MAP; NULL, or what is wrong with it. */
const char *drop_seats_take(struct drop *drop, json_t *document);
/* Puts what they would like into the purchase, neighbours where there are some; false: nothing is
 * free. */
bool drop_seats_choose(struct drop *drop, uint32_t wanted, struct purchase *purchase);
/* The answer names those that are taken. */
void drop_seats_taken(struct drop *drop, const struct purchase *purchase, json_t *document);
/* Whether the answer is this booking. */
bool drop_seats_are(const struct drop *drop, const struct purchase *purchase,
                    const json_t *document);

#endif

/*
 * room_model: what a room must do, said as plainly as possible: one array of all turns that ever
 * were, one of all spans, linear scans, nothing forgotten. It shares no code with the engine but
 * the plain words and the phase. How many may be called is not its matter: it is told.
 */
#ifndef USHER_TESTS_SIM_ROOM_MODEL_H
#define USHER_TESTS_SIM_ROOM_MODEL_H

#include "worker/engine/room.h"

enum {
    MODEL_WORDS_MAX = 512,
    MODEL_TURNS_MAX = 640,
    MODEL_HOLDS_MAX = 160,
    MODEL_VOUCHES_MAX = ROOM_SPANS_MAX + 1
};

/* A booking as far as the room is concerned. */
struct model_hold {
    struct id128 id;
    struct id128 user;
    uint64_t number;
    enum booking_status status;
};

/* What a gateway said when it came to a span. */
struct model_word {
    uint64_t gateway;
    uint32_t span;
    uint64_t answered;
};

struct room_model {
    size_t waiting_limit;
    struct room_settings settings;
    struct room_record record;
    uint64_t roll_last; /* the end of the gap that the door stands before, and since when */
    int64_t roll_since_ms;
    uint32_t heard_from; /* every word about spans from here on was heard; UINT32_MAX: none yet */
    uint32_t word_count;
    struct model_word words[MODEL_WORDS_MAX];
    uint32_t vouch_count;
    struct room_vouch vouches[MODEL_VOUCHES_MAX];
    uint32_t hold_count;
    struct model_hold holds[MODEL_HOLDS_MAX];
    uint32_t turn_count;
    struct turn turns[MODEL_TURNS_MAX];
};

void room_model_copy(struct room_model *to, const struct room_model *from);

/* Decides and does it; `allowance` more may be called, `issued_to` is where the engine goes when
 * numbers have to be issued. False: called more than may shop. */
MUST_CHECK bool room_model_decide(struct room_model *model, const struct command *command,
                                  const struct room_facts *facts, const struct show_time *time,
                                  uint32_t allowance, uint64_t issued_to, struct reply *reply);
enum reply_code room_model_check_pass(const struct room_model *model, const struct command *reserve,
                                      const struct room_facts *facts, const struct show_time *time);
void room_model_follow(struct room_model *model, const struct model_hold *hold,
                       enum booking_status before, const struct show_time *time);
MUST_CHECK bool room_model_sweep(struct room_model *model, const struct room_facts *facts,
                                 const struct show_time *time, uint32_t allowance);

/* The room is in memory anew. */
void room_model_load(struct room_model *model);

/* NULL when there is none. */
const struct turn *room_model_find(const struct room_model *model, uint64_t number);
/* Of the newest stream; 0: it can't be read there (any more). */
uint64_t room_model_sequence(const struct room_model *model, uint64_t number);
bool room_model_in_gap(const struct room_model *model, uint64_t number);
/* Somebody of a gap that was passed waits to be called. */
bool room_model_has_late(const struct room_model *model);
uint32_t room_model_live(const struct room_model *model);
uint32_t room_model_without_hold(const struct room_model *model);
/* Must the engine have this turn in memory? */
bool room_model_remembers(const struct room_model *model, const struct turn *turn);
int64_t room_model_next_deadline(const struct room_model *model);

#endif

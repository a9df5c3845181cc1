/*
 * room_model_turns: the numbers and turns of a room_model, for its own files.
 */
#ifndef USHER_TESTS_SIM_ROOM_MODEL_TURNS_H
#define USHER_TESTS_SIM_ROOM_MODEL_TURNS_H

#include "tests/sim/room_model.h"

/* The span that gave the number; -1: none. */
int model_span_of(const struct room_model *model, uint64_t number);
/* The vouch after which the number, which a span gave, could not be read any more; -1: it can be.
 */
int model_lost_at(const struct room_model *model, uint64_t number);
/* The door passes numbers up to this one. */
void model_admit_to(struct room_model *model, uint64_t number);

/* NULL when there is none. */
struct turn *model_find_turn(struct room_model *model, uint64_t number);
struct turn *model_live_of(struct room_model *model, const struct id128 *user);
struct turn *model_add_turn(struct room_model *model, uint64_t number, const struct id128 *user);
/* Known and without a turn. */
size_t model_waiting_count(const struct room_model *model);
void model_end_turn(struct room_model *model, struct turn *turn, enum turn_state state,
                    const struct show_time *time);
/* Ends what is past its deadline; NULL is allowed. */
void model_end_if_over(struct room_model *model, struct turn *turn, const struct show_time *time);
/* Called or skipped; the former takes one of the allowance. False: more than may shop. */
bool model_call(struct room_model *model, struct turn *turn, const struct show_time *time,
                uint32_t *allowance);

#endif

/*
 * model: what the engine must do, said as plainly as possible. One array of all bookings that ever
 * were, linear scans, no index and no count that could be wrong. It shares no code with the engine
 * but the plain words.
 */
#ifndef USHER_TESTS_SIM_MODEL_H
#define USHER_TESTS_SIM_MODEL_H

#include "worker/engine/show.h"

enum { MODEL_SEATS_MAX = 160, MODEL_BOOKINGS_MAX = 192 };

struct model {
    uint64_t event_id;
    const struct show_layout *layout;
    uint32_t seat_count;
    struct show_settings settings;
    bool blocked[MODEL_SEATS_MAX];
    uint32_t booking_count;
    struct booking bookings[MODEL_BOOKINGS_MAX];
};

void model_copy(struct model *to, const struct model *from);

/* Decides and does it. `request`'s lookup does not matter: the model forgets nothing. */
void model_decide(struct model *model, const struct show_request *request,
                  const struct show_time *time, struct show_decision *decision);
size_t model_expire(struct model *model, const struct show_time *time, struct show_change *changes,
                    size_t limit);
/* Must the engine look this id up, keeping fingerprints of at most `ended_limit` ended ids? */
bool model_needs_lookup(const struct model *model, const struct id128 *id, size_t ended_limit);

/* NULL when there is none. */
const struct booking *model_find(const struct model *model, const struct id128 *id);
bool booking_is_live(const struct booking *booking);
void model_seat_states(const struct model *model, enum seat_state states[MODEL_SEATS_MAX]);
struct show_counts model_count(const struct model *model);
int64_t model_next_deadline(const struct model *model);

#endif

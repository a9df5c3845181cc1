/*
 * crowd: the people before the door, and the stream that has their joins. NATS is as bad as it can
 * be: it loses its tail when it starts anew, and streams are deleted and made again.
 *
 * People are answered a number only when the owner's committed word permits it (a gateway's rule),
 * so what they hold in their hands survives every loss: the sim's promise to check.
 */
#ifndef USHER_TESTS_SIM_CROWD_H
#define USHER_TESTS_SIM_CROWD_H

#include "tests/sim/random.h"
#include "tests/sim/room_model.h"

enum {
    CROWD_GATEWAYS_MAX = 3,
    CROWD_INSTANCES_MAX = 48,
    CROWD_USERS_MAX = 24,
    CROWD_ENTRIES_MAX = 2048,
    CROWD_TOKENS_MAX = 2048
};

/* What somebody was answered. */
struct queue_token {
    struct id128 user;
    uint64_t number;
    bool moved; /* given to somebody else since */
};

/* Answers numbers of the newest span that it attends to, as the owner knows. */
struct crowd_gateway {
    uint64_t instance;
    uint32_t attended; /* of how many spans it said so last that it attends to the newest */
    bool attends;      /* the owner has said yes */
    uint64_t answered; /* the highest number */
    /* On its way to somebody, as a number of that span; number 0: nothing is. */
    struct id128 late_user;
    uint64_t late_number;
    uint32_t late_span;
};

struct crowd {
    struct random *random;
    uint64_t instances;
    uint32_t gateway_count;
    struct crowd_gateway gateways[CROWD_GATEWAYS_MAX];
    uint32_t user_count;
    struct id128 users[CROWD_USERS_MAX];
    uint32_t run;     /* of NATS */
    uint32_t created; /* of the stream */
    uint32_t entry_count;
    struct room_arrival entries[CROWD_ENTRIES_MAX];
    uint32_t token_count;
    struct queue_token tokens[CROWD_TOKENS_MAX];
};

void crowd_make(struct crowd *crowd, struct random *random);
/* The names of the present run and stream. */
void crowd_names(const struct crowd *crowd, char server_id[ROOM_SERVER_ID_SIZE],
                 char created[ROOM_CREATED_SIZE]);
bool crowd_is_vouched(const struct crowd *crowd, const struct room_model *room);
struct crowd_gateway *crowd_gateway(struct crowd *crowd);
/* Somebody joins, if a gateway may publish. NULL, or which promise the answer breaks. */
const char *crowd_join(struct crowd *crowd, struct crowd_gateway *gateway,
                       const struct room_model *committed, int64_t now_us);
/* Somebody who is in the stream joins again, maybe never having been answered. */
void crowd_rejoin(struct crowd *crowd, struct crowd_gateway *gateway,
                  const struct room_model *committed);
/* What was on its way is answered, maybe after another span began of which the gateway has not
 * heard. */
void crowd_answer_late(struct crowd *crowd, struct crowd_gateway *gateway,
                       const struct room_model *committed);
/* A gateway starts anew and knows nothing. */
void crowd_restart_gateway(struct crowd *crowd);
/* NATS starts anew and has lost its last entries, or hasn't; the stream is another one. */
void crowd_restart(struct crowd *crowd);
void crowd_recreate(struct crowd *crowd);
/* NULL, or who has a turn with a number that somebody else holds. */
const char *crowd_audit(const struct crowd *crowd, const struct room_model *committed);
/* Who was answered a number of a gap that the door has passed since `before`, and has not shown it;
 * or NULL. */
const struct queue_token *crowd_passed(const struct crowd *crowd, const struct room_model *room,
                                       uint64_t before);
const struct id128 *crowd_user(const struct crowd *crowd);

#endif

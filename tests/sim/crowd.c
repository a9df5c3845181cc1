#include "tests/sim/crowd.h"

#include <stdio.h>

void crowd_make(struct crowd *crowd, struct random *random) {
    crowd->random = random;
    crowd->gateway_count = random_between(random, 1, CROWD_GATEWAYS_MAX);
    for (uint32_t i = 0; i < crowd->gateway_count; i++) {
        crowd->gateways[i].instance = ++crowd->instances;
    }
    crowd->user_count = random_between(random, 2, CROWD_USERS_MAX);
    for (uint32_t i = 0; i < crowd->user_count; i++) {
        uint64_t words[2] = {random_u64(random), random_u64(random)};
        memcpy(crowd->users[i].bytes, words, sizeof crowd->users[i].bytes);
    }
    crowd->entry_count = random_percent(random, 20) ? random_below(random, 4) : 0;
    for (uint32_t i = 0; i < crowd->entry_count; i++) {
        crowd->entries[i] = (struct room_arrival){*crowd_user(crowd), 1};
    }
}

const struct id128 *crowd_user(const struct crowd *crowd) {
    return &crowd->users[random_below(crowd->random, crowd->user_count)];
}

void crowd_names(const struct crowd *crowd, char server_id[ROOM_SERVER_ID_SIZE],
                 char created[ROOM_CREATED_SIZE]) {
    memset(server_id, 0, ROOM_SERVER_ID_SIZE);
    memset(created, 0, ROOM_CREATED_SIZE);
    snprintf(server_id, ROOM_SERVER_ID_SIZE, "run-%u", crowd->run);
    snprintf(created, ROOM_CREATED_SIZE, "made-%u", crowd->created);
}

bool crowd_is_vouched(const struct crowd *crowd, const struct room_model *room) {
    char server_id[ROOM_SERVER_ID_SIZE], created[ROOM_CREATED_SIZE];
    if (room->vouch_count == 0) {
        return false;
    }
    const struct room_vouch *newest = &room->vouches[room->vouch_count - 1];
    crowd_names(crowd, server_id, created);
    return strcmp(newest->server_id, server_id) == 0 && strcmp(newest->created, created) == 0;
}

struct crowd_gateway *crowd_gateway(struct crowd *crowd) {
    return &crowd->gateways[random_below(crowd->random, crowd->gateway_count)];
}

void crowd_restart_gateway(struct crowd *crowd) {
    if (crowd->instances < CROWD_INSTANCES_MAX) {
        *crowd_gateway(crowd) = (struct crowd_gateway){.instance = ++crowd->instances};
    }
}

/* A gateway answers up to what is issued, and of the span that it attends to. */
static bool may_answer(const struct crowd_gateway *gateway, const struct room_model *committed,
                       uint64_t number) {
    return number <= committed->record.issued_to && gateway->attends &&
           gateway->attended == committed->vouch_count;
}

static bool is_held(const struct crowd *crowd, uint64_t number) {
    for (uint32_t i = 0; i < crowd->token_count; i++) {
        if (crowd->tokens[i].number == number) {
            return true;
        }
    }
    return false;
}

static void answer(struct crowd *crowd, struct crowd_gateway *gateway, const struct id128 *user,
                   uint64_t number) {
    gateway->answered = number > gateway->answered ? number : gateway->answered;
    if (!is_held(crowd, number)) {
        crowd->tokens[crowd->token_count++] = (struct queue_token){*user, number, false};
    }
}

const char *crowd_join(struct crowd *crowd, struct crowd_gateway *gateway,
                       const struct room_model *committed, int64_t now_us) {
    bool vouched = crowd_is_vouched(crowd, committed);
    if (crowd->entry_count == CROWD_ENTRIES_MAX || crowd->token_count == CROWD_TOKENS_MAX ||
        (!vouched && (crowd->entry_count > 0 || committed->vouch_count == 0))) {
        return NULL;
    }
    struct room_arrival *entry = &crowd->entries[crowd->entry_count++];
    *entry = (struct room_arrival){*crowd_user(crowd), now_us};
    if (!vouched) {
        return NULL; /* a new stream that nobody knows of: the acknowledgement means nothing */
    }
    const struct room_span *span = &committed->vouches[committed->vouch_count - 1].span;
    uint64_t number = span->first_number + (crowd->entry_count - span->first_sequence);
    if (!may_answer(gateway, committed, number)) {
        return NULL;
    }
    for (uint32_t i = 0; i < crowd->token_count; i++) {
        if (crowd->tokens[i].number >= number) {
            return "somebody who joined later has no higher number";
        }
    }
    if (random_percent(crowd->random, 25)) {
        gateway->late_user = entry->user;
        gateway->late_number = number;
        gateway->late_span = committed->vouch_count - 1;
    } else {
        answer(crowd, gateway, &entry->user, number);
    }
    return NULL;
}

void crowd_answer_late(struct crowd *crowd, struct crowd_gateway *gateway,
                       const struct room_model *committed) {
    if (gateway->late_number != 0 && gateway->attends &&
        gateway->attended == gateway->late_span + 1 && crowd->token_count < CROWD_TOKENS_MAX &&
        room_model_find(committed, gateway->late_number) == NULL) {
        answer(crowd, gateway, &gateway->late_user, gateway->late_number);
    }
    gateway->late_number = 0;
}

void crowd_rejoin(struct crowd *crowd, struct crowd_gateway *gateway,
                  const struct room_model *committed) {
    if (crowd->entry_count == 0 || crowd->token_count == CROWD_TOKENS_MAX ||
        !crowd_is_vouched(crowd, committed)) {
        return;
    }
    uint64_t sequence = random_between(crowd->random, 1, crowd->entry_count);
    const struct id128 *user = &crowd->entries[sequence - 1].user;
    for (uint32_t i = committed->vouch_count; i > 0; i--) {
        const struct room_span *span = &committed->vouches[i - 1].span;
        uint64_t number = span->first_number + (sequence - span->first_sequence);
        if (span->first_sequence <= sequence &&
            room_model_sequence(committed, number) == sequence) {
            if (number > committed->record.admitted_to &&
                room_model_find(committed, number) == NULL &&
                may_answer(gateway, committed, number)) {
                answer(crowd, gateway, user, number);
            }
            return;
        }
    }
}

void crowd_restart(struct crowd *crowd) {
    uint32_t most = random_percent(crowd->random, 10) ? crowd->entry_count : 6;
    uint32_t lost = random_percent(crowd->random, 60) ? random_below(crowd->random, most + 1) : 0;
    crowd->run++;
    crowd->entry_count -= lost < crowd->entry_count ? lost : crowd->entry_count;
}

void crowd_recreate(struct crowd *crowd) {
    crowd->created++;
    crowd->run += random_percent(crowd->random, 50);
    crowd->entry_count = 0;
}

const struct queue_token *crowd_passed(const struct crowd *crowd, const struct room_model *room,
                                       uint64_t before) {
    for (uint32_t i = 0; i < crowd->token_count; i++) {
        const struct queue_token *token = &crowd->tokens[i];
        if (token->number > before && token->number <= room->record.admitted_to &&
            room_model_in_gap(room, token->number) &&
            room_model_find(room, token->number) == NULL) {
            return token;
        }
    }
    return NULL;
}

const char *crowd_audit(const struct crowd *crowd, const struct room_model *committed) {
    for (uint32_t i = 0; i < crowd->token_count; i++) {
        const struct queue_token *token = &crowd->tokens[i];
        const struct turn *turn = room_model_find(committed, token->number);
        if (turn != NULL && !token->moved && !id128_equal(&turn->user, &token->user)) {
            return "somebody's number was called for somebody else";
        }
    }
    return NULL;
}

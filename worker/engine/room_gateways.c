#include "worker/engine/room_private.h"

static uint32_t newest_span(const struct room *room) {
    return room->line.count - 1;
}

/* The highest number below the newest span that it may have answered. */
static uint64_t reach(const struct room *room, const struct room_gateway *gateway) {
    return gateway->span == newest_span(room)
               ? gateway->answered
               : room->line.spans[gateway->span + 1].first_number - 1;
}

/* Those who answered nothing but what the door has passed don't matter any more. */
static void forget_passed(struct room *room) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < room->gateway_count; i++) {
        const struct room_gateway *gateway = &room->gateways[i];
        if (gateway->span == newest_span(room) || reach(room, gateway) > room->record.admitted_to) {
            room->gateways[kept++] = *gateway;
        }
    }
    room->gateway_count = kept;
}

static struct room_gateway *find_gateway(struct room *room, uint64_t instance) {
    for (uint32_t i = 0; i < room->gateway_count; i++) {
        if (room->gateways[i].instance == instance) {
            return &room->gateways[i];
        }
    }
    return NULL;
}

/* What it said with its first word of a span counts: later ones are about the span itself. */
void room_attend(struct room *room, const struct command *issue) {
    struct room_gateway *gateway = find_gateway(room, issue->gateway);
    if (room->attended_from == 0 || (gateway != NULL && gateway->span == newest_span(room))) {
        return;
    }
    if (gateway == NULL && room->gateway_count == ROOM_GATEWAYS_MAX) {
        forget_passed(room);
    }
    if (gateway == NULL && room->gateway_count == ROOM_GATEWAYS_MAX) {
        room->gateway_count = 0;
        room->attended_from = 0; /* until the next span */
        return;
    }
    if (gateway == NULL) {
        gateway = &room->gateways[room->gateway_count++];
    }
    *gateway = (struct room_gateway){issue->gateway, newest_span(room), issue->answered};
}

bool room_may_be_answered(const struct room *room) {
    uint64_t next = room->record.admitted_to + 1;
    if (GUARD(ROLL_UNKNOWN, room->attended_from == 0 || room->attended_from > next)) {
        return true;
    }
    for (uint32_t i = 0; i < room->gateway_count; i++) {
        if (GUARD(ROLL_ANSWERED, reach(room, &room->gateways[i]) >= next)) {
            return true;
        }
    }
    return false;
}

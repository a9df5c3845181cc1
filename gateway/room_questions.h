/*
 * room_questions: where rooms (rooms.h) get to know what their owners do not tell by themselves: a
 * command that makes an owner tell, a statement, and copies on disk.
 */
#ifndef USHER_GATEWAY_ROOM_QUESTIONS_H
#define USHER_GATEWAY_ROOM_QUESTIONS_H

#include "gateway/gateway.h"

/* For rooms_config; `context` is the gateway. */
void room_questions_ask(void *context, uint64_t event_id);
void room_questions_read(void *context, uint64_t event_id);
void room_questions_keep(void *context, const struct room_state *state);
void room_questions_recall(void *context, uint64_t event_id);

#endif

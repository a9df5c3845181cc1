/*
 * messages: the gateway's side of NATS: announcements, replies, news of seats and rooms in,
 * commands out; how questions for seat maps become commands and statements; and a connection of its
 * own for what is asked of JetStream.
 */
#ifndef USHER_GATEWAY_MESSAGES_H
#define USHER_GATEWAY_MESSAGES_H

#include "gateway/gateway.h"

/* Connects, once the installation is known. False, logged, when the process can't go on. */
MUST_CHECK bool messages_start(struct gateway *gateway);

/* For commands_config and seat_maps_config; `context` is the gateway. */
bool messages_send_commands(void *context, uint64_t owner_instance, const void *data,
                            size_t size_bytes);
void messages_wake(void *context);
void messages_ask_snapshot(void *context, uint64_t event_id);
void messages_read_seats(void *context, uint64_t event_id);
void messages_keep_seats(void *context, uint64_t event_id, const struct seat_map *map);
void messages_recall_seats(void *context, uint64_t event_id);
/* For rooms_config: whoever rests on the news of rooms is told here. */
void messages_room_changed(void *context, const struct room_view *view);
void messages_seats_changed(void *context, uint64_t event_id);
/* For live_config. */
void messages_ask_people(void *context);

#endif

/*
 * wire_random: valid messages to encode, drawn from *seed, all fields of them, also at their
 * limits. The same seed gives the same ones. What a kind does not use is 0.
 */
#ifndef USHER_TESTS_FUZZ_WIRE_RANDOM_H
#define USHER_TESTS_FUZZ_WIRE_RANDOM_H

#include "shared/wire.h"

enum {
    WIRE_RANDOM_PACKED_BYTES = (SHOW_SEATS_MAX + 3) / 4,
    WIRE_RANDOM_ARRIVALS_BYTES = ROOM_REPORT_MAX * ROOM_ARRIVAL_BYTES,
};

/* The next number of splitmix64. */
uint64_t wire_random(uint64_t *seed);
/* Of any kind that travels. Patches are static, arrivals lie in `arrivals`. */
void wire_random_command(uint64_t *seed, struct command *command,
                         uint8_t arrivals[WIRE_RANDOM_ARRIVALS_BYTES]);
void wire_random_reply(uint64_t *seed, struct reply *reply,
                       uint8_t packed[WIRE_RANDOM_PACKED_BYTES]);
void wire_random_room(uint64_t *seed, struct room_state *room);
void wire_random_grant(uint64_t *seed, struct room_grant *grant);
void wire_random_person(uint64_t *seed, struct wire_person *person);
/* A frame of any type, of a few of the above. */
void wire_random_frame(uint64_t *seed, struct wire_buffer *buffer);

#endif

/*
 * wire_check: what has to hold for any bytes that arrive as a frame, whoever sent them.
 */
#ifndef USHER_TESTS_FUZZ_WIRE_CHECK_H
#define USHER_TESTS_FUZZ_WIRE_CHECK_H

#include "shared/wire.h"

/* Gives the bytes to all of wire's decoders. At most one accepts them; then everything in them is
 * in range and encodes to the same bytes again, or this aborts. Returns whether one accepted.
 * Nothing beyond `size_bytes` is readable (under the address sanitizer). */
bool wire_check_frame(const uint8_t *data, size_t size_bytes);

/* A valid frame of any type, drawn from *seed; the same seed gives the same frame. */
void wire_random_frame(uint64_t *seed, struct wire_buffer *buffer);
/* The next number of splitmix64. */
uint64_t wire_random(uint64_t *seed);
/* All fields drawn, also those at their limits. Patches are static; `packed` has room for every
 * snapshot. */
void wire_random_command(uint64_t *seed, struct command *command);
void wire_random_reply(uint64_t *seed, struct reply *reply,
                       uint8_t packed[(SHOW_SEATS_MAX + 3) / 4]);

#endif

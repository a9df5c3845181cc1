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

#endif

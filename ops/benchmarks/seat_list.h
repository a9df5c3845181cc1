/*
 * seat_list: the ids of an event's seats, from a file with one a line, in the layout's order.
 */
#ifndef USHER_OPS_BENCHMARKS_SEAT_LIST_H
#define USHER_OPS_BENCHMARKS_SEAT_LIST_H

#include "shared/base.h"

enum { SEAT_ID_MAX_BYTES = 64 };

/* Returns how many, `*seats` being the caller's to seat_list_free; 0, and NULL, with a line on
 * stderr, when the file can't be read or has not 4, 6, … `most` ids. */
uint32_t seat_list_read(const char *path, uint32_t most, char ***seats);
void seat_list_free(char **seats, uint32_t count);

#endif

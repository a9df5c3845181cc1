/*
 * decimal: whole numbers in digits, where many are written and snprintf's price counts.
 */
#ifndef USHER_SHARED_DECIMAL_H
#define USHER_SHARED_DECIMAL_H

#include "shared/base.h"

enum { DECIMAL_MAX_BYTES = 20 };

/* Writes at least `digits` digits (1 … DECIMAL_MAX_BYTES), with leading zeros, and no NUL. Returns
 * the end, at most DECIMAL_MAX_BYTES away. */
char *decimal_put(char *at, uint64_t number, unsigned digits);

#endif

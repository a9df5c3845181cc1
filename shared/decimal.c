#include "shared/decimal.h"

char *decimal_put(char *at, uint64_t number, unsigned digits) {
    char text[DECIMAL_MAX_BYTES];
    char *end = text + sizeof text;
    char *first = end;
    for (; number > 0 || end - first < digits; number /= 10)
        *--first = (char)('0' + number % 10);
    memcpy(at, first, (size_t)(end - first));
    return at + (end - first);
}

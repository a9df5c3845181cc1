#include "shared/utf8.h"

static bool begin(struct utf8 *utf8, uint8_t byte) {
    *utf8 = (struct utf8){.lowest = 0x80, .highest = 0xbf};
    if (byte < 0x80)
        return true;
    if (byte < 0xc2 || byte > 0xf4)
        return false;
    utf8->left = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    /* neither longer than need be, nor a surrogate, nor beyond U+10FFFF */
    if (byte == 0xe0)
        utf8->lowest = 0xa0;
    else if (byte == 0xed)
        utf8->highest = 0x9f;
    else if (byte == 0xf0)
        utf8->lowest = 0x90;
    else if (byte == 0xf4)
        utf8->highest = 0x8f;
    return true;
}

bool utf8_take(struct utf8 *utf8, const void *data, size_t size_bytes) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size_bytes; i++) {
        if (utf8->left == 0) {
            if (!begin(utf8, bytes[i]))
                return false;
            continue;
        }
        if (bytes[i] < utf8->lowest || bytes[i] > utf8->highest)
            return false;
        *utf8 = (struct utf8){.left = (uint8_t)(utf8->left - 1), .lowest = 0x80, .highest = 0xbf};
    }
    return true;
}

size_t utf8_character_bytes(const char *at) {
    struct utf8 utf8 = {0};
    size_t size = 0;
    do {
        if (!utf8_take(&utf8, at + size, 1))
            return 0;
        size++;
    } while (!utf8_is_whole(&utf8));
    return size;
}

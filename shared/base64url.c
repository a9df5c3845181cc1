#include "shared/base64url.h"

#include <openssl/evp.h>

char *base64url_encode(const uint8_t *data, size_t size_bytes, char *text) {
    (void)EVP_EncodeBlock((unsigned char *)text, data, (int)size_bytes);
    size_t length = BASE64URL_LENGTH(size_bytes);
    for (size_t i = 0; i < length; i++)
        text[i] = (char)(text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i]);
    text[length] = '\0';
    return text;
}

/* The digit's value and one; 0 when it is none. A table: which kind of digit comes next can't be
 * foreseen, by the processor neither. */
static const uint8_t digits[UINT8_MAX + 1] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['-'] = 63, ['_'] = 64,
};

/* Not EVP_DecodeBlock, which takes several spellings of the same bytes. */
bool base64url_decode(const char *text, size_t length, uint8_t *data, size_t max_bytes,
                      size_t *size_bytes) {
    uint32_t bits = 0;
    unsigned loose = 0;
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        uint32_t digit = digits[(uint8_t)text[i]];
        if (digit == 0)
            return false;
        bits = bits << 6 | (digit - 1);
        loose += 6;
        if (loose < 8)
            continue;
        if (used == max_bytes)
            return false;
        loose -= 8;
        data[used++] = (uint8_t)(bits >> loose);
    }
    *size_bytes = used;
    return length % 4 != 1 && (bits & ((1U << loose) - 1)) == 0;
}

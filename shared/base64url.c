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

static int value_of(char digit) {
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    return digit == '-' ? 62 : digit == '_' ? 63 : -1;
}

/* Not EVP_DecodeBlock, which takes several spellings of the same bytes. */
bool base64url_decode(const char *text, size_t length, uint8_t *data, size_t max_bytes,
                      size_t *size_bytes) {
    uint32_t bits = 0;
    unsigned loose = 0;
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        int value = value_of(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
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

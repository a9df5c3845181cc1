#include "shared/ids.h"

#include "shared/decimal.h"
#include "shared/mac.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

enum {
    IDEMPOTENCY_KEY_MAX_BYTES = 128,
    LENGTH_BYTES = 4, /* in front of each field of a derived id */
    SHA256_BYTES = 32,
    TIME_PREFIX_BYTES = 6,
};

struct id128 id128_random(void) {
    struct id128 id;
    ensure(RAND_bytes(id.bytes, sizeof id.bytes) == 1);
    return id;
}

char *id128_to_text(const struct id128 *id, char text[ID128_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < sizeof id->bytes; i++) {
        text[2 * i] = digits[id->bytes[i] >> 4];
        text[2 * i + 1] = digits[id->bytes[i] & 15];
    }
    text[ID128_TEXT_SIZE - 1] = '\0';
    return text;
}

static int lower_hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

enum status id128_from_text(const char *text, struct id128 *id) {
    struct id128 read;
    for (size_t i = 0; i < sizeof read.bytes; i++) {
        int high = lower_hex_digit(text[2 * i]);
        int low = high < 0 ? -1 : lower_hex_digit(text[2 * i + 1]);
        if (low < 0)
            return STATUS_INVALID;
        read.bytes[i] = (uint8_t)(high << 4 | low);
    }
    if (text[ID128_TEXT_SIZE - 1] != '\0')
        return STATUS_INVALID;
    *id = read;
    return STATUS_OK;
}

static bool is_uuid_dash(size_t position) {
    return position == 8 || position == 13 || position == 18 || position == 23;
}

enum status id128_from_uuid(const char *text, struct id128 *id) {
    if (strnlen(text, UUID_TEXT_SIZE) != UUID_TEXT_SIZE - 1)
        return STATUS_INVALID;
    char hex[ID128_TEXT_SIZE];
    size_t used = 0;
    for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++) {
        if (is_uuid_dash(i) != (text[i] == '-'))
            return STATUS_INVALID;
        if (is_uuid_dash(i))
            continue;
        bool upper = text[i] >= 'A' && text[i] <= 'F';
        hex[used++] = (char)(upper ? text[i] - 'A' + 'a' : text[i]);
    }
    hex[used] = '\0';
    return id128_from_text(hex, id);
}

char *id128_to_uuid(const struct id128 *id, char text[UUID_TEXT_SIZE]) {
    char hex[ID128_TEXT_SIZE];
    const char *digit = id128_to_text(id, hex);
    for (size_t i = 0; i < UUID_TEXT_SIZE - 1; i++)
        text[i] = is_uuid_dash(i) ? '-' : *digit++;
    text[UUID_TEXT_SIZE - 1] = '\0';
    return text;
}

char *uuid7_text(int64_t unix_ms, char text[UUID_TEXT_SIZE]) {
    struct id128 id = id128_random();
    for (unsigned i = 0; i < TIME_PREFIX_BYTES; i++)
        id.bytes[i] = (uint8_t)(unix_ms >> (40 - 8 * i));
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f)); /* version 7 */
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f)); /* variant 10 */
    return id128_to_uuid(&id, text);
}

static bool is_uuid7(const char *text, struct id128 *id) {
    return id128_from_uuid(text, id) == STATUS_OK && id->bytes[6] >> 4 == 7 &&
           id->bytes[8] >> 6 == 2;
}

/* Four bytes of length, little-endian, then the bytes: no two lists of fields give the same
 * message. */
static size_t append_field(uint8_t *message, size_t used, const void *data, size_t size_bytes) {
    for (unsigned shift = 0; shift < 8 * LENGTH_BYTES; shift += 8)
        message[used++] = (uint8_t)(size_bytes >> shift);
    memcpy(message + used, data, size_bytes);
    return used + size_bytes;
}

struct id128 user_id_derive(const char *issuer, const char *subject) {
    const char *names[] = {issuer, subject};
    uint8_t message[ARRAY_LEN(names) * (LENGTH_BYTES + USER_NAME_MAX_BYTES)];
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t length = strnlen(names[i], USER_NAME_MAX_BYTES + 1);
        ensure(length >= 1 && length <= USER_NAME_MAX_BYTES);
        used = append_field(message, used, names[i], length);
    }
    uint8_t digest[SHA256_BYTES];
    ensure(EVP_Digest(message, used, digest, NULL, EVP_sha256(), NULL) == 1);
    struct id128 id;
    memcpy(id.bytes, digest, sizeof id.bytes);
    return id;
}

struct id128 booking_id_derive(struct mac *key, const struct id128 *user, uint64_t event_id,
                               const char *idempotency_key) {
    size_t key_bytes = strnlen(idempotency_key, IDEMPOTENCY_KEY_MAX_BYTES + 1);
    ensure(key_bytes >= 1 && key_bytes <= IDEMPOTENCY_KEY_MAX_BYTES);
    uint8_t event[8];
    for (unsigned i = 0; i < sizeof event; i++)
        event[i] = (uint8_t)(event_id >> (8 * i));

    uint8_t message[LENGTH_BYTES + sizeof user->bytes + LENGTH_BYTES + sizeof event + LENGTH_BYTES +
                    IDEMPOTENCY_KEY_MAX_BYTES];
    size_t used = append_field(message, 0, user->bytes, sizeof user->bytes);
    used = append_field(message, used, event, sizeof event);
    used = append_field(message, used, idempotency_key, key_bytes);

    uint8_t code[MAC_BYTES];
    mac_compute(key, message, used, code);
    struct id128 id, uuid;
    memcpy(id.bytes, code, sizeof id.bytes);
    if (is_uuid7(idempotency_key, &uuid))
        memcpy(id.bytes, uuid.bytes, TIME_PREFIX_BYTES);
    return id;
}

char *booking_id_to_text(uint64_t event_id, const struct id128 *id,
                         char text[BOOKING_ID_TEXT_SIZE]) {
    char *at = decimal_put(text, event_id, 1);
    *at++ = '-';
    (void)id128_to_text(id, at);
    return text;
}

enum status booking_id_from_text(const char *text, uint64_t *event_id, struct id128 *id) {
    if (*text < '1' || *text > '9')
        return STATUS_INVALID;
    uint64_t number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        uint64_t digit = (uint64_t)(*text - '0');
        if (number > (INT64_MAX - digit) / 10)
            return STATUS_INVALID;
        number = number * 10 + digit;
    }
    if (*text != '-')
        return STATUS_INVALID;
    enum status status = id128_from_text(text + 1, id);
    if (status == STATUS_OK)
        *event_id = number;
    return status;
}

/* Hostile bytes for the WebSocket decoder: taken once whole and once in small pieces. Both must see
 * the same, and whatever is handed out must be what it promises. */
#include "gateway/ws/frame.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* What was seen, as one number (FNV-1a). */
static void digest_add(uint64_t *digest, const void *data, size_t size_bytes) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size_bytes; i++)
        *digest = (*digest ^ bytes[i]) * 0x100000001b3u;
}

static void check(const struct ws_received *received) {
    struct utf8 utf8 = {0};
    bool is_text = utf8_take(&utf8, received->data, received->size_bytes) && utf8_is_whole(&utf8);
    switch (received->kind) {
    case WS_RECEIVED_NOTHING:
        break;
    case WS_RECEIVED_TEXT:
        ensure(is_text && received->size_bytes <= WS_MESSAGE_MAX_BYTES);
        break;
    case WS_RECEIVED_PING:
    case WS_RECEIVED_PONG:
        ensure(received->size_bytes <= WS_CONTROL_MAX_BYTES);
        break;
    case WS_RECEIVED_CLOSE:
        ensure(is_text && received->size_bytes <= WS_CONTROL_MAX_BYTES - 2);
        ensure(received->code >= 1000 && received->code <= 4999 && received->code != 1006);
        break;
    case WS_RECEIVED_VIOLATION:
        ensure(received->code == WS_CLOSE_PROTOCOL_ERROR ||
               received->code == WS_CLOSE_UNSUPPORTED || received->code == WS_CLOSE_BAD_DATA ||
               received->code == WS_CLOSE_TOO_BIG);
        ensure(received->size_bytes == 0);
        break;
    }
}

static uint64_t run(const uint8_t *data, size_t size_bytes, size_t step) {
    uint64_t digest = 0xcbf29ce484222325u;
    struct ws_decoder decoder = {0};
    bool is_over = false;
    for (size_t at = 0; at < size_bytes && !is_over;) {
        size_t now = size_bytes - at < step ? size_bytes - at : step;
        char *piece = malloc(now); /* the sanitizer watches its end */
        ensure(piece != NULL);
        memcpy(piece, data + at, now);
        struct ws_received received = {.kind = WS_RECEIVED_TEXT};
        for (size_t used = 0; !is_over && received.kind != WS_RECEIVED_NOTHING;) {
            used += ws_decoder_take(&decoder, piece + used, now - used, &received);
            ensure(used <= now);
            check(&received);
            is_over = received.kind == WS_RECEIVED_CLOSE || received.kind == WS_RECEIVED_VIOLATION;
            if (received.kind == WS_RECEIVED_NOTHING)
                continue;
            digest_add(&digest, &received.kind, sizeof received.kind);
            digest_add(&digest, &received.code, sizeof received.code);
            digest_add(&digest, received.data, received.size_bytes);
        }
        ensure(decoder.kept.size_bytes <= WS_MESSAGE_MAX_BYTES + WS_CONTROL_MAX_BYTES);
        ensure(is_over || decoder.in_message || decoder.in_payload || !decoder.kept.data);
        free(piece);
        at += now;
    }
    ws_decoder_free(&decoder);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    if (size_bytes == 0)
        return 0;
    size_t step = 1 + data[size_bytes / 2] % 7;
    uint64_t whole = run(data, size_bytes, size_bytes);
    uint64_t in_pieces = run(data, size_bytes, step);
    ensure(whole == in_pieces);
    return 0;
}

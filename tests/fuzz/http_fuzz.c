/*
 * Hostile bytes for the HTTP server's receiving side, without a socket: a stream of requests, taken
 * once whole and once in small pieces. Both must end the same, and whatever is accepted must be
 * what it promises.
 */
#include "gateway/http/request.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

enum { BODY_MAX = 4096 };

/* What was seen, as one number (FNV-1a). */
struct digest {
    uint64_t value;
};

static void digest_add(struct digest *digest, const void *data, size_t size_bytes) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size_bytes; i++)
        digest->value = (digest->value ^ bytes[i]) * 0x100000001b3u;
}

static void digest_text(struct digest *digest, const char *text) {
    digest_add(digest, text, strlen(text) + 1);
}

static void digest_number(struct digest *digest, uint64_t number) {
    digest_add(digest, &number, sizeof number);
}

static void check_refusal(int refusal) {
    ensure(refusal == 400 || refusal == 413 || refusal == 417 || refusal == 431 || refusal == 501 ||
           refusal == 505);
}

static void see_request(struct digest *digest, const struct http_request *request) {
    const char *path = http_request_path(request);
    size_t body_bytes;
    const char *body = http_request_body(request, &body_bytes);
    ensure(*path == '/' || strcmp(path, "*") == 0);
    ensure(body_bytes <= BODY_MAX && body[body_bytes] == '\0');
    const char *length = http_request_header(request, "content-length");
    const char *coding = http_request_header(request, "transfer-encoding");
    ensure(!length || !coding);
    ensure(!length || strtoull(length, NULL, 10) == body_bytes);
    ensure(length || coding || body_bytes == 0);
    ensure(request->is_http_1_0 || http_request_header(request, "host"));
    size_t id_bytes = strlen(http_request_id(request));
    ensure(id_bytes >= 1 && id_bytes < HTTP_REQUEST_ID_SIZE);

    digest_number(digest, http_request_method(request));
    digest_number(digest, request->keep_alive);
    digest_text(digest, path);
    digest_text(digest, http_request_query_string(request));
    for (uint32_t i = 0; i < request->pair_count; i++) {
        digest_text(digest, request->pairs[i].name);
        digest_text(digest, request->pairs[i].value);
    }
    for (uint32_t i = 0; i < request->field_count; i++) {
        const char *value = http_request_header(request, request->fields[i].name);
        ensure(value && strlen(value) <= HTTP_HEAD_MAX_BYTES);
        digest_text(digest, value);
    }
    digest_add(digest, body, body_bytes);
}

/* As a connection does: heads are collected, bodies taken as they come. */
static uint64_t run(const char *data, size_t size_bytes, size_t step) {
    struct digest digest = {0xcbf29ce484222325u};
    struct http_request *request = http_request_create();
    ensure(request != NULL);
    struct http_head_guard guard = {0};
    bool in_body = false;
    int refusal = 0;
    size_t at = 0, arrived = 0;
    while (!refusal && arrived < size_bytes) {
        arrived = size_bytes - arrived < step ? size_bytes : arrived + step;
        for (;;) {
            if (!in_body) {
                enum http_guard_result result =
                    http_head_guard_scan(&guard, data + at, arrived - at);
                if (result == HTTP_GUARD_MORE)
                    break;
                refusal = http_guard_refusal(result);
                if (!refusal)
                    refusal = http_request_take_head(request, data + at, guard.size_bytes);
                if (!refusal)
                    refusal = http_request_limit_body(request, BODY_MAX);
                if (refusal)
                    break;
                at += guard.size_bytes;
                guard = (struct http_head_guard){0};
                in_body = true;
            }
            size_t used;
            bool whole;
            refusal = http_request_take_body(request, data + at, arrived - at, &used, &whole);
            if (refusal)
                break;
            ensure(used <= arrived - at);
            at += used;
            if (!whole)
                break;
            see_request(&digest, request);
            http_request_reset(request);
            in_body = false;
        }
    }
    if (refusal)
        check_refusal(refusal);
    digest_number(&digest, (uint64_t)refusal);
    http_request_destroy(request);
    return digest.value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes) {
    if (size_bytes == 0)
        return 0;
    size_t step = 1 + data[size_bytes / 2] % 7;
    uint64_t whole = run((const char *)data, size_bytes, size_bytes);
    uint64_t in_pieces = run((const char *)data, size_bytes, step);
    ensure(whole == in_pieces);
    return 0;
}

#include "gateway/ws/handshake.h"

#include "gateway/http/problem.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <strings.h>

/* RFC 6455, 1.3. */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define VERSION "13"

enum { KEY_LENGTH = 24, SHA1_BYTES = 20, ACCEPT_SIZE = 29 };

/* --- the request ----------------------------------------------------------------------------- */

static const char *header(const struct http_request *request, const char *name) {
    const char *value = http_request_header(request, name);
    return value ? value : "";
}

static bool wants_websocket(const struct http_request *request) {
    return http_request_lists(request, "Connection", "upgrade") &&
           http_request_lists(request, "Upgrade", "websocket") &&
           strcmp(header(request, "Sec-WebSocket-Version"), VERSION) == 0;
}

/* 16 bytes in base64. */
static bool is_key(const char *key) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return strspn(key, alphabet) == KEY_LENGTH - 2 && strcmp(key + KEY_LENGTH - 2, "==") == 0;
}

/* NULL, or what is wrong. */
static const char *find_fault(const struct http_request *request) {
    size_t body_bytes;
    (void)http_request_body(request, &body_bytes);
    if (http_request_is_http_1_0(request))
        return "A WebSocket is opened with HTTP/1.1.";
    if (http_request_method(request) != HTTP_METHOD_GET || body_bytes > 0)
        return "A WebSocket is opened with GET and no body.";
    if (!is_key(header(request, "Sec-WebSocket-Key")))
        return "Sec-WebSocket-Key must be 16 bytes in base64.";
    return NULL;
}

/* --- where it came from ---------------------------------------------------------------------- */

/* Scheme and authority of an address, without a path. */
static size_t origin_length(const char *address) {
    const char *authority = strstr(address, "://");
    return authority ? (size_t)(authority - address) + 3 + strcspn(authority + 3, "/") : 0;
}

static bool is_own(const char *origin, const char *public_url, const char *host) {
    size_t length = origin_length(public_url);
    if (length && strncasecmp(origin, public_url, length) == 0 && origin[length] == '\0')
        return true;
    const char *authority = strstr(origin, "://");
    return authority && strcasecmp(authority + 3, host) == 0;
}

static bool may_come_from(const struct http_request *request, const struct ws_origins *origins) {
    const char *origin = http_request_header(request, "Origin");
    return !origin || is_own(origin, origins->public_url, header(request, "Host")) ||
           cors_lets_look(origins->cors, origin);
}

/* --- the answer ------------------------------------------------------------------------------ */

bool ws_handshake_check(struct http_request *request, const struct ws_origins *origins) {
    const char *fault = find_fault(request);
    if (!wants_websocket(request)) {
        http_answer_header(request, "Upgrade", "websocket");
        http_answer_header(request, "Connection", "Upgrade");
        http_answer_header(request, "Sec-WebSocket-Version", VERSION);
        problem_respond(request, PROBLEM_UPGRADE_REQUIRED,
                        "Only a WebSocket of version " VERSION " can be opened here.", NULL, 0);
        return false;
    }
    if (fault) {
        problem_respond(request, PROBLEM_BAD_REQUEST, fault, NULL, 0);
        return false;
    }
    if (!may_come_from(request, origins)) {
        problem_respond(request, PROBLEM_FORBIDDEN,
                        "Pages of this origin may not open WebSockets here.", NULL, 0);
        return false;
    }
    return true;
}

/* Sec-WebSocket-Accept: shows that the key was read (RFC 6455, 4.2.2). */
static void write_accept(const char *key, char accept[ACCEPT_SIZE]) {
    char text[KEY_LENGTH + sizeof GUID];
    uint8_t digest[SHA1_BYTES];
    int length = snprintf(text, sizeof text, "%s%s", key, GUID);
    ensure(length == sizeof text - 1);
    ensure(EVP_Digest(text, (size_t)length, digest, NULL, EVP_sha1(), NULL) == 1);
    ensure(EVP_EncodeBlock((uint8_t *)accept, digest, sizeof digest) == ACCEPT_SIZE - 1);
}

void ws_handshake_accept(struct http_request *request, http_taker *on_taken, void *context) {
    char accept[ACCEPT_SIZE];
    write_accept(header(request, "Sec-WebSocket-Key"), accept);
    http_answer_header(request, "Sec-WebSocket-Accept", accept);
    http_upgrade(request, "websocket", on_taken, context);
}

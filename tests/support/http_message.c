#include "tests/support/http_message.h"

#include "tests/support/expect.h"

#include <stdio.h>
#include <strings.h>

enum { BODY_MAX_BYTES = 64 << 20 };

char *http_message_copy(const char *bytes, size_t size_bytes) {
    char *copy = malloc(size_bytes + 1);
    ensure(copy != NULL);
    memcpy(copy, bytes, size_bytes);
    copy[size_bytes] = '\0';
    return copy;
}

const char *http_message_header(const char *head, const char *name, size_t *size_bytes) {
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        const char *at = line + 2;
        if (strncasecmp(at, name, strlen(name)) == 0 && at[strlen(name)] == ':') {
            at += strlen(name) + 1;
            at += strspn(at, " ");
            *size_bytes = strcspn(at, "\r");
            return at;
        }
    }
    return NULL;
}

/* A whole head as a text of its own, the caller's; NULL when it is not whole. */
static char *copy_head(const char *bytes, size_t size_bytes) {
    const char *end = size_bytes > 0 ? memmem(bytes, size_bytes, "\r\n\r\n", 4) : NULL;
    return end != NULL ? http_message_copy(bytes, (size_t)(end - bytes) + 4) : NULL;
}

/* False when it says nothing. */
static bool read_length(const char *head, size_t *size_bytes) {
    size_t digits = 0;
    const char *text = http_message_header(head, "Content-Length", &digits);
    *size_bytes = text != NULL ? (size_t)strtoull(text, NULL, 10) : 0;
    expect(*size_bytes <= BODY_MAX_BYTES, "a body of %zu bytes", *size_bytes);
    return text != NULL;
}

struct http_message http_message_answer(const char *bytes, size_t size_bytes, bool is_for_head) {
    struct http_message message = {0};
    char *head = copy_head(bytes, size_bytes);
    if (head == NULL) {
        return message;
    }
    message.head_bytes = strlen(head);
    message.status = (int)strtol(head + strcspn(head, " "), NULL, 10);
    bool is_empty =
        is_for_head || message.status < 200 || message.status == 204 || message.status == 304;
    bool says = read_length(head, &message.body_bytes);
    expect(says || is_empty, "an answer without Content-Length: %s", head);
    if (is_empty) {
        message.body_bytes = 0;
    }
    free(head);
    return message;
}

bool http_message_request(const char *bytes, size_t size_bytes,
                          struct http_message_request *request) {
    char line[HTTP_MESSAGE_LINE_SIZE];
    char version[8];
    const char *end = size_bytes > 0 ? memchr(bytes, '\n', size_bytes) : NULL;
    if (end == NULL || (size_t)(end - bytes) >= sizeof line) {
        return false;
    }
    memcpy(line, bytes, (size_t)(end - bytes));
    line[end - bytes] = '\0';
    size_t method = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    size_t target = line[method] == ' ' ? strcspn(line + method + 1, " ") : 0;
    (void)snprintf(version, sizeof version, "%.6s", line + method + 1 + target);
    if (method == 0 || method >= sizeof request->method || target == 0 ||
        strcmp(version, " HTTP/") != 0) {
        return false;
    }
    (void)snprintf(request->method, sizeof request->method, "%.*s", (int)method, line);
    (void)snprintf(request->target, sizeof request->target, "%.*s", (int)target, line + method + 1);
    return true;
}

size_t http_message_request_bytes(const char *bytes, size_t size_bytes) {
    size_t body_bytes = 0;
    char *head = copy_head(bytes, size_bytes);
    if (head == NULL) {
        return 0;
    }
    (void)read_length(head, &body_bytes);
    size_t whole = strlen(head) + body_bytes;
    free(head);
    return whole;
}

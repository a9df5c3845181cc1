/*
 * http_message: where an HTTP/1.1 message ends, and what its first lines say, in bytes as a test
 * has them off a socket. usher's answers and a browser's requests have a Content-Length or no body
 * (RFC 9112, 6.3).
 */
#ifndef USHER_TESTS_SUPPORT_HTTP_MESSAGE_H
#define USHER_TESTS_SUPPORT_HTTP_MESSAGE_H

#include "shared/base.h"

enum {
    HTTP_MESSAGE_METHOD_SIZE = 16,
    HTTP_MESSAGE_LINE_SIZE =
        20000, /* more than usher takes: a longer request line counts as none */
};

/* A part of a message, NUL-terminated; the caller's. */
char *http_message_copy(const char *bytes, size_t size_bytes);
/* The value of the first header of this name in a head, up to its CR; NULL when it is not there.
 * `head`: a start line and headers, NUL-terminated. */
const char *http_message_header(const char *head, const char *name, size_t *size_bytes);

/* An answer. Everything 0 until its head is whole. */
struct http_message {
    int status;
    size_t head_bytes; /* with the empty line */
    size_t body_bytes; /* as announced */
};
/* The answer at the beginning of `bytes`. `is_for_head`: the request was HEAD. The test fails when
 * it has a body and does not say how long that is. */
struct http_message http_message_answer(const char *bytes, size_t size_bytes, bool is_for_head);

/* What is asked for. */
struct http_message_request {
    char method[HTTP_MESSAGE_METHOD_SIZE];
    char target[HTTP_MESSAGE_LINE_SIZE];
};
/* The request line at the beginning of `bytes`; false when there is none, or it has not come to its
 * end. */
MUST_CHECK bool http_message_request(const char *bytes, size_t size_bytes,
                                     struct http_message_request *request);
/* How long that request is as a whole; 0 when its head is not. */
size_t http_message_request_bytes(const char *bytes, size_t size_bytes);

#endif

#include "gateway/http/transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Every method begins with a capital letter; a TLS record that opens a handshake with 0x16. */
static bool is_plain_http(int fd) {
    char first;
    return recv(fd, &first, 1, MSG_PEEK) == 1 && first >= 'A' && first <= 'Z';
}

/* As errno of a socket's call would be. */
static int error_of(SSL *ssl, int result) {
    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return EAGAIN;
    default:
        return EPROTO;
    }
}

enum http_handshake http_transport_shake_hands(struct http_transport *transport,
                                               const struct http_tls *tls) {
    if (!transport->tls) {
        if (is_plain_http(transport->fd))
            return HTTP_HANDSHAKE_PLAIN;
        transport->tls = http_tls_accept(tls, transport->fd);
        if (!transport->tls)
            return HTTP_HANDSHAKE_FAILED;
    }
    ERR_clear_error();
    int result = SSL_accept(transport->tls);
    if (result == 1)
        return HTTP_HANDSHAKE_DONE;
    switch (SSL_get_error(transport->tls, result)) {
    case SSL_ERROR_WANT_READ:
        return HTTP_HANDSHAKE_RECEIVES;
    case SSL_ERROR_WANT_WRITE:
        return HTTP_HANDSHAKE_SENDS;
    default:
        return HTTP_HANDSHAKE_FAILED;
    }
}

ssize_t http_transport_receive(struct http_transport *transport, void *data, size_t size_bytes) {
    if (!transport->tls)
        return recv(transport->fd, data, size_bytes, 0);
    ERR_clear_error();
    size_t received;
    int result = SSL_read_ex(transport->tls, data, size_bytes, &received);
    if (result == 1)
        return (ssize_t)received;
    if (SSL_get_error(transport->tls, result) == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = error_of(transport->tls, result);
    return -1;
}

bool http_transport_has_received(const struct http_transport *transport) {
    return transport->tls && SSL_pending(transport->tls) > 0;
}

/* What the next record carries: both parts together as far as they fit, so that a head and a small
 * body travel as one. The same bytes again as long as the parts are the same. */
static const void *next_record(const struct iovec parts[2], size_t sent,
                               char record[SSL3_RT_MAX_PLAIN_LENGTH], size_t *size_bytes) {
    size_t first = sent < parts[0].iov_len ? parts[0].iov_len - sent : 0;
    size_t skipped = sent > parts[0].iov_len ? sent - parts[0].iov_len : 0;
    size_t second = parts[1].iov_len - skipped;
    const char *body = (const char *)parts[1].iov_base + skipped;
    if (first == 0) {
        *size_bytes = second < SSL3_RT_MAX_PLAIN_LENGTH ? second : SSL3_RT_MAX_PLAIN_LENGTH;
        return body;
    }
    if (first > SSL3_RT_MAX_PLAIN_LENGTH)
        first = SSL3_RT_MAX_PLAIN_LENGTH;
    if (second > SSL3_RT_MAX_PLAIN_LENGTH - first)
        second = SSL3_RT_MAX_PLAIN_LENGTH - first;
    memcpy(record, (const char *)parts[0].iov_base + sent, first);
    memcpy(record + first, body, second);
    *size_bytes = first + second;
    return record;
}

static ssize_t send_records(SSL *ssl, const struct iovec parts[2]) {
    char record[SSL3_RT_MAX_PLAIN_LENGTH];
    size_t total = parts[0].iov_len + parts[1].iov_len;
    size_t sent = 0;
    while (sent < total && sent < HTTP_TLS_SEND_MAX_BYTES) {
        size_t size_bytes, written;
        const void *data = next_record(parts, sent, record, &size_bytes);
        ERR_clear_error();
        int result = SSL_write_ex(ssl, data, size_bytes, &written);
        if (result != 1) {
            errno = error_of(ssl, result);
            return sent > 0 && errno == EAGAIN ? (ssize_t)sent : -1;
        }
        sent += written;
    }
    return (ssize_t)sent;
}

ssize_t http_transport_send(struct http_transport *transport, const struct iovec parts[2]) {
    if (transport->tls)
        return send_records(transport->tls, parts);
    struct iovec copy[2] = {parts[0], parts[1]};
    struct msghdr message = {.msg_iov = copy, .msg_iovlen = 2};
    ssize_t sent;
    do
        sent = sendmsg(transport->fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

/* Says goodbye if it can be said now (RFC 8446, 6.1); answers have a length, so that nobody needs
 * it to know that an answer is whole. */
static void end_tls(struct http_transport *transport) {
    if (!transport->tls)
        return;
    ERR_clear_error();
    (void)SSL_shutdown(transport->tls);
    ERR_clear_error();
    SSL_free(transport->tls);
    transport->tls = NULL;
}

void http_transport_end(struct http_transport *transport) {
    end_tls(transport);
    (void)shutdown(transport->fd, SHUT_WR);
}

void http_transport_close(struct http_transport *transport) {
    end_tls(transport);
    (void)close(transport->fd);
}

/*
 * transport: a connection's bytes on its non-blocking socket, as they are or over TLS. All that the
 * connection knows of TLS is here: everything behaves as recv(2) and sendmsg(2) do.
 *
 *   TCP   --http_transport_end--> only receiving, to drop it
 *   TLS   http_transport_shake_hands until DONE; TLS --http_transport_end--> only receiving,
 *         undeciphered, to drop it
 *
 * OpenSSL's state is made at the first byte of a handshake (a client that connects and says nothing
 * costs none), freed at the end, and works straight on the socket: a bufferevent would hold two
 * more buffers a connection and copy bodies that many answers share. Receiving takes one record (at
 * most 16 KB) at a time, since what stays in OpenSSL wakes nobody: http_transport_has_received
 * tells of it. An alert that the full socket does not take goes out with the next answer.
 *
 * Memory: an idle TLS connection costs at most HTTP_TLS_IDLE_BYTES in OpenSSL; its record buffers
 * (16 KB each way) are there only while a record is incomplete or not taken by the socket.
 */
#ifndef USHER_GATEWAY_HTTP_TRANSPORT_H
#define USHER_GATEWAY_HTTP_TRANSPORT_H

#include "gateway/http/tls.h"

#include <sys/types.h>
#include <sys/uio.h>

enum {
    HTTP_TLS_IDLE_BYTES = 16 * 1024,
    HTTP_TLS_SEND_MAX_BYTES = 256 * 1024, /* enciphered in one go; then others have their turn */
};

struct http_transport {
    int fd;
    struct ssl_st *tls; /* NULL: bytes as they are */
};

enum http_handshake {
    HTTP_HANDSHAKE_DONE,
    HTTP_HANDSHAKE_RECEIVES, /* go on when the socket can be read */
    HTTP_HANDSHAKE_SENDS,    /* … written */
    HTTP_HANDSHAKE_PLAIN,    /* the client speaks HTTP without TLS; nothing was read yet */
    HTTP_HANDSHAKE_FAILED,
};
MUST_CHECK enum http_handshake http_transport_shake_hands(struct http_transport *transport,
                                                          const struct http_tls *tls);

/* As recv: bytes; 0: the client sends no more; -1 with errno, EAGAIN when there is nothing now. */
ssize_t http_transport_receive(struct http_transport *transport, void *data, size_t size_bytes);
/* Whether there is something to receive that the socket does not tell of. */
bool http_transport_has_received(const struct http_transport *transport);
/* As sendmsg. After EAGAIN the same bytes have to be sent next (they may lie elsewhere). */
ssize_t http_transport_send(struct http_transport *transport, const struct iovec parts[2]);
/* Nothing more will be sent, and the client is told so. */
void http_transport_end(struct http_transport *transport);
void http_transport_close(struct http_transport *transport);

#endif

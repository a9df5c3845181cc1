/*
 * handshake: the server's side of a WebSocket's opening (RFC 6455, 4.2). No extension and no
 * subprotocol is ever agreed on, whatever is offered.
 *
 * Where the request came from (Origin): a page of the site itself (its public address, or the host
 * that the request names), a page of an origin in USHER_ALLOWED_ORIGINS (`*`: any), or nothing,
 * from what is no browser. Whoever asks over TLS that somebody in front of usher speaks names an
 * origin with https and arrives without: so a host counts with either scheme.
 *
 * Refused are, with a problem:
 *   426 upgrade-required   no `Upgrade: websocket`, no `Connection: Upgrade`, or a version that is
 *                          not 13; the answer says what to ask for
 *   400 bad-request        HTTP/1.0, not a GET, a body, a key that is not 16 bytes
 *   403 forbidden          a page of another origin
 */
#ifndef USHER_GATEWAY_WS_HANDSHAKE_H
#define USHER_GATEWAY_WS_HANDSHAKE_H

#include "gateway/http/cors.h"

struct ws_origins {
    const char *public_url; /* USHER_PUBLIC_URL, "" when there is none */
    const struct cors *cors;
};

/* False: it can't be accepted, and has been refused. */
MUST_CHECK bool ws_handshake_check(struct http_request *request, const struct ws_origins *origins);
/* Accepts what was checked: answers 101 and takes the connection over, as http_upgrade does. */
void ws_handshake_accept(struct http_request *request, http_taker *on_taken, void *context);

#endif

/*
 * tls: the certificate of the public port, and how TLS is spoken there (RFC 8446, RFC 5246).
 *
 * TLS 1.2 and 1.3, forward secrecy and authenticated encryption only; no compression, no
 * renegotiation, no early data. Sessions are resumed by tickets, whose key lives as long as the
 * certificate does here; the server keeps no session. ALPN (RFC 7301): http/1.1; who offers only
 * others is refused. One certificate, whatever name is asked for.
 *
 * OpenSSL writes without MSG_NOSIGNAL: the process must ignore SIGPIPE.
 */
#ifndef USHER_GATEWAY_HTTP_TLS_H
#define USHER_GATEWAY_HTTP_TLS_H

#include "shared/base.h"

struct http_tls;
struct ssl_st; /* OpenSSL's SSL */

/* `certificate`: path of a PEM file with the certificate first, then its chain; `key`: of one with
 * its private key, not encrypted. Both texts have to stay. NULL, logged, when they can't be read or
 * don't belong together. */
MUST_CHECK struct http_tls *http_tls_create(const char *certificate, const char *key);
/* NULL is allowed. Connections go on. */
void http_tls_destroy(struct http_tls *tls);
/* Reads both files again, for connections that come from now on. False, logged: they are no good,
 * and what was read before stays in use. */
bool http_tls_reload(struct http_tls *tls);
/* The server's side of one connection over `fd`, to be freed with SSL_free. NULL without memory. */
MUST_CHECK struct ssl_st *http_tls_accept(const struct http_tls *tls, int fd);

#endif

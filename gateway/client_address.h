/*
 * client_address: whose request it is, by address. Behind a trusted proxy that is the right-most
 * address of `X-Forwarded-For` that no trusted proxy has: everything left of it may be forged. What
 * can't be read there ends the search, and the proxy that sent it counts. Pure; no allocation after
 * trusted_proxies_read.
 */
#ifndef USHER_GATEWAY_CLIENT_ADDRESS_H
#define USHER_GATEWAY_CLIENT_ADDRESS_H

#include "shared/base.h"

enum { TRUSTED_PROXIES_MAX = 64 };

struct trusted_proxies {
    struct {
        struct id128 address;
        unsigned prefix_bits; /* of 128: IPv4 addresses are mapped into IPv6 (RFC 4291, 2.5.5.2) */
    } networks[TRUSTED_PROXIES_MAX];
    size_t count;
};

/* Addresses and networks separated by commas: "10.0.0.0/8, ::1". False: that is not what `text` is,
 * or there are too many. */
MUST_CHECK bool trusted_proxies_read(const char *text, struct trusted_proxies *proxies);

struct client_address {
    struct id128 id; /* what its buckets go by: IPv6 by /64 */
    bool exempt;     /* on this machine, which is no trusted proxy: no limits */
};

/* `peer`: numeric, of the connection; `forwarded`: X-Forwarded-For, or NULL. */
struct client_address client_address_of(const struct trusted_proxies *proxies, const char *peer,
                                        const char *forwarded);

#endif

#include "ops/benchmarks/loopback.h"

#include <event2/util.h>
#include <netinet/in.h>

static bool is_loopback(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 ==
               IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static bool has_port(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET)
        return ((const struct sockaddr_in *)address)->sin_port != 0;
    return ((const struct sockaddr_in6 *)address)->sin6_port != 0;
}

bool loopback_from_url(const char *url, struct sockaddr_storage *address, socklen_t *size) {
    static const char scheme[] = "http://";
    if (strncmp(url, scheme, sizeof scheme - 1) != 0)
        return false;
    const char *port = strrchr(url, ':') + 1; /* of which libevent reads what is a number */
    if (port[strspn(port, "0123456789")] != '\0')
        return false;
    int length = (int)sizeof *address;
    memset(address, 0, sizeof *address);
    if (evutil_parse_sockaddr_port(url + sizeof scheme - 1, (struct sockaddr *)address, &length) !=
        0)
        return false;
    *size = (socklen_t)length;
    return has_port(address) && is_loopback(address);
}

#include "ops/benchmarks/loopback.h"

#include <errno.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

/* 127.1.0.1 and the ones behind it: away from 127.0.0.1, where everybody else is. */
static const uint32_t first_source = UINT32_C(0x7f010001);

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

/* The port is chosen when it connects: it only has to be free for this server. */
static bool leave_from_source(int fd, uint32_t number) {
    static const int yes = 1;
    const struct sockaddr_in source = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(first_source + number % LOOPBACK_SOURCES),
    };
    return setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes) == 0 &&
           bind(fd, (const struct sockaddr *)&source, sizeof source) == 0;
}

int loopback_connect(const struct sockaddr_storage *server, socklen_t size, uint32_t number) {
    static const int yes = 1;
    int fd = socket(server->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if ((server->ss_family != AF_INET || leave_from_source(fd, number)) &&
        connect(fd, (const struct sockaddr *)server, size) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 &&
        evutil_make_socket_nonblocking(fd) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

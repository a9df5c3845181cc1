#include "gateway/client_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { ADDRESS_SIZE = INET6_ADDRSTRLEN, MAPPED_BITS = 96, HOME_BITS = 64 };

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool read_address(const char *text, struct id128 *address, bool *is_v4) {
    *address = (struct id128){0};
    *is_v4 = inet_pton(AF_INET, text, address->bytes + sizeof mapped_prefix) == 1;
    if (*is_v4) {
        memcpy(address->bytes, mapped_prefix, sizeof mapped_prefix);
        return true;
    }
    return inet_pton(AF_INET6, text, address->bytes) == 1;
}

static void trim(const char **text, size_t *size_bytes) {
    while (*size_bytes > 0 && strchr(" \t", **text) != NULL) {
        ++*text;
        --*size_bytes;
    }
    while (*size_bytes > 0 && strchr(" \t", (*text)[*size_bytes - 1]) != NULL)
        --*size_bytes;
}

/* "10.0.0.0/8" */
static bool read_network(const char *text, size_t size_bytes, struct trusted_proxies *proxies) {
    char copy[ADDRESS_SIZE + 4];
    bool is_v4;
    trim(&text, &size_bytes);
    if (size_bytes >= sizeof copy || proxies->count == TRUSTED_PROXIES_MAX)
        return false;
    memcpy(copy, text, size_bytes);
    copy[size_bytes] = '\0';
    char *slash = strchr(copy, '/');
    if (slash != NULL)
        *slash = '\0';
    struct id128 *address = &proxies->networks[proxies->count].address;
    if (!read_address(copy, address, &is_v4))
        return false;
    unsigned most = is_v4 ? 32 : 128;
    unsigned long bits = most;
    if (slash != NULL) {
        char *end;
        bits = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || bits > most)
            return false;
    }
    proxies->networks[proxies->count++].prefix_bits = (unsigned)bits + (is_v4 ? MAPPED_BITS : 0);
    return true;
}

bool trusted_proxies_read(const char *text, struct trusted_proxies *proxies) {
    proxies->count = 0;
    while (*text != '\0') {
        size_t size = strcspn(text, ",");
        if (!read_network(text, size, proxies))
            return false;
        text += size;
        text += *text == ',';
    }
    return true;
}

static bool is_in(const struct id128 *address, const struct id128 *network, unsigned bits) {
    unsigned whole = bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> bits % 8);
    return memcmp(address->bytes, network->bytes, whole) == 0 &&
           (bits % 8 == 0 || ((address->bytes[whole] ^ network->bytes[whole]) & mask) == 0);
}

static bool is_trusted(const struct trusted_proxies *proxies, const struct id128 *address) {
    for (size_t i = 0; i < proxies->count; i++)
        if (is_in(address, &proxies->networks[i].address, proxies->networks[i].prefix_bits))
            return true;
    return false;
}

static bool is_loopback(const struct id128 *address) {
    static const struct id128 v6 = {.bytes = {[15] = 1}};
    static const struct id128 v4 = {.bytes = {[10] = 0xff, [11] = 0xff, [12] = 127}};
    return id128_equal(address, &v6) || is_in(address, &v4, MAPPED_BITS + 8);
}

/* "192.0.2.7", "192.0.2.7:4711", "2001:db8::7", "[2001:db8::7]:4711" */
static bool read_hop(const char *text, size_t size_bytes, struct id128 *address) {
    char copy[ADDRESS_SIZE];
    bool is_v4;
    trim(&text, &size_bytes);
    const char *colon = memchr(text, ':', size_bytes);
    if (size_bytes > 0 && *text == '[') {
        const char *end = memchr(text, ']', size_bytes);
        if (end == NULL)
            return false;
        size_bytes = (size_t)(end - ++text);
    } else if (colon != NULL &&
               memchr(colon + 1, ':', size_bytes - (size_t)(colon + 1 - text)) == NULL) {
        size_bytes = (size_t)(colon - text);
    }
    if (size_bytes >= sizeof copy)
        return false;
    memcpy(copy, text, size_bytes);
    copy[size_bytes] = '\0';
    return read_address(copy, address, &is_v4);
}

/* From the right as long as who says it is trusted. */
static struct id128 follow(const struct trusted_proxies *proxies, struct id128 address,
                           const char *forwarded) {
    size_t end = strlen(forwarded);
    while (is_trusted(proxies, &address)) {
        size_t start = end;
        struct id128 hop;
        while (start > 0 && forwarded[start - 1] != ',')
            start--;
        if (!read_hop(forwarded + start, end - start, &hop))
            break;
        address = hop;
        if (start == 0)
            break;
        end = start - 1;
    }
    return address;
}

struct client_address client_address_of(const struct trusted_proxies *proxies, const char *peer,
                                        const char *forwarded) {
    struct client_address client = {0};
    bool is_v4;
    if (!read_address(peer, &client.id, &is_v4))
        return client; /* a client that was gone when it was asked for its address */
    client.exempt = is_loopback(&client.id) && !is_trusted(proxies, &client.id);
    if (forwarded != NULL)
        client.id = follow(proxies, client.id, forwarded);
    if (!is_in(&client.id, &(struct id128){.bytes = {[10] = 0xff, [11] = 0xff}}, MAPPED_BITS))
        memset(client.id.bytes + HOME_BITS / 8, 0, sizeof client.id.bytes - HOME_BITS / 8);
    return client;
}

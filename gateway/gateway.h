/*
 * gateway: the process. One struct, made in main and passed down; one thread, one loop.
 *
 *   requests --> routes --> catalogue, seat_maps   (looking, from memory)
 *                      \--> commands --> messages --> owners of partitions, over NATS
 *                      \--> reads                  (own bookings, admin)
 */
#ifndef USHER_GATEWAY_GATEWAY_H
#define USHER_GATEWAY_GATEWAY_H

#include "gateway/access_log.h"
#include "gateway/admin_keys.h"
#include "gateway/catalogue.h"
#include "gateway/commands.h"
#include "gateway/door.h"
#include "gateway/http/http.h"
#include "gateway/identity.h"
#include "gateway/installation.h"
#include "gateway/joins.h"
#include "gateway/keep.h"
#include "gateway/reads.h"
#include "gateway/rooms.h"
#include "gateway/seat_maps.h"
#include "gateway/web/web.h"
#include "shared/bus.h"
#include "shared/config.h"
#include "shared/ops_server.h"

struct admission;
struct gateway_numbers;
struct live;

enum { GATEWAY_TICK_MS = 100, GATEWAY_DRAIN_MS = 10500 };

struct gateway {
    struct config config;
    struct event_base *base;
    struct admission *admission;
    struct gateway_numbers *numbers;
    struct access_log access_log;
    uint64_t instance; /* random; replies come to it */
    struct installation installation;
    struct admin_keys *admin_keys;
    struct identity *identity; /* NULL: the site has no identity provider */
    struct reads *reads;
    struct bus *bus; /* NULL until the installation is known; also the next four */
    struct bus *joins_bus;
    struct jetstream *jetstream; /* on joins_bus */
    struct door *door;
    struct joins *joins;
    struct owners owners;
    struct commands *commands;
    struct keep *keep; /* may be NULL */
    struct catalogue *catalogue;
    struct seat_maps *seat_maps;
    struct rooms *rooms;
    struct live *live;
    struct web *web;
    struct http_tls *tls; /* NULL: plain HTTP */
    struct cors *cors;
    struct http_server *http;
    struct ops_server *ops;
    struct event *tick;
    struct event *flush; /* fd-less: activated, it runs at the end of the loop's turn */
    struct event *signals[3];
    bool failed; /* the process ends with an error */
};

#endif

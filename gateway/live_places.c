#include "gateway/live_places.h"

#include "shared/id_map.h"

#include <stdlib.h>

struct live_address {
    struct id128 id;
    uint32_t count;
};

struct live_places {
    struct live_places_config config;
    uint32_t max;
    uint32_t taken;
    int64_t opening_full_ns;
    struct id_map *by_address;
};

struct live_places *live_places_create(const struct live_places_config *config) {
    struct live_places *places = calloc(1, sizeof *places);
    if (!places)
        return NULL;
    places->config = *config;
    places->max = (uint32_t)((uint64_t)config->connections_max * LIVE_SHARE / LIVE_SHARE_OF);
    places->by_address = id_map_create(config->connections_max);
    if (!places->by_address) {
        free(places);
        return NULL;
    }
    return places;
}

void live_places_destroy(struct live_places *places) {
    if (!places)
        return;
    ensure(places->taken == 0);
    id_map_destroy(places->by_address);
    free(places);
}

static enum live_refusal look(const struct live_places *places,
                              const struct client_address *address) {
    const struct live_address *known =
        address->exempt ? NULL : id_map_get(places->by_address, &address->id);
    if (places->taken >= places->max)
        return LIVE_FULL;
    return known && known->count >= places->config.per_address ? LIVE_ADDRESS_FULL
                                                               : LIVE_NOT_REFUSED;
}

enum live_refusal live_places_ask(struct live_places *places, const struct client_address *address,
                                  int64_t now_us) {
    enum live_refusal refusal = look(places, address);
    if (refusal == LIVE_NOT_REFUSED &&
        limit_take(&places->config.opening, &places->opening_full_ns, now_us) > 0)
        refusal = LIVE_TOO_FAST;
    return refusal;
}

/* The address's entry, made when there is none; NULL: no memory. */
static struct live_address *entry_of(struct live_places *places, const struct id128 *id) {
    struct live_address *entry = id_map_get(places->by_address, id);
    if (entry)
        return entry;
    entry = calloc(1, sizeof *entry);
    if (!entry || id_map_put(places->by_address, id, entry) != STATUS_OK) {
        free(entry);
        return NULL;
    }
    entry->id = *id;
    return entry;
}

enum live_refusal live_places_take(struct live_places *places, const struct client_address *address,
                                   struct live_address **taken) {
    enum live_refusal refusal = look(places, address);
    *taken = NULL;
    if (refusal != LIVE_NOT_REFUSED)
        return refusal;
    if (!address->exempt) {
        *taken = entry_of(places, &address->id);
        if (!*taken)
            return LIVE_FULL;
        (*taken)->count++;
    }
    places->taken++;
    return LIVE_NOT_REFUSED;
}

void live_places_leave(struct live_places *places, struct live_address *address) {
    places->taken--;
    if (!address || --address->count > 0)
        return;
    ensure(id_map_remove(places->by_address, &address->id) == address);
    free(address);
}

uint32_t live_places_taken(const struct live_places *places) {
    return places->taken;
}

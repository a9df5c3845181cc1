#include "ops/benchmarks/drop_private.h"

const char *drop_seats_take(struct drop *drop, json_t *document) {
    const char *seats = NULL;
    size_t size_bytes = 0;
    if (json_unpack(document, "{s:s%}", "seats", &seats, &size_bytes) != 0 ||
        size_bytes != drop->plan->seat_count || strspn(seats, "AHB") != size_bytes)
        return "it is not the map";
    memcpy(drop->map, seats, size_bytes);
    return NULL;
}

bool drop_seats_choose(struct drop *drop, uint32_t wanted, struct purchase *purchase) {
    uint32_t count = drop->plan->seat_count;
    uint32_t start = (uint32_t)drop_chance(drop, count);
    uint32_t best_first = 0;
    uint32_t best = 0;
    uint32_t run = 0;
    for (uint32_t i = 0; i < count + wanted - 1 && best < wanted; i++) {
        uint32_t seat = (start + i) % count;
        run = drop->map[seat] != 'A' ? 0 : seat == 0 ? 1 : run + 1;
        if (run > best) {
            best = run;
            best_first = seat + 1 - run;
        }
    }
    purchase->seat_count = best;
    for (uint32_t i = 0; i < best; i++)
        purchase->seats[i] = best_first + i;
    return best > 0;
}

void drop_seats_taken(struct drop *drop, const struct purchase *purchase, json_t *document) {
    const json_t *named = json_object_get(document, "seatIds");
    for (uint32_t i = 0; i < purchase->seat_count; i++) {
        const char *id = drop->plan->seats[purchase->seats[i]];
        for (size_t k = 0; k < json_array_size(named); k++) {
            const char *text = json_string_value(json_array_get(named, k));
            if (text != NULL && strcmp(text, id) == 0)
                drop->map[purchase->seats[i]] = 'H';
        }
    }
}

bool drop_seats_are(const struct drop *drop, const struct purchase *purchase,
                    const json_t *document) {
    const json_t *seats = json_object_get(document, "seatIds");
    if (json_array_size(seats) != purchase->seat_count)
        return false;
    for (uint32_t i = 0; i < purchase->seat_count; i++) {
        const char *id = json_string_value(json_array_get(seats, i));
        if (id == NULL || strcmp(id, drop->plan->seats[purchase->seats[i]]) != 0)
            return false;
    }
    return true;
}

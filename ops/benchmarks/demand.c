#include "ops/benchmarks/demand.h"

#include <stdlib.h>

uint64_t demand_random(uint64_t *seed) {
    uint64_t mixed = *seed += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

void demand_init(struct demand *demand, uint32_t seat_count, uint32_t storm_buyers, uint64_t seed) {
    demand->buyers = storm_buyers > 0 ? storm_buyers : seat_count / 2;
    demand->first_seat = calloc(demand->buyers, sizeof demand->first_seat[0]);
    ensure(demand->first_seat != NULL);
    for (uint32_t i = 0; i < demand->buyers; i++) {
        uint64_t chance = demand_random(&seed);
        if (storm_buyers > 0) {
            demand->first_seat[i] = (uint32_t)(chance % (seat_count - 1));
        } else { /* shuffled while they come */
            uint32_t other = (uint32_t)(chance % (i + 1));
            demand->first_seat[i] = demand->first_seat[other];
            demand->first_seat[other] = 2 * i;
        }
    }
}

void demand_clear(struct demand *demand) {
    free(demand->first_seat);
}

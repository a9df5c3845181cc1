/*
 * admission: what the rows of a waiting room have to say, whatever happened while people were let
 * in: everybody who joined is called once, in the order of the numbers they were told, and never
 * more shop at a time than may.
 */
#ifndef USHER_TESTS_INTEGRATION_ADMISSION_H
#define USHER_TESTS_INTEGRATION_ADMISSION_H

#include "tests/integration/joiners.h"

/* Those who have no number yet join, again and again until each has one. When they asked is then
 * when they did so first. Fails past `limit_ms`. */
void admission_join_all(struct cluster *cluster, int64_t event_id, struct joiner *joiners,
                        size_t count, int64_t limit_ms);
/* How far the door has gone, as stored. */
int64_t admission_reached(struct cluster *cluster, int64_t event_id);
void admission_wait(struct cluster *cluster, int64_t event_id, int64_t number, int64_t limit_ms);

/* `joiners` are all who ever joined. Fails unless those up to where the door has gone, and nobody
 * else, have a turn each (who was not told a number in time may have missed one before); called_at
 * and numbers ascend together; at no time more than `max_shoppers` had been called and not ended;
 * and `usherctl audit` finds nothing. Returns the most who were. */
int64_t admission_expect_sound(struct cluster *cluster, int64_t event_id,
                               const struct joiner *joiners, size_t count, int64_t max_shoppers);

#endif

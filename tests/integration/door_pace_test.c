/*
 * The door's pace: with maxShoppers people inside and many waiting, a third of whom don't come and
 * some of whom never finish, the shop is full all the time; a sold-out event shuts its door, and
 * seats that come back while it is open let people in.
 *
 * WAITING people, LONG_WAITING with USHER_TEST_LONG=1. Nobody here is in a hurry: how full the shop
 * is depends on how long people stay, and how soon the next one is called.
 */
#include "tests/integration/admission.h"
#include "tests/support/expect.h"
#include "tests/support/queue.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    WAITING = 2000,
    LONG_WAITING = 10000,
    SHOPPERS = 50,
    CLAIM_S = 3,
    PASS_S = 6,
    AFTER_MS = 4000, /* since the door opened: everybody's stay has its usual length */
    WATCHED_MS = 9000,
    LONG_WATCHED_MS = 300000,
    LEAST_PERCENT = 90,
    COMING_MS = 800,  /* somebody called claims within … */
    BUYING_MS = 3000, /* … and buys so much later */
    LIMIT_MS = 60000,
    ROWS = 26,
    SEATS = 100,
    FEW = 8, /* seats of the event that sells out */
    FREED = 5,
};

/* --- shoppers */

enum stay { STAY_OUTSIDE, STAY_CALLED, STAY_SHOPPING, STAY_OVER };

struct shopper {
    const struct joiner *joiner;
    enum stay stay;
    int64_t next_ms; /* when the next thing is done */
    char pass[SHOP_TEXT_SIZE];
};

struct shop {
    struct cluster *cluster;
    int64_t event_id;
    struct shopper *by_number; /* [number - 1] */
    size_t count;
    size_t called, first; /* all before `first` are over */
    unsigned sold;
};

static bool comes(int64_t number) {
    return number % 3 != 0;
}

static bool finishes(int64_t number) {
    return number % 11 != 1;
}

static struct shop open_shop(struct cluster *cluster, int64_t event_id,
                             const struct joiner *joiners, size_t count) {
    struct shop shop = {.cluster = cluster, .event_id = event_id, .count = count};
    shop.by_number = calloc(count, sizeof *shop.by_number);
    ensure(shop.by_number != NULL);
    joiners_expect_dense(joiners, count, 1);
    for (size_t i = 0; i < count; i++) {
        shop.by_number[joiners[i].number - 1].joiner = &joiners[i];
    }
    return shop;
}

static void claim(struct shop *shop, struct shopper *shopper) {
    const struct joiner *joiner = shopper->joiner;
    struct http_answer answer = queue_claim(shop->cluster, joiner->gateway, &joiner->customer,
                                            shop->event_id, joiner->queue_token);
    const char *pass = http_answer_text(&answer, "pass");
    (void)snprintf(shopper->pass, sizeof shopper->pass, "%s", pass != NULL ? pass : "");
    shop_expect(answer, 200, NULL);
}

static void buy(struct shop *shop, const struct shopper *shopper) {
    const struct joiner *joiner = shopper->joiner;
    char seat[16], booking_id[64];
    (void)snprintf(seat, sizeof seat, "%c%u", 'A' + (int)(shop->sold / SEATS),
                   shop->sold % SEATS + 1);
    shop->sold++;
    struct http_answer answer = queue_reserve(shop->cluster, joiner->gateway, &joiner->customer,
                                              shop->event_id, seat, shopper->pass);
    const char *id = http_answer_text(&answer, "bookingId");
    (void)snprintf(booking_id, sizeof booking_id, "%s", id != NULL ? id : "");
    shop_expect(answer, 201, NULL);
    shop_expect(shop_confirm(shop->cluster, joiner->gateway, &joiner->customer, booking_id), 200,
                NULL);
}

/* What somebody does next, and when the thing after it is due. */
static void step(struct shop *shop, struct shopper *shopper, int64_t now_ms) {
    int64_t number = shopper->joiner->number;
    switch (shopper->stay) {
    case STAY_OUTSIDE:
        shopper->stay = comes(number) ? STAY_CALLED : STAY_OVER;
        shopper->next_ms = now_ms + number * 7 % COMING_MS;
        break;
    case STAY_CALLED:
        claim(shop, shopper);
        shopper->stay = finishes(number) ? STAY_SHOPPING : STAY_OVER;
        shopper->next_ms = now_ms + BUYING_MS;
        break;
    case STAY_SHOPPING:
        buy(shop, shopper);
        shopper->stay = STAY_OVER;
        break;
    case STAY_OVER:
        break;
    }
}

/* Everybody who has been called does what is due. */
static void shop_on(struct shop *shop) {
    shop->called = (size_t)admission_reached(shop->cluster, shop->event_id);
    expect(shop->called < shop->count, "nobody waits any more");
    for (size_t i = shop->first; i < shop->called; i++) {
        struct shopper *shopper = &shop->by_number[i];
        if (shopper->stay != STAY_OVER && wait_now_ms() >= shopper->next_ms) {
            step(shop, shopper, wait_now_ms());
        }
        if (shopper->stay == STAY_OVER && i == shop->first) {
            shop->first++;
        }
    }
}

static void shop_until(struct shop *shop, int64_t end_ms) {
    const struct wait wait = wait_at_most(end_ms - wait_now_ms() + LIMIT_MS);
    for (; wait_now_ms() < end_ms; wait_again(&wait, "people to shop")) {
        shop_on(shop);
    }
}

static int64_t database_now_us(struct cluster *cluster) {
    return sql_number(cluster->sql,
                      "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", NULL);
}

/* How full the shop was between two times, in percent, from the stored turns. */
static int64_t fullness(struct cluster *cluster, int64_t event_id, int64_t from_us, int64_t to_us) {
    char event[24], from[24], to[24], shoppers[24];
    (void)snprintf(event, sizeof event, "%" PRId64, event_id);
    (void)snprintf(from, sizeof from, "%" PRId64, from_us);
    (void)snprintf(to, sizeof to, "%" PRId64, to_us);
    (void)snprintf(shoppers, sizeof shoppers, "%d", SHOPPERS);
    return sql_number(
        cluster->sql,
        "SELECT (100 * sum(greatest(0, least($3::bigint, coalesce(gone, $3::bigint))"
        " - greatest($2::bigint, came))) / (($3::bigint - $2::bigint) * $4::bigint))::bigint"
        " FROM (SELECT (extract(epoch FROM called_at) * 1000000)::bigint AS came,"
        " (extract(epoch FROM ended_at) * 1000000)::bigint AS gone FROM usher.turn"
        " WHERE event_id = $1 AND called_at IS NOT NULL) t",
        (const char *[]){event, from, to, shoppers, NULL});
}

static void the_door_never_starves(void **state) {
    struct cluster *cluster = *state;
    bool is_long = getenv("USHER_TEST_LONG") != NULL;
    size_t waiting = is_long ? LONG_WAITING : WAITING;
    char settings[SHOP_TEXT_SIZE];
    (void)snprintf(settings, sizeof settings,
                   "\"mode\":\"paused\",\"admitsPerMinute\":60000,\"maxShoppers\":%d,"
                   "\"claimSeconds\":%d,\"passSeconds\":%d",
                   SHOPPERS, CLAIM_S, PASS_S);
    int64_t event_id = queue_event(cluster, shop_venue(cluster, ROWS, SEATS), settings, NULL);
    struct joiner *joiners = joiners_create(cluster, waiting);
    admission_join_all(cluster, event_id, joiners, waiting, LIMIT_MS);
    struct shop shop = open_shop(cluster, event_id, joiners, waiting);
    queue_patch(cluster, event_id, "{\"room\":{\"mode\":\"open\"}}");
    int64_t began_ms = wait_now_ms();
    shop_until(&shop, began_ms + AFTER_MS);
    int64_t from_us = database_now_us(cluster);
    shop_until(&shop, began_ms + AFTER_MS + (is_long ? LONG_WATCHED_MS : WATCHED_MS));
    int64_t to_us = database_now_us(cluster);
    queue_patch(cluster, event_id, "{\"room\":{\"mode\":\"paused\"}}");
    int64_t percent = fullness(cluster, event_id, from_us, to_us);
    int64_t most = admission_expect_sound(cluster, event_id, joiners, waiting, SHOPPERS);
    print_message("%zu called, %u bought; the shop was %" PRId64 "%% full, at most %" PRId64
                  " were in\n",
                  shop.called, shop.sold, percent, most);
    expect(percent >= LEAST_PERCENT, "the shop was %" PRId64 "%% full", percent);
    free(shop.by_number);
    free(joiners);
}

/* --- sold out */

struct guest {
    struct shop_customer customer;
    struct queue_place place;
    char booking_id[64];
};

/* Guest i of an event takes seat "A<i>". */
static void take_seat(struct cluster *cluster, struct guest *guest, unsigned seat) {
    char seat_id[16];
    (void)snprintf(seat_id, sizeof seat_id, "A%u", seat);
    queue_take_pass(cluster, 0, &guest->customer, &guest->place);
    struct http_answer answer = queue_reserve(cluster, 0, &guest->customer, guest->place.event_id,
                                              seat_id, guest->place.pass);
    const char *id = http_answer_text(&answer, "bookingId");
    (void)snprintf(guest->booking_id, sizeof guest->booking_id, "%s", id != NULL ? id : "");
    shop_expect(answer, 201, NULL);
}

/* Whoever is there has been seen by the owner, and nobody more is called. */
static void expect_shut(struct cluster *cluster, int64_t event_id, int64_t admitted) {
    struct shop_customer customer;
    struct queue_place place;
    shop_customer(cluster, &customer);
    queue_enter(cluster, 1, &customer, event_id, 201, &place);
    struct wait wait = wait_at_most(LIMIT_MS);
    for (int64_t told = 0; told < place.number;) {
        struct http_answer answer = queue_state(cluster, 0, event_id);
        told = http_answer_number(&answer, "lastNumber");
        http_answer_free(&answer);
        if (told < place.number) {
            wait_again(&wait, "the last number to be told");
        }
    }
    assert_int_equal(admission_reached(cluster, event_id), admitted);
}

static void what_is_free_lets_people_in(void **state) {
    struct cluster *cluster = *state;
    struct guest guests[2 * FEW] = {0};
    char settings[SHOP_TEXT_SIZE];
    (void)snprintf(settings, sizeof settings,
                   "\"mode\":\"open\",\"admitsPerMinute\":60000,\"maxShoppers\":%d", FEW + 1);
    int64_t event_id = queue_event(cluster, shop_venue(cluster, 1, FEW), settings, NULL);
    queue_wait_phase(cluster, 0, event_id, "OPEN");
    for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
        shop_customer(cluster, &guests[i].customer);
        queue_enter(cluster, 0, &guests[i].customer, event_id, 201, &guests[i].place);
    }
    for (unsigned i = 0; i < FEW; i++) {
        take_seat(cluster, &guests[i], i + 1);
    }
    struct guest *onlooker = &guests[FEW]; /* has a pass and no seat */
    queue_take_pass(cluster, 0, &onlooker->customer, &onlooker->place);
    expect_shut(cluster, event_id, FEW + 1);

    for (unsigned i = 0; i < FREED; i++) {
        shop_expect(shop_cancel(cluster, 0, &guests[i].customer, guests[i].booking_id), 200, NULL);
        shop_expect(queue_leave(cluster, 0, &guests[i].customer, event_id, guests[i].place.token),
                    204, NULL);
    }
    for (unsigned i = 0; i < FREED; i++) {
        take_seat(cluster, &guests[FEW + 1 + i], i + 1);
    }
    expect_shut(cluster, event_id, FEW + 1 + FREED);

    for (unsigned i = FREED; i < FEW + 1 + FREED; i++) {
        if (&guests[i] != onlooker) {
            shop_expect(shop_confirm(cluster, 1, &guests[i].customer, guests[i].booking_id), 200,
                        NULL);
        }
    }
    queue_wait_phase(cluster, 0, event_id, "WAITLIST");
    queue_wait_phase(cluster, 1, event_id, "WAITLIST");
    shop_expect(
        queue_reserve(cluster, 0, &onlooker->customer, event_id, "A1", onlooker->place.pass), 403,
        NULL);
    shop_expect(queue_reserve(cluster, 1, &guests[2 * FEW - 1].customer, event_id, "A1", NULL), 403,
                "pass-required");
    expect_shut(cluster, event_id, FEW + 1 + FREED);
}

static int open_cluster(void **state) {
    (void)cluster_create(state, NULL);
    return 0;
}

static void all_ends_well(void **state) {
    shop_expect_sound_database(*state);
    cluster_finish(*state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_free_lets_people_in),
        cmocka_unit_test(the_door_never_starves),
        cmocka_unit_test(all_ends_well),
    };
    return cmocka_run_group_tests(tests, open_cluster, cluster_teardown);
}

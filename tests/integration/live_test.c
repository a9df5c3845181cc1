/* Fifty listeners on two gateways keep a map of the seats while customers book as fast as they can,
 * seat news get lost and the owner is killed: everybody sees every change, within a second of its
 * customer's answer, and in the end all maps are the database's. */
#include "tests/integration/audience.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    LISTENERS = 50,
    ROWS = 10,
    SEATS = 60, /* a row */
    SEATS_IN_ALL = ROWS * SEATS,
    CUSTOMERS = 12,
    SEATS_EACH = SEATS_IN_ALL / CUSTOMERS,
    RUN_MS = 9000,
    KILL_MS = 3000,  /* the owner */
    LOSE_MS = 150,   /* a message, at a gateway by turns; and a listener begins anew */
    SEEN_MS = 20000, /* by everybody, at the latest */
    LATENCIES_MAX = 4000000,
    WITHIN_MS = 1000, /* p99 */
};

/* A change that was answered, and who has not seen it yet. */
struct change {
    char state;
    int64_t answered_us;
    uint64_t unseen; /* listeners, a bit each */
};

struct customer {
    struct shop_customer account;
    struct http_connection *connection;
    unsigned first_seat;
    unsigned turn;  /* which of the seats is next */
    unsigned asked; /* the seat under way; SEATS_IN_ALL: none */
    unsigned requests;
    char path[SHOP_TEXT_SIZE];
    char body[SHOP_TEXT_SIZE];
    char key[32];
};

struct scene {
    struct audience_config config;
    struct audience *audience;
    struct customer customers[CUSTOMERS];
    struct http_connection *connections[CUSTOMERS];
    struct change changes[SEATS_IN_ALL];
    char bookings[SEATS_IN_ALL][64]; /* of the held ones; "" free */
    uint32_t *latencies_us;
    size_t latency_count;
    unsigned changed; /* bookings made and cancelled */
    unsigned repeated;
    unsigned lost;
};

/* --- who sees what, when --------------------------------------------------------------------- */

static void note_seen(struct scene *scene, unsigned listener, struct change *change) {
    int64_t late_us = wait_now_ms() * 1000 - change->answered_us;
    change->unseen &= ~(UINT64_C(1) << listener);
    expect(scene->latency_count < LATENCIES_MAX, "too much was seen");
    scene->latencies_us[scene->latency_count++] = late_us > 0 ? (uint32_t)late_us : 0;
}

static void on_change(void *context, unsigned listener, unsigned seat, char state) {
    struct scene *scene = context;
    struct change *change = &scene->changes[seat];
    if (change->unseen >> listener & 1 && change->state == state)
        note_seen(scene, listener, change);
}

static void note_change(struct scene *scene, unsigned seat, char state, int64_t answered_us) {
    struct change *change = &scene->changes[seat];
    *change = (struct change){state, answered_us, (UINT64_C(1) << LISTENERS) - 1};
    for (unsigned i = 0; i < LISTENERS; i++)
        if (audience_sees(scene->audience, i, seat) == state)
            note_seen(scene, i, change);
    scene->changed++;
}

static unsigned unseen_count(const struct scene *scene) {
    unsigned count = 0;
    for (unsigned seat = 0; seat < SEATS_IN_ALL; seat++)
        count += scene->changes[seat].unseen != 0;
    return count;
}

static int by_size(const void *a, const void *b) {
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return (one > other) - (one < other);
}

static void expect_seen_soon(struct scene *scene) {
    size_t count = scene->latency_count;
    qsort(scene->latencies_us, count, sizeof *scene->latencies_us, by_size);
    double p50_ms = scene->latencies_us[count / 2] / 1e3;
    double p99_ms = scene->latencies_us[count * 99 / 100] / 1e3;
    struct audience_figures figures = audience_figures(scene->audience);
    print_message("%u changes (%u requests repeated, %u messages lost) seen by %d listeners: "
                  "p50 %.0f ms, p99 %.0f ms, at most %.0f ms after the answer\n",
                  scene->changed, scene->repeated, scene->lost, LISTENERS, p50_ms, p99_ms,
                  scene->latencies_us[count - 1] / 1e3);
    print_message("%u frames, %u hellos; fetched %u times by strict listeners, %u by the others\n",
                  figures.frames, figures.hellos, figures.strict_fetches, figures.other_fetches);
    assert_int_equal(count, (size_t)scene->changed * LISTENERS);
    expect(p99_ms <= WITHIN_MS, "p99 is %.0f ms", p99_ms);
}

/* --- customers ------------------------------------------------------------------------------- */

static void send_request(struct scene *scene, struct customer *customer) {
    const struct http_request request = {.method = "POST",
                                         .path = customer->path,
                                         .token = customer->account.token,
                                         .key = customer->key,
                                         .body = *customer->body ? customer->body : NULL};
    struct cluster *cluster = scene->config.cluster;
    unsigned gateway = customer->requests++ % cluster->gateway_count;
    http_connection_set_port(customer->connection, cluster->gateways[gateway].port);
    http_connection_send(customer->connection, &request, HTTP_CALL_MS);
}

static void ask(struct scene *scene, struct customer *customer, unsigned seat) {
    char text[16];
    customer->asked = seat;
    (void)snprintf(customer->key, sizeof customer->key, "%u-%u", customer->first_seat,
                   customer->requests);
    *customer->body = '\0';
    if (*scene->bookings[seat]) {
        (void)snprintf(customer->path, sizeof customer->path, "/bookings/%s/cancel",
                       scene->bookings[seat]);
    } else {
        (void)snprintf(customer->path, sizeof customer->path, "/bookings/reserve");
        (void)shop_reserve_body(customer->body, scene->config.event_id,
                                audience_seat_text(&scene->config, seat, text));
    }
    send_request(scene, customer);
}

/* The next of its seats whose last change everybody has seen. */
static void ask_next(struct scene *scene, struct customer *customer) {
    for (unsigned i = 0; i < SEATS_EACH; i++) {
        unsigned seat = customer->first_seat + customer->turn++ % SEATS_EACH;
        if (scene->changes[seat].unseen == 0) {
            ask(scene, customer, seat);
            return;
        }
    }
}

static void take_answer(struct scene *scene, struct customer *customer,
                        const struct http_answer *answer) {
    unsigned seat = customer->asked;
    char *booking = scene->bookings[seat];
    if (answer->status != 201 && answer->status != 200) {
        expect(answer->status == 503 || answer->outcome != HTTP_ANSWERED, "%s: %d %s",
               customer->path, answer->status, answer->body);
        scene->repeated++;
        send_request(scene, customer);
        return;
    }
    customer->asked = SEATS_IN_ALL;
    if (*booking) {
        *booking = '\0';
        note_change(scene, seat, 'A', answer->done_us);
    } else {
        (void)snprintf(booking, sizeof scene->bookings[seat], "%s",
                       http_answer_text(answer, "bookingId"));
        note_change(scene, seat, 'H', answer->done_us);
    }
}

static void turn(struct scene *scene, bool asks) {
    http_drive(scene->connections, CUSTOMERS, 0);
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        struct customer *customer = &scene->customers[i];
        struct http_answer answer;
        if (customer->asked < SEATS_IN_ALL && http_connection_take(customer->connection, &answer)) {
            take_answer(scene, customer, &answer);
            http_answer_free(&answer);
        }
        if (asks && customer->asked == SEATS_IN_ALL)
            ask_next(scene, customer);
    }
    audience_turn(scene->audience);
}

static bool is_anybody_asking(const struct scene *scene) {
    for (unsigned i = 0; i < CUSTOMERS; i++)
        if (scene->customers[i].asked < SEATS_IN_ALL)
            return true;
    return false;
}

static void open_shop(struct scene *scene) {
    struct shop_customer accounts[CUSTOMERS];
    shop_customers(scene->config.cluster, accounts, CUSTOMERS);
    for (unsigned i = 0; i < CUSTOMERS; i++) {
        scene->connections[i] = http_connection_create(scene->config.cluster->gateways[0].port);
        scene->customers[i] = (struct customer){.account = accounts[i],
                                                .connection = scene->connections[i],
                                                .first_seat = i * SEATS_EACH,
                                                .asked = SEATS_IN_ALL};
    }
}

/* --- the story ------------------------------------------------------------------------------- */

/* The next seat news that come to a gateway get lost. */
static void lose_news(struct scene *scene) {
    struct cluster *cluster = scene->config.cluster;
    struct cluster_process *gateway = &cluster->gateways[scene->lost % cluster->gateway_count];
    if (cluster_is_armed(gateway, "messages.seats-lost"))
        return;
    cluster_arm(gateway, "messages.seats-lost", "fail");
    scene->lost++;
}

static void book_through_trouble(struct scene *scene) {
    struct cluster *cluster = scene->config.cluster;
    int64_t began_ms = wait_now_ms();
    int64_t lose_at_ms = began_ms;
    int owner = cluster_owner(cluster, scene->config.event_id);
    unsigned restarted = 0;
    bool is_killed = false;
    for (int64_t now_ms; (now_ms = wait_now_ms()) < began_ms + RUN_MS;) {
        turn(scene, true);
        if (now_ms >= lose_at_ms) {
            lose_news(scene);
            audience_restart(scene->audience, restarted++ % LISTENERS);
            lose_at_ms = now_ms + LOSE_MS;
        }
        if (!is_killed && now_ms >= began_ms + KILL_MS) {
            cluster_kill(&cluster->workers[owner]);
            is_killed = true;
        }
    }
    struct wait wait = wait_at_most(SEEN_MS);
    while (is_anybody_asking(scene) || unseen_count(scene) > 0) {
        expect(!wait_is_over(&wait), "%u changes were not seen by all", unseen_count(scene));
        turn(scene, false);
    }
    cluster_start_worker(cluster, (unsigned)owner);
}

static void everybody_sees_everything(void **state) {
    static struct scene scene;
    struct cluster *cluster = cluster_create(state, NULL);
    const struct shop_event event = {.venue_id = shop_venue(cluster, ROWS, SEATS),
                                     .seats_per_user = SEATS_EACH};
    scene = (struct scene){.config = {.cluster = cluster,
                                      .event_id = shop_event(cluster, &event),
                                      .rows = ROWS,
                                      .seats_per_row = SEATS,
                                      .count = LISTENERS,
                                      .on_change = on_change,
                                      .context = &scene}};
    scene.latencies_us = calloc(LATENCIES_MAX, sizeof *scene.latencies_us);
    ensure(scene.latencies_us);
    scene.audience = audience_create(&scene.config);
    open_shop(&scene);
    book_through_trouble(&scene);
    expect_seen_soon(&scene);
    audience_expect_stored(scene.audience);
    audience_destroy(scene.audience);
    for (unsigned i = 0; i < CUSTOMERS; i++)
        http_connection_destroy(scene.connections[i]);
    free(scene.latencies_us);
    cluster_wait_ready(cluster);
    shop_expect_sound_database(cluster);
    cluster_finish(cluster);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(everybody_sees_everything, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

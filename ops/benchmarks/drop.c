#include "ops/benchmarks/drop_private.h"

#include "ops/benchmarks/demand.h"
#include "shared/clock.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum {
    CROWDS = 2, /* its looks at the room and at the seats */
    ROOM_EVERY = 8,
    MAP_EVERY = 16,
    SALE_PART = 3, /* the sale begins after one in so many of the joining time */
};

uint64_t drop_chance(struct drop *drop, uint64_t below) {
    return demand_random(&drop->chance) % below;
}

void drop_wrong(struct drop *drop, const struct person *person, const struct answer *answer,
                const char *why) {
    drop->result->wrong++;
    if (drop->told)
        return;
    drop->told = true;
    fprintf(stderr,
            "the first answer that is wrong, to %s of person %td, number %" PRIu64
            ": %s: %d %.*s\n",
            drop_act_text((enum drop_act)person->act), person - drop->people, person->number, why,
            answer->status, (int)answer->body_bytes, answer->body);
}

/* --- the agenda */

static void put(struct drop *drop, struct person *person, enum drop_act act, int64_t due_us) {
    int64_t slot = (due_us - drop->began_us) / 1000;
    slot = slot < drop->slot ? drop->slot : slot;
    if (slot >= drop->slot_count)
        return; /* after the end of the run */
    person->act = (uint8_t)act;
    person->due_us = due_us;
    person->next = drop->slots[slot];
    drop->slots[slot] = (uint32_t)(person - drop->people);
}

void drop_plan_act(struct drop *drop, struct person *person, enum drop_act act, int64_t part) {
    int64_t about_us = part * drop->plan->joining_ms;
    int64_t after_us = about_us / 2 + (int64_t)drop_chance(drop, (uint64_t)about_us);
    put(drop, person, act, clock_monotonic_us() + after_us);
}

static void add_due(struct drop *drop, uint32_t index) {
    drop->people[index].next = DROP_NOBODY;
    if (drop->due_first == DROP_NOBODY)
        drop->due_first = index;
    else
        drop->people[drop->due_last].next = index;
    drop->due_last = index;
}

static void add_all_due(struct drop *drop) {
    int64_t now_us = clock_monotonic_us();
    int64_t up_to = (now_us - drop->began_us) / 1000;
    while (drop->slot < up_to && drop->slot < drop->slot_count) {
        uint32_t index = drop->slots[drop->slot++];
        while (index != DROP_NOBODY) {
            uint32_t next = drop->people[index].next;
            histogram_record(&drop->result->late_us,
                             (uint64_t)(now_us - drop->people[index].due_us));
            add_due(drop, index);
            index = next;
        }
    }
}

static struct person *take_due(struct drop *drop) {
    if (drop->due_first == DROP_NOBODY)
        return NULL;
    struct person *person = &drop->people[drop->due_first];
    drop->due_first = person->next;
    return person;
}

/* --- the crowd */

static void call_up_to(struct drop *drop, uint64_t serving) {
    for (uint64_t number = drop->now_serving + 1; number <= serving; number++) {
        uint32_t index = drop->by_number[number];
        struct person *person = index != DROP_NOBODY ? &drop->people[index] : NULL;
        if (person != NULL && person->waiting && person->number == number)
            drop_person_called(drop, person);
    }
    if (drop->now_serving < serving)
        drop->now_serving = serving;
}

const char *drop_see_room(struct drop *drop, const struct person *person, json_t *document,
                          struct drop_room *room) {
    uint64_t *seen = &drop->seen[person->connection];
    json_int_t serving = -1;
    json_int_t last = -1;
    const char *phase = NULL;
    if (json_unpack(document, "{s:I, s:I, s:s}", "nowServing", &serving, "lastNumber", &last,
                    "phase", &phase) != 0 ||
        serving < 0 || last < serving || (uint64_t)last > drop->number_limit)
        return "it is not the room";
    if ((uint64_t)serving < *seen)
        return "the door goes back";
    if (serving > 0 && clock_monotonic_us() < drop->sale_us)
        return "somebody was admitted before the sale";
    *seen = (uint64_t)serving;
    *room = (struct drop_room){(uint64_t)serving, strcmp(phase, "WAITLIST") == 0};
    return NULL;
}

static const char *crowd_sees(struct drop *drop, const struct person *crowd, json_t *document) {
    struct drop_room room;
    const char *why = drop_see_room(drop, crowd, document, &room);
    if (why != NULL)
        return why;
    drop->sold_out = room.sold_out;
    call_up_to(drop, room.now_serving);
    return NULL;
}

static void crowd_answered(struct drop *drop, struct person *crowd, enum drop_outcome outcome,
                           const struct answer *answer, json_t *document) {
    bool room = crowd->act == DROP_ROOM;
    const char *why = NULL;
    if (outcome == OUTCOME_WRONG)
        why = "it is none that is expected";
    else if (outcome == OUTCOME_DONE)
        why = room ? crowd_sees(drop, crowd, document) : drop_seats_take(drop, document);
    if (why != NULL)
        drop_wrong(drop, crowd, answer, why);
    drop_plan_act(drop, crowd, (enum drop_act)crowd->act, room ? ROOM_EVERY : MAP_EVERY);
}

/* --- requests */

static size_t drop_next(void *context, uint32_t connection, char *request) {
    struct drop *drop = context;
    struct person *person = NULL;
    add_all_due(drop);
    while ((person = take_due(drop)) != NULL) {
        if (drop_person_prepare(drop, person)) {
            drop->asking[connection] = (uint32_t)(person - drop->people);
            person->connection = connection;
            person->floor = drop->highest;
            return drop_write_request(drop, person, request);
        }
    }
    return 0;
}

static void end_if_over(struct drop *drop) {
    struct drop_result *result = drop->result;
    if (drop->sold_out && result->seats_paid == drop->plan->seat_count && drop->shoppers == 0 &&
        result->joined == drop->plan->people) {
        result->sold_out = true;
        client_stop(drop->client);
    }
}

void drop_take(struct drop *drop, struct person *person, const struct answer *answer) {
    json_t *document = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    enum drop_outcome outcome = drop_judge(drop, person, answer, document);
    histogram_record(&drop->result->latency_us[person->act],
                     (uint64_t)(clock_monotonic_us() - person->due_us));
    if (person < drop->people + drop->person_count)
        drop_person_answered(drop, person, outcome, answer, document);
    else
        crowd_answered(drop, person, outcome, answer, document);
    json_decref(document);
}

static void drop_answered(void *context, uint32_t connection, const struct answer *answer,
                          int64_t took_us) {
    (void)took_us; /* since it left, not since it was meant to */
    struct drop *drop = context;
    drop_take(drop, &drop->people[drop->asking[connection]], answer);
    end_if_over(drop);
}

static void drop_lost(void *context, uint32_t connection) {
    (void)connection;
    ((struct drop *)context)->result->lost++;
}

/* --- the run */

/* When somebody comes, in ms from the first one on: half of them at any time, three tenths in the
 * rush at the room's door, two tenths when the sale begins. */
static int64_t arrival_ms(struct drop *drop) {
    static const double rush_part = 0.05;
    static const double used_part = 0.97; /* the last answers have to come within the time, too */
    double all_ms = (double)drop->plan->joining_ms * used_part;
    double chance = ((double)drop_chance(drop, UINT32_MAX) + 1) / UINT32_MAX;
    uint64_t kind = drop_chance(drop, 10);
    double begin_ms = kind < 8 ? 0 : (double)drop->plan->joining_ms / SALE_PART;
    double at_ms = begin_ms - log(chance) * rush_part * all_ms;
    return (int64_t)(kind < 5 || at_ms >= all_ms ? (1 - chance) * all_ms : at_ms);
}

struct drop *drop_open(const struct drop_plan *plan, struct drop_result *result,
                       struct client *client) {
    struct drop *drop = malloc(sizeof *drop);
    ensure(drop != NULL);
    *drop = (struct drop){.plan = plan, .result = result, .client = client, .chance = plan->seed};
    drop->person_count = plan->people;
    drop->slot_count = plan->joining_ms * DROP_LIMIT_TIMES + DROP_LIMIT_MORE_MS;
    drop->number_limit = (uint64_t)plan->people * DROP_NUMBERS_EACH;
    drop->people = calloc(plan->people + (size_t)CROWDS, sizeof drop->people[0]);
    drop->slots = malloc((size_t)drop->slot_count * sizeof drop->slots[0]);
    drop->by_number = malloc((drop->number_limit + 1) * sizeof drop->by_number[0]);
    drop->map = malloc(plan->seat_count);
    drop->paid = calloc(plan->seat_count, sizeof drop->paid[0]);
    ensure(drop->people != NULL && drop->slots != NULL && drop->by_number != NULL &&
           drop->map != NULL && drop->paid != NULL);
    for (int64_t i = 0; i < drop->slot_count; i++)
        drop->slots[i] = DROP_NOBODY;
    for (uint64_t i = 0; i <= drop->number_limit; i++)
        drop->by_number[i] = DROP_NOBODY;
    drop->due_first = drop->due_last = DROP_NOBODY;
    memset(drop->map, 'A', plan->seat_count);
    return drop;
}

void drop_close(struct drop *drop) {
    for (uint32_t i = 0; i < drop->person_count; i++)
        drop_person_clear(&drop->people[i]);
    free(drop->people);
    free(drop->slots);
    free(drop->by_number);
    free(drop->map);
    free(drop->paid);
    free(drop);
}

static void plan_all(struct drop *drop) {
    for (uint32_t i = 0; i < drop->person_count; i++) {
        drop_person_init(drop, &drop->people[i]);
        put(drop, &drop->people[i], DROP_JOIN, drop->began_us + arrival_ms(drop) * 1000);
    }
    put(drop, &drop->people[drop->person_count], DROP_ROOM, drop->began_us);
    put(drop, &drop->people[drop->person_count + 1], DROP_MAP, drop->began_us);
}

bool drop_run(struct client *client, const struct drop_plan *plan, struct drop_result *result) {
    static const struct client_calls calls = {drop_next, drop_answered, drop_lost};
    ensure(plan->people <= GUESTS_MAX && plan->seat_count <= DROP_SEATS_MAX);
    int64_t now_us = clock_monotonic_us();
    int64_t sale_us = now_us + plan->sale_us - clock_wall_us();
    int64_t began_us = sale_us - plan->joining_ms * 1000 / SALE_PART;
    if (began_us < now_us) {
        fprintf(stderr, "the sale begins too soon, by %.1f s\n", (double)(now_us - began_us) / 1e6);
        return false;
    }
    struct drop *drop = drop_open(plan, result, client);
    drop->began_us = began_us;
    drop->sale_us = sale_us;
    plan_all(drop);
    stopwatch_start(&result->watch);
    client_run_paced(client, &calls, drop, (began_us - now_us) / 1000 + drop->slot_count);
    drop_watch_end(drop);
    stopwatch_stop(&result->watch);
    result->called = drop->now_serving;
    drop_close(drop);
    return true;
}

#include "ops/benchmarks/drop_private.h"

#include "shared/clock.h"

#include <inttypes.h>
#include <stdlib.h>

/* Thousandths of the joining time, by which people do something. */
enum {
    AGAIN = 16,
    JOINS_TWICE_AFTER = 5,
    LOOKS_EVERY = 80,
    LEAVES_AFTER = 500,
    RETURNS_AFTER = 100,
    COMES_AFTER = 20,
    COMES_LATE_AFTER = 250,
    CHOOSES_FOR = 40,
    CHOOSES_AGAIN_FOR = 10,
    PAYS_AFTER = 50,
    PAYS_AGAIN_AFTER = 15,
    CANCELS_AFTER = 20,
};

/* --- who they are */

struct share {
    uint8_t kind;
    uint8_t percent;
};

static uint8_t draw(struct drop *drop, const struct share *share) {
    uint64_t chance = drop_chance(drop, 100);
    for (uint64_t up_to = share->percent; chance >= up_to; up_to += share->percent)
        share++;
    return share->kind;
}

void drop_person_init(struct drop *drop, struct person *person) {
    static const struct share queueing[] = {{QUEUES, 96},
                                            {QUEUES_AND_LOOKS, 1},
                                            {QUEUES_AND_WATCHES, 1},
                                            {LEAVES, 1},
                                            {LEAVES_AND_RETURNS, 1}};
    static const struct share buying[] = {
        {BUYS, 64},        {STAYS_AWAY, 8},        {COMES_LATE, 3},        {GIVES_BACK, 4},
        {CHANGES_MIND, 4}, {LETS_PASS_RUN_OUT, 3}, {LETS_HOLD_RUN_OUT, 8}, {PAYS_BADLY_FIRST, 6}};
    static const struct share wanted[] = {{1, 15}, {2, 55}, {3, 15}, {DROP_WANTED_MAX, 15}};
    *person = (struct person){.next = DROP_NOBODY};
    person->queueing = draw(drop, queueing);
    person->buying = draw(drop, buying);
    person->wanted = draw(drop, wanted);
    person->joins_twice = drop_chance(drop, 100) < 2;
}

static void purchase_free(struct purchase *purchase) {
    if (purchase != NULL)
        free(purchase->pass);
    free(purchase);
}

void drop_person_clear(struct person *person) {
    free(person->queue_token);
    purchase_free(person->purchase);
}

static void done(struct drop *drop, struct person *person) {
    drop->shoppers -= person->shops;
    person->shops = false;
    purchase_free(person->purchase);
    person->purchase = NULL;
}

/* --- in the queue */

static const char *take_place(struct drop *drop, struct person *person, json_t *document) {
    uint32_t self = (uint32_t)(person - drop->people);
    json_int_t number = 0;
    json_int_t position = -1;
    const char *token = NULL;
    const char *phase = NULL;
    if (json_unpack(document, "{s:I, s:I, s:s, s:s}", "number", &number, "position", &position,
                    "queueToken", &token, "phase", &phase) != 0 ||
        number < 1 || (uint64_t)number > drop->number_limit || position < 0 || position >= number)
        return "it is no place in the queue";
    if (person->act == DROP_JOIN_TWICE)
        return (uint64_t)number == person->number ? NULL : "they had another number";
    uint32_t *holder = &drop->by_number[number];
    if (*holder != DROP_NOBODY && *holder != self)
        return "somebody else has this number";
    if ((uint64_t)number <= person->number)
        return "they have left this number";
    if ((uint64_t)number <= person->floor && *holder == DROP_NOBODY && !person->asked_again)
        return "somebody who was answered before they asked has a higher number";
    *holder = self;
    person->number = (uint64_t)number;
    free(person->queue_token);
    person->queue_token = strdup(token);
    ensure(person->queue_token != NULL);
    if (drop->highest < person->number)
        drop->highest = person->number;
    fprintf(drop->plan->answers, "place\t%s\t%" PRIu64 "\t\\N\t\\N\t\\N\n",
            drop->plan->guests[self].user, person->number);
    return NULL;
}

void drop_person_wait(struct drop *drop, struct person *person) {
    person->waiting = person->number > drop->now_serving;
    if (!person->waiting)
        drop_person_called(drop, person);
}

static void queue_up(struct drop *drop, struct person *person) {
    switch ((enum queueing)person->queueing) {
    case LEAVES:
    case LEAVES_AND_RETURNS:
        drop_plan_act(drop, person, DROP_LEAVE, LEAVES_AFTER);
        break;
    case QUEUES_AND_LOOKS:
        drop_plan_act(drop, person, DROP_LOOK, LOOKS_EVERY);
        break;
    case QUEUES_AND_WATCHES:
        drop_watch(drop, person);
        break;
    case QUEUES:
        drop_person_wait(drop, person);
        break;
    }
}

static const char *joined(struct drop *drop, struct person *person, json_t *document) {
    const char *why = take_place(drop, person, document);
    if (!person->joined) {
        person->joined = true;
        drop->result->joined++;
        drop->result->join_us = clock_monotonic_us() - drop->began_us;
    }
    if (why != NULL)
        return why;
    if (person->joins_twice) {
        person->joins_twice = false;
        drop_plan_act(drop, person, DROP_JOIN_TWICE, JOINS_TWICE_AFTER);
    } else {
        queue_up(drop, person);
    }
    return NULL;
}

static const char *looked(struct drop *drop, struct person *person, json_t *document) {
    struct drop_room room;
    const char *why = drop_see_room(drop, person, document, &room);
    if (why != NULL)
        return why;
    if (room.now_serving >= person->number)
        drop_person_called(drop, person);
    else
        drop_plan_act(drop, person, DROP_LOOK, LOOKS_EVERY);
    return NULL;
}

static void left(struct drop *drop, struct person *person) {
    if (person->queueing != LEAVES_AND_RETURNS)
        return;
    person->queueing = QUEUES;
    drop_plan_act(drop, person, DROP_JOIN, RETURNS_AFTER);
}

/* --- with a turn */

void drop_person_called(struct drop *drop, struct person *person) {
    person->waiting = false;
    if (person->buying == STAYS_AWAY)
        return;
    person->shops = true;
    drop->shoppers++;
    drop_plan_act(drop, person, DROP_CLAIM,
                  person->buying == COMES_LATE ? COMES_LATE_AFTER : COMES_AFTER);
}

static const char *claimed(struct drop *drop, struct person *person, json_t *document) {
    const char *pass = NULL;
    const char *expires = NULL;
    if (json_unpack(document, "{s:s, s:s}", "pass", &pass, "expiresAt", &expires) != 0)
        return "it is no pass";
    person->purchase = calloc(1, sizeof *person->purchase);
    ensure(person->purchase != NULL);
    person->purchase->pass = strdup(pass);
    ensure(person->purchase->pass != NULL);
    if (person->buying == GIVES_BACK)
        drop_plan_act(drop, person, DROP_GIVE_BACK, CHOOSES_FOR);
    else if (person->buying == LETS_PASS_RUN_OUT)
        done(drop, person);
    else
        drop_plan_act(drop, person, DROP_RESERVE, CHOOSES_FOR);
    return NULL;
}

/* Nobody is called while all that is left is held; some of it may come back. */
static void not_called(struct drop *drop, struct person *person, const struct answer *answer) {
    if (answer->status == 409 && !drop->sold_out)
        drop_plan_act(drop, person, DROP_CLAIM, COMES_AFTER);
    else
        done(drop, person);
}

/* --- with a pass */

static void choose_again(struct drop *drop, struct person *person) {
    bool gives_up = ++person->purchase->tries >= DROP_TRIES_MAX;
    person->purchase->key[0] = '\0';
    drop_plan_act(drop, person, gives_up ? DROP_GIVE_BACK : DROP_RESERVE, CHOOSES_AGAIN_FOR);
}

bool drop_person_prepare(struct drop *drop, struct person *person) {
    struct purchase *purchase = person->purchase;
    if (person->act != DROP_RESERVE || purchase->key[0] != '\0')
        return true;
    if (!drop_seats_choose(drop, person->wanted, purchase)) {
        choose_again(drop, person);
        return false;
    }
    uuid7_text(clock_wall_us() / 1000, purchase->key);
    return true;
}

static void booking_ended(const struct drop *drop, const struct person *person,
                          const char *status) {
    const struct purchase *purchase = person->purchase;
    fprintf(drop->plan->answers, "booking\t%s\t%" PRIu64 "\t%s\t%s\t",
            drop->plan->guests[person - drop->people].user, person->number, purchase->booking,
            status);
    for (uint32_t i = 0; i < purchase->seat_count; i++)
        fprintf(drop->plan->answers, "%s%s", i > 0 ? "," : "",
                drop->plan->seats[purchase->seats[i]]);
    fprintf(drop->plan->answers, "\n");
}

static bool is_booking(const struct drop *drop, const struct purchase *purchase,
                       const json_t *document, const char *status) {
    const char *id = json_string_value(json_object_get(document, "bookingId"));
    const char *is = json_string_value(json_object_get(document, "status"));
    return id != NULL && is != NULL && strcmp(is, status) == 0 &&
           strcmp(id, purchase->booking) == 0 && drop_seats_are(drop, purchase, document);
}

static const char *reserved(struct drop *drop, struct person *person, const json_t *document) {
    struct purchase *purchase = person->purchase;
    const char *id = json_string_value(json_object_get(document, "bookingId"));
    if (id == NULL || strlen(id) >= sizeof purchase->booking)
        return "it is no booking";
    memcpy(purchase->booking, id, strlen(id) + 1);
    if (!is_booking(drop, purchase, document, "PENDING"))
        return "it is not what they asked for";
    for (uint32_t i = 0; i < purchase->seat_count; i++)
        if (drop->paid[purchase->seats[i]])
            return "somebody owns a seat of it";
    if (person->buying == LETS_HOLD_RUN_OUT) {
        booking_ended(drop, person, "EXPIRED");
        done(drop, person);
    } else if (person->buying == CHANGES_MIND) {
        drop_plan_act(drop, person, DROP_CANCEL, CANCELS_AFTER);
    } else {
        drop_plan_act(drop, person,
                      person->buying == PAYS_BADLY_FIRST ? DROP_PAY_BADLY : DROP_CONFIRM,
                      PAYS_AFTER);
    }
    return NULL;
}

static void note_sold(const struct drop *drop, uint32_t seats) {
    struct drop_result *result = drop->result;
    result->bookings_paid++;
    result->seats_paid += seats;
    result->sold_us = clock_monotonic_us() - drop->sale_us;
    if (result->most_us == 0 &&
        result->seats_paid * 100 >= drop->plan->seat_count * DROP_MOST_PERCENT) {
        result->most_us = result->sold_us;
        result->most_called = drop->now_serving;
    }
}

static const char *confirmed(struct drop *drop, struct person *person, const json_t *document) {
    struct purchase *purchase = person->purchase;
    if (!is_booking(drop, purchase, document, "CONFIRMED"))
        return "it is not theirs, confirmed";
    for (uint32_t i = 0; i < purchase->seat_count; i++) {
        if (drop->paid[purchase->seats[i]])
            return "somebody else has paid for a seat of it";
        drop->paid[purchase->seats[i]] = true;
    }
    note_sold(drop, purchase->seat_count);
    booking_ended(drop, person, "CONFIRMED");
    done(drop, person);
    return NULL;
}

static const char *cancelled(struct drop *drop, struct person *person, const json_t *document) {
    if (!is_booking(drop, person->purchase, document, "CANCELLED"))
        return "it is not theirs, cancelled";
    booking_ended(drop, person, "CANCELLED");
    person->purchase->booking[0] = '\0';
    person->buying = BUYS;
    person->purchase->key[0] = '\0';
    drop_plan_act(drop, person, DROP_RESERVE, CHOOSES_FOR);
    return NULL;
}

/* The pass, or the hold. */
static void ran_out(struct drop *drop, struct person *person) {
    if (person->act != DROP_RESERVE)
        booking_ended(drop, person, "EXPIRED");
    done(drop, person);
}

/* --- answers */

static const char *go_on(struct drop *drop, struct person *person, json_t *document) {
    switch ((enum drop_act)person->act) {
    case DROP_JOIN:
    case DROP_JOIN_TWICE:
        return joined(drop, person, document);
    case DROP_LOOK:
        return looked(drop, person, document);
    case DROP_LEAVE:
        left(drop, person);
        return NULL;
    case DROP_CLAIM:
        return claimed(drop, person, document);
    case DROP_GIVE_BACK:
        done(drop, person);
        return NULL;
    case DROP_RESERVE:
        return reserved(drop, person, document);
    case DROP_CONFIRM:
        return confirmed(drop, person, document);
    case DROP_PAY_BADLY:
        drop_plan_act(drop, person, DROP_CONFIRM, PAYS_AGAIN_AFTER);
        return NULL;
    case DROP_CANCEL:
        return cancelled(drop, person, document);
    case DROP_ROOM:
    case DROP_MAP:
    case DROP_ACTS:
        break;
    }
    return "nobody asked for it";
}

void drop_person_answered(struct drop *drop, struct person *person, enum drop_outcome outcome,
                          const struct answer *answer, json_t *document) {
    const char *why = NULL;
    switch (outcome) {
    case OUTCOME_DONE:
        why = go_on(drop, person, document);
        break;
    case OUTCOME_AGAIN:
        drop_plan_act(drop, person, (enum drop_act)person->act, AGAIN);
        break;
    case OUTCOME_TAKEN:
        drop_seats_taken(drop, person->purchase, document);
        choose_again(drop, person);
        break;
    case OUTCOME_NO_TURN:
        not_called(drop, person, answer);
        break;
    case OUTCOME_OVER:
        ran_out(drop, person);
        break;
    case OUTCOME_WRONG:
        why = "it is none that is expected";
        break;
    }
    person->asked_again = outcome == OUTCOME_AGAIN;
    if (why != NULL) {
        drop_wrong(drop, person, answer, why);
        done(drop, person);
    }
}

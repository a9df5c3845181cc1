#include "worker/room_news.h"

#include "shared/log.h"
#include "shared/wire.h"

#include <stdlib.h>

struct room_news {
    struct bus *bus;
    struct partitions *partitions;
    const struct database_clock *clock;
    uint64_t instance;
    char rooms_subject[WIRE_SUBJECT_SIZE];
    char people_subject[WIRE_SUBJECT_SIZE];
    struct wire_buffer rooms;
    struct wire_buffer people;
    int64_t people_until_us; /* monotonic: somebody listens to people's news */
};

static void on_ask_people(void *context, const char *subject, const uint8_t *data,
                          size_t size_bytes) {
    struct room_news *news = context;
    (void)subject;
    if (wire_ask_people_decode(data, size_bytes) == STATUS_OK)
        news->people_until_us = clock_monotonic_us() + WIRE_ASK_PEOPLE_MS * INT64_C(1000);
}

struct room_news *room_news_create(struct bus *bus, const struct id128 *installation,
                                   struct partitions *partitions,
                                   const struct database_clock *clock) {
    struct room_news *news = calloc(1, sizeof *news);
    if (!news)
        return NULL;
    news->bus = bus;
    news->partitions = partitions;
    news->clock = clock;
    char ask_people[WIRE_SUBJECT_SIZE];
    wire_subject_rooms(news->rooms_subject, installation);
    wire_subject_people(news->people_subject, installation);
    wire_subject_ask_people(ask_people, installation);
    wire_rooms_begin(&news->rooms);
    wire_people_begin(&news->people);
    if (bus_subscribe(bus, ask_people, on_ask_people, news) != STATUS_OK) {
        room_news_destroy(news);
        return NULL;
    }
    return news;
}

void room_news_destroy(struct room_news *news) {
    if (!news)
        return;
    wire_buffer_free(&news->rooms);
    wire_buffer_free(&news->people);
    free(news);
}

void room_news_set_instance(struct room_news *news, uint64_t instance) {
    news->instance = instance;
}

static void publish(struct room_news *news, const char *subject, const struct wire_buffer *buffer) {
    if (buffer->records == 0)
        return;
    enum status status = bus_publish(news->bus, subject, buffer->data, buffer->size_bytes);
    if (status != STATUS_OK)
        log_write(LOG_DEBUG, "room-news-not-sent",
                  "News of waiting rooms could not be sent; the next ones say it all again.",
                  LOG_TEXT("reason", status_text(status)));
}

void room_news_flush(struct room_news *news) {
    publish(news, news->rooms_subject, &news->rooms);
    wire_rooms_begin(&news->rooms);
}

void room_news_add(struct room_news *news, const struct room_state *state) {
    struct room_state told = *state;
    told.instance = news->instance;
    told.partition = partition_of_event(state->event_id);
    told.epoch = news->partitions->items[told.partition].epoch;
    if (wire_rooms_add(&news->rooms, &told) == STATUS_OK)
        return;
    room_news_flush(news);
    if (wire_rooms_add(&news->rooms, &told) != STATUS_OK)
        log_write(LOG_ERROR, "room-news-not-sent", "A waiting room's news can't be packed.",
                  LOG_U64("eventId", state->event_id));
}

static void flush_people(struct room_news *news) {
    publish(news, news->people_subject, &news->people);
    wire_people_begin(&news->people);
}

static void add_person(struct room_news *news, const struct wire_person *person) {
    for (int tries = 0; tries < 2; tries++) {
        if (wire_people_add(&news->people, person) == STATUS_OK)
            return;
        flush_people(news);
    }
}

static void add_turns(struct room_news *news, const struct batch *batch) {
    const struct batch_turn *turns;
    size_t count = batch_turns(batch, &turns);
    int64_t now_us = database_clock_now_us(news->clock);
    for (size_t i = 0; i < count; i++) {
        const struct turn *turn = &turns[i].after;
        uint32_t partition = turns[i].entry->partition;
        struct wire_person person = {
            .kind = WIRE_PERSON_TURN,
            .event_id = turns[i].entry->event_id,
            .user = turn->user,
            .number = turn->number,
            .turn = turn->state,
        };
        if (turn_state_is_live(turn->state)) {
            int64_t served_ms =
                partitions_served_ms(news->partitions, partition, clock_monotonic_us());
            int64_t left_ms = turn->deadline_served_ms - served_ms;
            person.expires_us = now_us + (left_ms > 0 ? left_ms : 0) * 1000;
        }
        add_person(news, &person);
    }
}

static void add_bookings(struct room_news *news, const struct batch *batch) {
    const struct batch_booking *bookings;
    size_t count = batch_bookings(batch, &bookings);
    for (size_t i = 0; i < count; i++) {
        const struct wire_person person = {
            .kind = WIRE_PERSON_BOOKING,
            .event_id = bookings[i].entry->event_id,
            .user = bookings[i].after.user,
            .booking_id = bookings[i].after.id,
            .status = bookings[i].after.status,
        };
        add_person(news, &person);
    }
}

void room_news_people(struct room_news *news, const struct batch *batch) {
    if (clock_monotonic_us() >= news->people_until_us)
        return;
    add_turns(news, batch);
    add_bookings(news, batch);
    flush_people(news);
}

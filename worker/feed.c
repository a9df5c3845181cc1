#include "worker/feed.h"

#include "shared/log.h"
#include "shared/wire.h"

#include <stdlib.h>

struct feed {
    struct bus *bus;
    const struct partitions *partitions;
    char subject[WIRE_SUBJECT_SIZE];
    uint64_t instance;
    struct wire_buffer buffer;
    struct wire_seat_change *changes; /* room for one show's */
    size_t capacity;
};

struct feed *feed_create(struct bus *bus, const struct id128 *installation,
                         const struct partitions *partitions) {
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return NULL;
    feed->bus = bus;
    feed->partitions = partitions;
    wire_subject_seats(feed->subject, installation);
    wire_seats_begin(&feed->buffer);
    return feed;
}

void feed_destroy(struct feed *feed) {
    if (!feed)
        return;
    wire_buffer_free(&feed->buffer);
    free(feed->changes);
    free(feed);
}

void feed_set_instance(struct feed *feed, uint64_t instance) {
    feed->instance = instance;
}

uint64_t feed_instance(const struct feed *feed) {
    return feed->instance;
}

void feed_flush(struct feed *feed) {
    if (feed->buffer.records > 0) {
        enum status status =
            bus_publish(feed->bus, feed->subject, feed->buffer.data, feed->buffer.size_bytes);
        if (status != STATUS_OK)
            log_write(LOG_DEBUG, "seats-not-sent",
                      "Seat changes could not be sent; gateways notice the gap.",
                      LOG_TEXT("reason", status_text(status)));
    }
    wire_seats_begin(&feed->buffer);
}

static void pack(struct feed *feed, const struct wire_seats *head) {
    if (wire_seats_add(&feed->buffer, head, feed->changes) == STATUS_OK)
        return;
    feed_flush(feed);
    if (wire_seats_add(&feed->buffer, head, feed->changes) != STATUS_OK)
        log_write(LOG_ERROR, "seats-too-large", "A show's seat changes do not fit into a message.",
                  LOG_U64("eventId", head->event_id));
}

static struct wire_seats head_of(const struct feed *feed, const struct show_entry *entry) {
    return (struct wire_seats){
        .event_id = entry->event_id,
        .partition = entry->partition,
        .instance = feed->instance,
        .epoch = feed->partitions->items[entry->partition].epoch,
    };
}

void feed_add(struct feed *feed, const struct batch_show *item) {
    if (item->version == item->from)
        return;
    if (item->seat_count > feed->capacity) {
        void *grown = reallocarray(feed->changes, item->seat_count, sizeof *feed->changes);
        if (!grown)
            return; /* gateways notice the gap */
        feed->changes = grown;
        feed->capacity = item->seat_count;
    }
    for (uint32_t i = 0; i < item->seat_count; i++)
        feed->changes[i] =
            (struct wire_seat_change){.seat = item->seats[i], .state = item->states[i]};
    struct wire_seats head = head_of(feed, item->entry);
    head.from = item->from;
    head.version = item->version;
    head.change_count = item->seat_count;
    pack(feed, &head);
}

void feed_announce_versions(struct feed *feed, const struct shows *shows) {
    size_t cursor = 0;
    for (const struct show_entry *entry; (entry = shows_next(shows, &cursor));) {
        if (!feed->partitions->items[entry->partition].owned)
            continue;
        struct wire_seats head = head_of(feed, entry);
        head.from = entry->committed;
        head.version = entry->committed;
        pack(feed, &head);
    }
    feed_flush(feed);
}

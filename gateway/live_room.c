#include "gateway/live_room.h"

#include "gateway/live_frames.h"
#include "gateway/queue_json.h"

static bool renew(struct ws_frame **kept, struct ws_frame *frame) {
    if (!frame)
        return false;
    ws_frame_release(*kept);
    *kept = frame;
    return true;
}

/* The queue's state, the caller's; NULL: not known. */
static struct body *queue_body(const struct live_room *room, const struct room_view *view,
                               int64_t now_us, int64_t as_of_us) {
    if (!view)
        return room->off ? queue_json_off(as_of_us) : NULL;
    struct body *body = queue_json_whole(view, now_us, as_of_us);
    return body ? body_keep(body) : NULL;
}

static unsigned look_at_queue(struct live_room *room, struct live_numbers *numbers,
                              const struct body *body, int64_t now_us) {
    bool differs = strcmp(room->etag, body->etag) != 0;
    bool is_due = now_us - room->told_us >= LIVE_ROOM_QUEUE_MS * INT64_C(1000);
    bool is_old = !room->queue || now_us - room->made_us >= QUEUE_JSON_KEPT_MS * INT64_C(1000);
    if ((differs && is_due) || is_old) {
        if (!renew(&room->queue, live_frame_queue(numbers, body)))
            return LIVE_ROOM_LATER;
        room->made_us = now_us;
    }
    if (!differs)
        return 0;
    if (!is_due)
        return LIVE_ROOM_LATER;
    memcpy(room->etag, body->etag, sizeof room->etag);
    room->told_us = now_us;
    return LIVE_ROOM_QUEUE;
}

static unsigned look_at_message(struct live_room *room, struct live_numbers *numbers,
                                const char *message) {
    if (strcmp(room->text, message) == 0)
        return 0;
    if (!renew(&room->message, live_frame_message(numbers, message)))
        return LIVE_ROOM_LATER;
    memcpy(room->text, message, strlen(message) + 1);
    return LIVE_ROOM_MESSAGE;
}

unsigned live_room_look(struct live_room *room, struct live_numbers *numbers,
                        const struct room_view *view, int64_t now_us, int64_t as_of_us) {
    unsigned news = 0;
    struct body *body = queue_body(room, view, now_us, as_of_us);
    if (body)
        news |= look_at_queue(room, numbers, body, now_us);
    body_release(body);
    if (view)
        news |= look_at_message(room, numbers, view->state->settings.message);
    return news;
}

void live_room_free(struct live_room *room) {
    ws_frame_release(room->queue);
    ws_frame_release(room->message);
}

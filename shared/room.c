#include "shared/room.h"

#include "shared/booking.h"
#include "shared/ids.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

/* --- words */

const char *room_mode_text(enum room_mode mode) {
    static const char *const texts[] = {
        [ROOM_MODE_OFF] = "off",
        [ROOM_MODE_OPEN] = "open",
        [ROOM_MODE_PAUSED] = "paused",
        [ROOM_MODE_CLOSED] = "closed",
    };
    ensure((size_t)mode < ARRAY_LEN(texts));
    return texts[mode];
}

const char *room_phase_text(enum room_phase phase) {
    static const char *const texts[] = {
        [ROOM_OFF] = "OFF",       [ROOM_PREQUEUE] = "PREQUEUE", [ROOM_OPEN] = "OPEN",
        [ROOM_PAUSED] = "PAUSED", [ROOM_WAITLIST] = "WAITLIST", [ROOM_CLOSED] = "CLOSED",
    };
    ensure((size_t)phase < ARRAY_LEN(texts));
    return texts[phase];
}

const char *turn_state_text(enum turn_state state) {
    static const char *const texts[] = {
        [TURN_NONE] = "NONE", [TURN_WAITING] = "WAITING", [TURN_CALLED] = "CALLED",
        [TURN_PASS] = "PASS", [TURN_BOUGHT] = "BOUGHT",   [TURN_MISSED] = "MISSED",
        [TURN_LEFT] = "LEFT", [TURN_OVER] = "OVER",       [TURN_SKIPPED] = "SKIPPED",
    };
    ensure((size_t)state < ARRAY_LEN(texts));
    return texts[state];
}

/* --- phase */

void room_settings_default(struct room_settings *settings) {
    *settings = (struct room_settings){
        .mode = ROOM_MODE_OFF,
        .admits_per_minute = 600,
        .max_shoppers = 500,
        .claim_ms = 120 * 1000,
        .pass_ms = 600 * 1000,
    };
}

static bool takes_nobody(const struct room_settings *settings, const struct room_sale *sale,
                         int64_t now_us) {
    return settings->mode == ROOM_MODE_CLOSED || sale->state == SHOW_DRAFT ||
           sale->state == SHOW_SALE_ENDED || sale->state == SHOW_CANCELLED ||
           (sale->sale_end_us != 0 && now_us >= sale->sale_end_us) || now_us < settings->open_us;
}

enum room_phase room_phase_of(const struct room_settings *settings, const struct room_sale *sale,
                              int64_t now_us) {
    if (settings->mode == ROOM_MODE_OFF)
        return ROOM_OFF;
    if (takes_nobody(settings, sale, now_us))
        return ROOM_CLOSED;
    if (now_us < sale->on_sale_us)
        return ROOM_PREQUEUE;
    if (sale->sold_out)
        return ROOM_WAITLIST;
    if (settings->mode == ROOM_MODE_PAUSED || sale->state == SHOW_PAUSED)
        return ROOM_PAUSED;
    return ROOM_OPEN;
}

/* --- the line */

/* Numbers that can be read from the stream: those of a span, up to where a later span of the same
 * stream begins, which may be behind it. */
struct readable {
    uint64_t first;
    uint64_t last; /* UINT64_MAX: open-ended */
    uint64_t first_sequence;
};

/* Walks them from the newest down. */
struct walk {
    const struct room_line *line;
    uint32_t below;        /* spans below this position are to come */
    uint64_t sequence_end; /* they end before this sequence; 0: open-ended */
};

static struct walk walk_begin(const struct room_line *line) {
    return (struct walk){.line = line, .below = line->count};
}

static bool walk_next(struct walk *walk, struct readable *range) {
    const struct room_span *spans = walk->line->spans;
    uint32_t newest_stream = walk->line->count > 0 ? spans[walk->line->count - 1].stream : 0;
    while (walk->below > 0 && spans[walk->below - 1].stream == newest_stream) {
        const struct room_span *span = &spans[--walk->below];
        uint64_t end = walk->sequence_end;
        if (end != 0 && end <= span->first_sequence)
            continue; /* all of it was lost */
        *range = (struct readable){
            .first = span->first_number,
            .last = end == 0 ? UINT64_MAX : span->first_number + (end - 1 - span->first_sequence),
            .first_sequence = span->first_sequence,
        };
        walk->sequence_end = span->first_sequence;
        return true;
    }
    return false;
}

uint64_t room_line_number(const struct room_line *line, uint64_t sequence) {
    struct walk walk = walk_begin(line);
    struct readable range;
    while (walk_next(&walk, &range))
        if (sequence >= range.first_sequence && sequence <= ROOM_NUMBER_MAX)
            return range.first + (sequence - range.first_sequence);
    return 0;
}

uint64_t room_line_sequence(const struct room_line *line, uint64_t number) {
    struct walk walk = walk_begin(line);
    struct readable range;
    while (walk_next(&walk, &range))
        if (number >= range.first && number <= range.last)
            return range.first_sequence + (number - range.first);
    return 0;
}

bool room_line_after(const struct room_line *line, uint64_t number, struct room_stretch *stretch) {
    ensure(number <= ROOM_NUMBER_MAX);
    if (line->count == 0)
        return false;
    uint64_t first = number + 1;
    struct readable next = {0}; /* the lowest that does not end before `first` */
    struct walk walk = walk_begin(line);
    for (struct readable range; walk_next(&walk, &range) && range.last >= first;)
        next = range;
    if (first < next.first)
        *stretch = (struct room_stretch){.first = first, .last = next.first - 1, .gap = true};
    else
        *stretch =
            (struct room_stretch){.first = first,
                                  .last = next.last,
                                  .first_sequence = next.first_sequence + (first - next.first)};
    return true;
}

uint64_t room_line_position(const struct room_line *line, uint64_t now_serving, uint64_t number) {
    uint64_t position = 0;
    struct walk walk = walk_begin(line);
    for (struct readable range; walk_next(&walk, &range) && range.last > now_serving;) {
        uint64_t from = range.first > now_serving ? range.first : now_serving + 1;
        uint64_t end = range.last < number ? range.last + 1 : number;
        position += end > from ? end - from : 0;
    }
    return position;
}

size_t room_line_gaps(const struct room_line *line, uint64_t now_serving,
                      struct room_gap gaps[ROOM_SPANS_MAX]) {
    size_t count = 0;
    struct room_stretch stretch = {.last = now_serving};
    while (stretch.last != UINT64_MAX && room_line_after(line, stretch.last, &stretch))
        if (stretch.gap)
            gaps[count++] = (struct room_gap){stretch.first, stretch.last};
    return count;
}

struct room_span room_line_begin(const struct room_line *line, uint64_t issued_to,
                                 uint64_t last_sequence, bool same_stream) {
    ensure(!same_stream || line->count > 0);
    uint64_t last_number = same_stream ? room_line_number(line, last_sequence) : 0;
    uint64_t newest = line->count > 0 ? line->spans[line->count - 1].first_number : 0;
    uint64_t above = issued_to > last_number ? issued_to : last_number;
    uint32_t stream = line->count > 0 ? line->spans[line->count - 1].stream : 0;
    return (struct room_span){
        .first_number = 1 + (above > newest ? above : newest),
        .first_sequence = same_stream ? last_sequence + 1 : 1,
        .stream = same_stream || line->count == 0 ? stream : stream + 1,
    };
}

enum status room_line_add(struct room_line *line, const struct room_span *span) {
    if (line->count == ROOM_SPANS_MAX)
        return STATUS_LIMIT;
    if (span->first_number == 0 || span->first_number > ROOM_NUMBER_MAX ||
        span->first_sequence == 0 || span->first_sequence > ROOM_NUMBER_MAX)
        return STATUS_INVALID;
    if (line->count == 0) {
        if (span->stream != 0)
            return STATUS_INVALID;
    } else {
        const struct room_span *newest = &line->spans[line->count - 1];
        bool same_stream = span->stream == newest->stream;
        if (span->first_number <= newest->first_number ||
            (!same_stream && span->stream != newest->stream + 1) ||
            (same_stream && room_line_number(line, span->first_sequence - 1) >= span->first_number))
            return STATUS_INVALID;
    }
    line->spans[line->count++] = *span;
    return STATUS_OK;
}

/* --- arrivals */

void room_arrival_put(uint8_t bytes[ROOM_ARRIVAL_BYTES], const struct room_arrival *arrival) {
    uint64_t little = htole64((uint64_t)arrival->joined_us);
    memcpy(bytes, arrival->user.bytes, sizeof arrival->user.bytes);
    memcpy(bytes + sizeof arrival->user.bytes, &little, sizeof little);
}

struct room_arrival room_arrival_get(const uint8_t bytes[ROOM_ARRIVAL_BYTES]) {
    struct room_arrival arrival;
    uint64_t little;
    memcpy(arrival.user.bytes, bytes, sizeof arrival.user.bytes);
    memcpy(&little, bytes + sizeof arrival.user.bytes, sizeof little);
    arrival.joined_us = (int64_t)le64toh(little);
    return arrival;
}

/* --- names in JetStream */

void room_stream_name(char name[ROOM_STREAM_SIZE], const struct id128 *installation,
                      uint64_t event_id) {
    char text[ID128_TEXT_SIZE];
    int length = snprintf(name, ROOM_STREAM_SIZE, "USHER_%s_%" PRIu64,
                          id128_to_text(installation, text), event_id);
    ensure(length > 0 && length < ROOM_STREAM_SIZE);
}

void room_subject(char subject[ROOM_SUBJECT_SIZE], const struct id128 *installation,
                  uint64_t event_id, const struct id128 *user) {
    char text[ID128_TEXT_SIZE], user_text[ID128_TEXT_SIZE] = "*";
    if (user != NULL)
        id128_to_text(user, user_text);
    int length = snprintf(subject, ROOM_SUBJECT_SIZE, "usher.%s.room.%" PRIu64 ".%s",
                          id128_to_text(installation, text), event_id, user_text);
    ensure(length > 0 && length < ROOM_SUBJECT_SIZE);
}

enum status room_subject_user(const char *subject, struct id128 *user) {
    static const char head[] = "usher.", middle[] = ".room.";
    if (strncmp(subject, head, strlen(head)) != 0)
        return STATUS_INVALID;
    const char *at = subject + strlen(head);
    if (strspn(at, "0123456789abcdef") != ID128_TEXT_SIZE - 1)
        return STATUS_INVALID;
    at += ID128_TEXT_SIZE - 1;
    if (strncmp(at, middle, strlen(middle)) != 0)
        return STATUS_INVALID;
    at += strlen(middle);
    size_t event_length = strspn(at, "0123456789");
    if (event_length == 0 || at[event_length] != '.')
        return STATUS_INVALID;
    return id128_from_text(at + event_length + 1, user);
}

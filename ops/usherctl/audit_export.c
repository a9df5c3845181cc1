#include "ops/usherctl/audit_export.h"

#include "shared/clock.h"
#include "shared/ids.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

enum { SALT_BYTES = 32, TIME_JSON_SIZE = TIME_TEXT_SIZE + 8 };

struct audit_export {
    FILE *out;
    uint8_t salted[SALT_BYTES + sizeof(struct id128)]; /* the user goes behind the salt */
    uint64_t numbers;
    uint64_t without_number;
};

void audit_hash(const void *data, size_t size_bytes, char hex[AUDIT_HASH_SIZE]) {
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    ensure(EVP_Digest(data, size_bytes, digest, &size, EVP_sha256(), NULL) == 1);
    ensure(size * 2 < AUDIT_HASH_SIZE);
    for (unsigned i = 0; i < size; i++)
        (void)snprintf(hex + (size_t)i * 2, 3, "%02x", digest[i]);
}

/* With quotes and microseconds; or null for 0. */
static const char *time_json(int64_t unix_us, char json[TIME_JSON_SIZE]) {
    char text[TIME_TEXT_SIZE];
    if (unix_us == 0)
        return "null";
    time_to_text(unix_us, text);
    int whole = (int)strcspn(text, ".");
    (void)snprintf(json, TIME_JSON_SIZE, "\"%.*s.%06dZ\"", whole, text, (int)(unix_us % 1000000));
    return json;
}

static void write_user(struct audit_export *file, const char *name, const struct id128 *user) {
    char hex[AUDIT_HASH_SIZE];
    memcpy(file->salted + SALT_BYTES, user->bytes, sizeof user->bytes);
    audit_hash(file->salted, sizeof file->salted, hex);
    (void)fprintf(file->out, ",\"%s\":\"%s\"", name, hex);
}

static void write_time(struct audit_export *file, const char *name, int64_t unix_us) {
    char json[TIME_JSON_SIZE];
    (void)fprintf(file->out, ",\"%s\":%s", name, time_json(unix_us, json));
}

/* --- the header */

static void write_room(FILE *out, const struct audit_room *room) {
    (void)fprintf(out, ",\"admittedTo\":%" PRIu64 ",\"issuedTo\":%" PRIu64 ",\"spans\":[",
                  room->admitted_to, room->issued_to);
    for (uint32_t i = 0; i < room->span_count; i++) {
        const struct audit_span *span = &room->spans[i];
        (void)fprintf(out,
                      "%s{\"firstNumber\":%" PRIu64 ",\"firstSequence\":%" PRIu64
                      ",\"stream\":%" PRIu32 ",\"admittedTo\":%" PRIu64 "}",
                      i > 0 ? "," : "", span->span.first_number, span->span.first_sequence,
                      span->span.stream, span->admitted_to);
    }
    (void)fputs("]", out);
}

static void write_unchanged(FILE *out, const struct audit_room *room) {
    const char *names[3];
    size_t count = 0;
    if (room->max_shoppers != 0)
        names[count++] = "maxShoppers";
    if (room->claim_ms != 0)
        names[count++] = "claimSeconds";
    if (room->pass_ms != 0)
        names[count++] = "passSeconds";
    (void)fputs(",\"unchanged\":[", out);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%s\"%s\"", i > 0 ? "," : "", names[i]);
    (void)fputs("]", out);
}

static void write_on(FILE *out, const struct audit_room *room) {
    (void)fputs(",\"on\":[", out);
    for (uint32_t i = 0; i < room->on_count; i++) {
        char from[TIME_JSON_SIZE], to[TIME_JSON_SIZE];
        const struct audit_period *on = &room->on[i];
        (void)fprintf(out, "%s{\"from\":%s,\"to\":%s}", i > 0 ? "," : "",
                      time_json(on->from_us, from),
                      time_json(on->to_us == INT64_MAX ? 0 : on->to_us, to));
    }
    (void)fprintf(out, "],\"onKnown\":%s", room->on_known ? "true" : "false");
}

struct audit_export *audit_export_begin(FILE *out, const struct audit_header *header) {
    struct audit_export *file = calloc(1, sizeof *file);
    const struct room_settings *settings = &header->settings;
    char made[TIME_JSON_SIZE];
    if (file == NULL)
        return NULL;
    file->out = out;
    ensure(RAND_bytes(file->salted, SALT_BYTES) == 1);
    (void)fprintf(out,
                  "{\"format\":\"usher-audit\",\"version\":%d,\"event\":%" PRIu64
                  ",\"installation\":\"%s\",\"madeAt\":%s",
                  AUDIT_EXPORT_VERSION, header->event_id, header->installation,
                  time_json(header->made_us, made));
    write_room(out, &header->room);
    (void)fprintf(out,
                  ",\"settings\":{\"mode\":\"%s\",\"admitsPerMinute\":%" PRIu32
                  ",\"maxShoppers\":%" PRIu32 ",\"claimSeconds\":%" PRId64
                  ",\"passSeconds\":%" PRId64 "}",
                  room_mode_text(settings->mode), settings->admits_per_minute,
                  settings->max_shoppers, settings->claim_ms / 1000, settings->pass_ms / 1000);
    write_unchanged(out, &header->room);
    write_on(out, &header->room);
    if (header->room.lost_above == UINT64_MAX)
        (void)fputs(",\"lostAbove\":null}\n", out);
    else
        (void)fprintf(out, ",\"lostAbove\":%" PRIu64 "}\n", header->room.lost_above);
    return file;
}

/* --- lines */

static void write_bookings(struct audit_export *file, const struct audit_number *n) {
    (void)fputs(",\"bookings\":[", file->out);
    for (size_t i = 0; i < n->booking_count; i++) {
        const struct audit_booking *booking = &n->bookings[i];
        char created[TIME_JSON_SIZE];
        (void)fprintf(file->out, "%s{\"createdAt\":%s,\"status\":\"%s\"", i > 0 ? "," : "",
                      time_json(booking->created_us, created),
                      booking_status_text(booking->status));
        if (!id128_equal(&booking->user, &n->user))
            write_user(file, "user", &booking->user);
        (void)fputs(booking->linked ? ",\"linked\":true}" : "}", file->out);
    }
    (void)fputs("]}\n", file->out);
}

void audit_export_number(struct audit_export *file, const struct audit_number *n) {
    bool has_turn = n->state != TURN_NONE;
    file->numbers++;
    (void)fprintf(file->out, "{\"number\":%" PRIu64, n->number);
    write_user(file, "user", &n->joined);
    write_time(file, "joinedAt", n->joined_us);
    if (n->span >= 0)
        (void)fprintf(file->out, ",\"span\":%" PRId64, n->span);
    if (!n->stored)
        (void)fputs(",\"stored\":false", file->out);
    if (has_turn)
        (void)fprintf(file->out, ",\"state\":\"%s\"", turn_state_text(n->state));
    else
        (void)fputs(",\"state\":null", file->out);
    write_time(file, "calledAt", n->called_us);
    write_time(file, "endedAt", n->ended_us);
    if (has_turn && !id128_equal(&n->user, &n->joined))
        write_user(file, "turnUser", &n->user);
    if (n->linked_us != 0)
        write_time(file, "linkedAt", n->linked_us);
    if (n->called_us != 0 && n->turn_joined_us != n->joined_us)
        write_time(file, "turnJoinedAt", n->turn_joined_us);
    write_bookings(file, n);
}

void audit_export_without_number(struct audit_export *file, const struct audit_booking *booking) {
    char created[TIME_JSON_SIZE];
    file->without_number++;
    (void)fprintf(file->out, "{\"withoutNumber\":{\"createdAt\":%s,\"status\":\"%s\"}}\n",
                  time_json(booking->created_us, created), booking_status_text(booking->status));
}

void audit_export_end_take(struct audit_export *file) {
    (void)fprintf(file->out,
                  "{\"end\":true,\"numbers\":%" PRIu64 ",\"withoutNumber\":%" PRIu64 "}\n",
                  file->numbers, file->without_number);
    audit_export_drop(file);
}

void audit_export_drop(struct audit_export *file) {
    free(file);
}

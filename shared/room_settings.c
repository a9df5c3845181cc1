#include "shared/room_settings.h"

#include "shared/catalogue_fields.h"

static void read_mode(const struct fields *fields, enum room_mode *mode) {
    const char *text;
    if (!fields_text(fields, "mode", CATALOGUE_NAME_MAX_BYTES, FIELD_OPTIONAL, &text))
        return;
    for (int i = ROOM_MODE_OFF; i <= ROOM_MODE_CLOSED; i++) {
        if (strcmp(text, room_mode_text((enum room_mode)i)) == 0) {
            *mode = (enum room_mode)i;
            return;
        }
    }
    problem_add(fields, "mode", "must be off, open, paused or closed");
}

static void read_people(const struct fields *fields, const char *name, uint32_t *people) {
    int64_t number;
    if (fields_integer(fields, name, 1, ROOM_PEOPLE_MAX, FIELD_OPTIONAL, &number))
        *people = (uint32_t)number;
}

static void read_seconds(const struct fields *fields, const char *name, int64_t *time_ms) {
    int64_t seconds;
    if (fields_integer(fields, name, 1, ROOM_SECONDS_MAX, FIELD_OPTIONAL, &seconds))
        *time_ms = seconds * 1000;
}

void room_settings_read(struct room_settings *settings, const json_t *object, const char *path,
                        struct catalogue_problems *problems) {
    static const char *const known[] = {
        "mode",         "openTime",    "admitsPerMinute", "maxShoppers",
        "claimSeconds", "passSeconds", "message",         NULL};
    struct fields fields;
    if (!fields_open(&fields, problems, object, path, known))
        return;
    read_mode(&fields, &settings->mode);
    fields_time(&fields, "openTime", FIELD_OPTIONAL, &settings->open_us);
    read_people(&fields, "admitsPerMinute", &settings->admits_per_minute);
    read_people(&fields, "maxShoppers", &settings->max_shoppers);
    read_seconds(&fields, "claimSeconds", &settings->claim_ms);
    read_seconds(&fields, "passSeconds", &settings->pass_ms);
    const char *message;
    if (fields_text(&fields, "message", ROOM_MESSAGE_SIZE - 1, FIELD_MAY_BE_EMPTY, &message)) {
        memset(settings->message, 0, sizeof settings->message);
        memcpy(settings->message, message, strlen(message));
    }
}

enum status room_settings_apply(struct room_settings *settings, const char *json) {
    json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    struct room_settings applied = *settings;
    struct catalogue_problems problems = {0};
    room_settings_read(&applied, object, "", &problems);
    json_decref(object);
    if (problems.count > 0)
        return STATUS_INVALID;
    *settings = applied;
    return STATUS_OK;
}

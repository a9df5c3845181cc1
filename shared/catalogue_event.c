/*
 * An event's document comes in three forms, read by the same rules: the API's for a new event, the
 * API's for a change, and the one a change has on its way to the owner, which differs in its prices
 * only.
 */
#include "shared/catalogue_data.h"
#include "shared/catalogue_fields.h"
#include "shared/room_settings.h"

#include <stdlib.h>

enum event_form { EVENT_NEW, EVENT_CHANGE, EVENT_COMMAND };

enum {
    HOLD_SECONDS_MAX = 24 * 60 * 60,
    SEATS_PER_USER_MAX = 1000,
    SEATS_PER_USER_DEFAULT = 8,
};

/* Positions are those of enum show_state (worker/engine/show.h), which are stored. */
static const char *const STATES[] = {"DRAFT", "ON_SALE", "PAUSED", "SALE_ENDED", "CANCELLED"};
enum { STATE_DRAFT = 0, STATE_OPEN = 1 };

static void fields_release(struct event_fields *event) {
    json_decref(event->document);
    free(event->room);
}

void event_input_free(struct event_input *event) {
    if (event) {
        fields_release(&event->fields);
        free(event->command_text);
        free(event);
    }
}

void event_patch_free(struct event_patch *patch) {
    if (patch) {
        fields_release(&patch->fields);
        free(patch);
    }
}

const char *event_input_command_text(const struct event_input *event) {
    return event->command_text;
}

int64_t event_input_venue_id(const struct event_input *event) {
    return event->venue_id;
}

const struct event_patch_settings *event_patch_get_settings(const struct event_patch *patch) {
    return &patch->fields.settings;
}

const char *event_patch_room(const struct event_patch *patch) {
    return patch->fields.room;
}

/* --- single fields */

static void read_artists(const struct fields *fields, struct event_fields *event) {
    const json_t *artists =
        fields_array(fields, "artists", 0, CATALOGUE_ARTISTS_MAX, FIELD_OPTIONAL);
    if (!artists) {
        return;
    }
    event->has_artists = true;
    size_t index;
    const json_t *artist;
    json_array_foreach(artists, index, artist) {
        char field[32];
        snprintf(field, sizeof field, "artists[%zu]", index);
        const char *text;
        if (value_is_text(fields, field, artist, CATALOGUE_NAME_MAX_BYTES, FIELD_REQUIRED, &text)) {
            event->artists[event->artist_count++] = text;
        }
    }
}

static void read_state(const struct fields *fields, enum event_form form,
                       struct event_patch_settings *settings) {
    const char *text;
    if (!fields_text(fields, "state", CATALOGUE_NAME_MAX_BYTES, FIELD_OPTIONAL, &text)) {
        return;
    }
    if (form == EVENT_NEW) {
        if (strcmp(text, STATES[STATE_DRAFT]) != 0) {
            problem_add(fields, "state", "a new event can only be DRAFT; without it goes on sale");
        }
        settings->state = STATE_DRAFT;
        return;
    }
    for (uint32_t state = 0; state < ARRAY_LEN(STATES); state++) {
        if (strcmp(text, STATES[state]) == 0 ||
            (state == STATE_OPEN && strcmp(text, "SCHEDULED") == 0)) {
            settings->has_state = true;
            settings->state = state;
            return;
        }
    }
    problem_add(fields, "state",
                "must be DRAFT, SCHEDULED, ON_SALE, PAUSED, SALE_ENDED or CANCELLED");
}

static enum status read_room(const struct fields *fields, struct event_fields *event) {
    const json_t *room = json_object_get(fields->object, "room");
    if (!room) {
        return STATUS_OK;
    }
    struct room_settings settings;
    room_settings_default(&settings);
    room_settings_read(&settings, room, "room", fields->problems);
    if (!json_is_object(room)) {
        return STATUS_OK; /* a problem, listed */
    }
    event->room = json_dumps(room, JSON_COMPACT);
    event->settings.has_room = event->room != NULL;
    return event->room ? STATUS_OK : STATUS_NO_MEMORY;
}

/* --- prices */

static void check_currency(const struct fields *prices, const char *field, const char *currency,
                           struct event_patch_settings *settings) {
    if (settings->currency[0] == '\0') {
        memcpy(settings->currency, currency, CURRENCY_SIZE);
    } else if (strcmp(settings->currency, currency) != 0) {
        problem_add(prices, field, "an event has one currency, here %s already",
                    settings->currency);
    }
}

static void read_price(const struct fields *prices, const char *category, uint32_t position,
                       struct event_patch_settings *settings) {
    static const char *const known[] = {"value", "currency", NULL};
    struct fields price;
    char currency[CURRENCY_SIZE];
    if (!fields_open_inside(&price, prices, json_object_get(prices->object, category), known, "%s",
                            category)) {
        return;
    }
    fields_integer(&price, "value", 0, CATALOGUE_PRICE_MAX, FIELD_REQUIRED,
                   &settings->prices[position]);
    if (fields_currency(&price, "currency", currency)) {
        check_currency(prices, category, currency, settings);
    }
}

static bool venue_has_category(const struct venue_facts *venue, const char *category,
                               uint32_t *position) {
    for (*position = 0; *position < venue->category_count; ++*position) {
        if (strcmp(venue->categories[*position], category) == 0) {
            return true;
        }
    }
    return false;
}

/* Every category of the venue, and nothing else; in the venue's order. */
static void read_prices_of_venue(const struct fields *prices, const struct venue_facts *venue,
                                 struct event_patch_settings *settings) {
    const char *category;
    json_t *price;
    uint32_t position;
    json_object_foreach((json_t *)prices->object, category, price) {
        if (!venue_has_category(venue, category, &position)) {
            problem_add(prices, category, "the venue has no such price category");
            continue;
        }
        read_price(prices, category, position, settings);
    }
    for (position = 0; position < venue->category_count; position++) {
        if (!json_object_get(prices->object, venue->categories[position])) {
            problem_add(prices, venue->categories[position], "is required");
        }
    }
    settings->price_count = venue->category_count;
}

/* Of an unknown venue: in any order. */
static void read_prices_by_form(const struct fields *prices,
                                struct event_patch_settings *settings) {
    const char *category;
    json_t *price;
    json_object_foreach((json_t *)prices->object, category, price) {
        if (settings->price_count == PRICE_CATEGORIES_MAX) {
            problem_add(prices, "", "must be at most %d", PRICE_CATEGORIES_MAX);
            return;
        }
        read_price(prices, category, settings->price_count++, settings);
    }
    if (settings->price_count == 0) {
        problem_add(prices, "", "must name a price for every category of the venue");
    }
}

/* {"CATEGORY": {value, currency}, …} */
static void read_prices(const struct fields *fields, enum event_form form,
                        const struct venue_facts *venue, struct event_fields *event) {
    const json_t *value = json_object_get(fields->object, "prices");
    struct fields prices;
    if (!value) {
        if (form == EVENT_NEW) {
            problem_add(fields, "prices", "is required");
        }
    } else if (fields_open_inside(&prices, fields, value, NULL, "prices")) {
        event->settings.has_prices = true;
        event->priced_by_position = venue != NULL;
        if (venue) {
            read_prices_of_venue(&prices, venue, &event->settings);
        } else {
            read_prices_by_form(&prices, &event->settings);
        }
    }
}

/* {"currency": "EUR", "values": [1200, …]} */
static void read_command_prices(const struct fields *fields, struct event_fields *event) {
    static const char *const known[] = {"currency", "values", NULL};
    const json_t *value = json_object_get(fields->object, "prices");
    struct fields prices;
    if (!value || !fields_open_inside(&prices, fields, value, known, "prices")) {
        return;
    }
    struct event_patch_settings *settings = &event->settings;
    settings->has_prices = event->priced_by_position = true;
    fields_currency(&prices, "currency", settings->currency);
    const json_t *values = fields_array(&prices, "values", 1, PRICE_CATEGORIES_MAX, FIELD_REQUIRED);
    size_t index;
    const json_t *price;
    json_array_foreach(values, index, price) {
        int64_t amount = json_integer_value(price);
        if (!json_is_integer(price) || amount < 0 || amount > CATALOGUE_PRICE_MAX) {
            problem_add(&prices, "values", "must be prices");
        }
        settings->prices[settings->price_count++] = amount;
    }
}

/* --- the whole */

static void read_times(const struct fields *fields, unsigned required, struct event_fields *event) {
    struct event_patch_settings *settings = &event->settings;
    fields_time(fields, "startTime", required, &event->start_us);
    if (!required && json_is_null(json_object_get(fields->object, "startTime"))) {
        problem_add(fields, "startTime", "an event has to have one");
    }
    event->has_end = fields_time(fields, "endTime", FIELD_OPTIONAL, &event->end_us);
    settings->has_on_sale =
        fields_time(fields, "onSaleTime", FIELD_OPTIONAL, &settings->on_sale_us);
    settings->has_sale_end =
        fields_time(fields, "saleEndTime", FIELD_OPTIONAL, &settings->sale_end_us);
    if (event->end_us && event->start_us && event->end_us <= event->start_us) {
        problem_add(fields, "endTime", "must be after startTime");
    }
    if (settings->sale_end_us && settings->on_sale_us >= settings->sale_end_us) {
        problem_add(fields, "saleEndTime", "must be after onSaleTime");
    }
}

static enum status read_fields(const struct fields *fields, enum event_form form,
                               const struct venue_facts *venue, struct event_fields *event) {
    unsigned required = form == EVENT_NEW ? FIELD_REQUIRED : FIELD_OPTIONAL;
    struct event_patch_settings *settings = &event->settings;
    fields_text(fields, "name", CATALOGUE_NAME_MAX_BYTES, required, &event->name);
    fields_text(fields, "description", CATALOGUE_DESCRIPTION_MAX_BYTES,
                FIELD_MAY_BE_EMPTY | FIELD_MAY_HAVE_LINES, &event->description);
    read_times(fields, required, event);
    read_artists(fields, event);
    if (form == EVENT_COMMAND) {
        read_command_prices(fields, event);
    } else {
        read_prices(fields, form, venue, event);
    }
    settings->has_hold = fields_integer(fields, "holdSeconds", 1, HOLD_SECONDS_MAX, FIELD_OPTIONAL,
                                        &settings->hold_seconds);
    int64_t seats_per_user = SEATS_PER_USER_DEFAULT;
    settings->has_seats_per_user = fields_integer(fields, "seatsPerUser", 1, SEATS_PER_USER_MAX,
                                                  FIELD_OPTIONAL, &seats_per_user);
    settings->seats_per_user = (uint32_t)seats_per_user;
    settings->guests = true;
    settings->has_guests = fields_boolean(fields, "guests", &settings->guests);
    settings->state = STATE_OPEN;
    read_state(fields, form, settings);
    return read_room(fields, event);
}

/* Reads a copy of `document`, which the event keeps. */
static enum status read_document(const json_t *document, enum event_form form,
                                 const struct venue_facts *venue, int64_t *venue_id,
                                 struct event_fields *event, struct catalogue_problems *problems) {
    static const char *const known[] = {
        "name",         "startTime", "endTime", "onSaleTime", "saleEndTime",
        "description",  "artists",   "prices",  "guests",     "holdSeconds",
        "seatsPerUser", "room",      "state",   "venueId",    NULL};
    *problems = (struct catalogue_problems){0};
    struct fields fields;
    if (!fields_open(&fields, problems, document, "", known)) {
        return STATUS_INVALID;
    }
    event->document = json_deep_copy(document);
    if (!event->document) {
        return STATUS_NO_MEMORY;
    }
    fields.object = event->document;
    if (form == EVENT_NEW) {
        fields_integer(&fields, "venueId", 1, INT64_MAX, FIELD_REQUIRED, venue_id);
    } else if (json_object_get(document, "venueId")) {
        problem_add(&fields, "venueId", "an event can't move to another venue");
    }
    enum status status = read_fields(&fields, form, venue, event);
    return status == STATUS_OK && problems->count > 0 ? STATUS_INVALID : status;
}

/* The document with its prices by position. */
static enum status make_command_text(struct event_input *event) {
    const struct event_patch_settings *settings = &event->fields.settings;
    json_t *command = json_copy(event->fields.document);
    bool failed = !command;
    if (!failed && settings->has_prices) {
        json_t *values = json_array();
        for (uint32_t i = 0; i < settings->price_count; i++) {
            failed |= json_array_append_new(values, json_integer(settings->prices[i])) != 0;
        }
        json_t *prices = json_pack("{s:s, s:o}", "currency", settings->currency, "values", values);
        failed |= json_object_set_new(command, "prices", prices) != 0;
    }
    event->command_text = failed ? NULL : json_dumps(command, JSON_COMPACT);
    json_decref(command);
    if (!event->command_text) {
        return STATUS_NO_MEMORY;
    }
    if (strlen(event->command_text) > EVENT_PATCH_MAX_BYTES) {
        free(event->command_text);
        event->command_text = NULL;
    }
    return STATUS_OK;
}

enum status event_input_read(const json_t *document, bool patch, const struct venue_facts *venue,
                             struct event_input **result, struct catalogue_problems *problems) {
    struct event_input *event = calloc(1, sizeof *event);
    if (!event) {
        return STATUS_NO_MEMORY;
    }
    enum status status = read_document(document, patch ? EVENT_CHANGE : EVENT_NEW, venue,
                                       &event->venue_id, &event->fields, problems);
    bool prices_known = !event->fields.settings.has_prices || event->fields.priced_by_position;
    if (status == STATUS_OK && patch && prices_known) {
        status = make_command_text(event);
    }
    if (status != STATUS_OK) {
        event_input_free(event);
        return status;
    }
    *result = event;
    return STATUS_OK;
}

enum status event_patch_read(const char *text, struct event_patch **result) {
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct event_patch *patch = calloc(1, sizeof *patch);
    if (!patch) {
        json_decref(document);
        return STATUS_NO_MEMORY;
    }
    struct catalogue_problems problems;
    int64_t no_venue = 0;
    enum status status =
        read_document(document, EVENT_COMMAND, NULL, &no_venue, &patch->fields, &problems);
    json_decref(document);
    if (status != STATUS_OK) {
        event_patch_free(patch);
        return status;
    }
    *result = patch;
    return STATUS_OK;
}

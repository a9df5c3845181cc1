#include "shared/catalogue_sql.h"

#include "shared/catalogue_data.h"

/* Types of parameters: src/include/catalog/pg_type.dat. */
enum {
    TYPE_BOOL = 16,
    TYPE_BYTEA = 17,
    TYPE_INT8 = 20,
    TYPE_INT2 = 21,
    TYPE_INT4 = 23,
    TYPE_TEXT = 25,
    TYPE_TIMESTAMPTZ = 1184,
    TYPE_INT2_ARRAY = 1005,
    TYPE_INT4_ARRAY = 1007,
    TYPE_TEXT_ARRAY = 1009,
    TYPE_INT8_ARRAY = 1016,
    TYPE_JSONB = 3802,
};

/* Of what bind_request binds. */
#define REQUEST_TYPES                                                                              \
    TYPE_TEXT, TYPE_BYTEA, TYPE_TEXT, TYPE_TEXT, TYPE_TEXT, TYPE_TEXT, TYPE_TEXT, TYPE_TEXT,       \
        TYPE_JSONB

/*
 * In both inserts `given` is the request that had this idempotency key before; all else happens
 * only when there is none. Foreign keys are checked at the statement's end, so the parts may insert
 * in any order.
 */
const struct database_statement catalogue_insert_venue = {
    .name = "catalogue_insert_venue",
    .sql =
        "WITH given AS ("
        "  SELECT result_id, body_hash = $18 AS same FROM usher.admin_request"
        "  WHERE caller = $19 AND route = 'POST /admin/venues' AND idempotency_key = $17),"
        " zone AS ("
        "  SELECT name FROM pg_timezone_names"
        "  WHERE name = $4 AND NOT EXISTS (SELECT FROM given) LIMIT 1),"
        " venue AS ("
        "  INSERT INTO usher.venue (name, city, country, time_zone)"
        "  SELECT $1, $2, $3, name FROM zone"
        "  RETURNING venue_id, layout_version),"
        " layout AS ("
        "  INSERT INTO usher.layout (venue_id, layout_version, seat_count, categories, sections)"
        "  SELECT venue_id, layout_version, $5, $6, $7 FROM venue),"
        " section AS ("
        "  INSERT INTO usher.layout_section (venue_id, layout_version, section_no, name, general,"
        "                                    category_no, first_seat, seat_count)"
        "  SELECT venue_id, layout_version, position - 1, name, general = 1, category_no, "
        "first_seat,"
        "         seat_count"
        "  FROM venue, unnest($8, $9, $10, $11, $12) WITH ORDINALITY"
        "       AS s(name, general, category_no, first_seat, seat_count, position)),"
        " seat AS ("
        "  INSERT INTO usher.layout_seat (venue_id, layout_version, seat, seat_id, section, "
        "\"row\","
        "                                 number)"
        "  SELECT venue_id, layout_version, position - 1, seat_id, section, \"row\", number"
        "  FROM venue, unnest($13, $14, $15, $16) WITH ORDINALITY"
        "       AS s(seat_id, section, \"row\", number, position)),"
        " request AS ("
        "  INSERT INTO usher.admin_request (caller, route, idempotency_key, body_hash, result_id)"
        "  SELECT $19, 'POST /admin/venues', $17, $18, venue_id FROM venue WHERE $17 IS NOT NULL),"
        " log AS ("
        "  INSERT INTO usher.admin_log (venue_id, status, " ADMIN_NOTE_COLUMNS ")"
        "  SELECT venue_id, 201, $20, $21, $22, $23, $24, $25 FROM venue)"
        " SELECT venue_id AS id, layout_version, $5 AS seat_count, false AS replayed,"
        "        false AS key_reused"
        " FROM venue"
        " UNION ALL"
        " SELECT result_id, layout_version, seat_count, same, NOT same"
        " FROM given JOIN usher.layout ON venue_id = result_id AND layout_version = 1",
    .parameter_count = 19 + ADMIN_NOTE_PARAMETERS,
    .types = {TYPE_TEXT, TYPE_TEXT, TYPE_TEXT, TYPE_TEXT, TYPE_INT4, TYPE_TEXT_ARRAY, TYPE_JSONB,
              TYPE_TEXT_ARRAY, TYPE_INT2_ARRAY, TYPE_INT2_ARRAY, TYPE_INT4_ARRAY, TYPE_INT4_ARRAY,
              TYPE_TEXT_ARRAY, TYPE_TEXT_ARRAY, TYPE_TEXT_ARRAY, TYPE_TEXT_ARRAY, REQUEST_TYPES},
};

static void bind_request(struct database_group *group, const struct admin_request *request) {
    database_group_text(group, request->idempotency_key);
    database_group_bytes(group, request->body_hash, sizeof request->body_hash);
    database_group_text(group, request->caller);
    admin_note_bind(group, &request->note);
}

void catalogue_bind_venue(struct database_group *group, const struct venue_input *venue,
                          const struct admin_request *request) {
    const struct venue_sections *sections = &venue->sections;
    size_t section_count = venue->section_count;
    database_group_add(group, &catalogue_insert_venue);
    database_group_text(group, venue->name);
    database_group_text(group, venue->city);
    database_group_text(group, venue->country);
    database_group_text(group, venue->time_zone);
    database_group_i32(group, (int32_t)venue->seat_count);
    database_group_text_array(group, venue->categories, venue->category_count);
    database_group_jsonb(group, venue->layout_json);
    database_group_text_array(group, sections->names, section_count);
    database_group_i16_array(group, sections->general, section_count);
    database_group_i16_array(group, sections->categories, section_count);
    database_group_i32_array(group, sections->first_seats, section_count);
    database_group_i32_array(group, sections->seat_counts, section_count);
    database_group_text_array(group, venue->seats.ids, venue->seat_count);
    database_group_text_array(group, venue->seats.sections, venue->seat_count);
    database_group_text_array(group, venue->seats.rows, venue->seat_count);
    database_group_text_array(group, venue->seats.numbers, venue->seat_count);
    bind_request(group, request);
}

/* partition_id is generated from event_id by usher.partition_of_event
 * (migrations/0001_booking.sql). */
const struct database_statement catalogue_insert_event = {
    .name = "catalogue_insert_event",
    .sql = "WITH given AS ("
           "  SELECT result_id, body_hash = $17 AS same FROM usher.admin_request"
           "  WHERE caller = $18 AND route = 'POST /admin/events' AND idempotency_key = $16),"
           " place AS ("
           "  SELECT venue_id, layout_version, seat_count"
           "  FROM usher.venue JOIN usher.layout USING (venue_id, layout_version)"
           "  WHERE venue_id = $1 AND NOT EXISTS (SELECT FROM given)),"
           " event AS ("
           "  INSERT INTO usher.event (venue_id, layout_version, name, start_time, end_time,"
           "                           on_sale_time, sale_end_time, description, artists, currency,"
           "                           prices, hold_seconds, seats_per_user, guests, room, state)"
           "  SELECT venue_id, layout_version, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
           "         $14, $15"
           "  FROM place"
           "  RETURNING event_id, partition_id),"
           " show AS ("
           "  INSERT INTO usher.show (event_id, partition_id, seats_available)"
           "  SELECT event_id, partition_id, seat_count FROM event, place),"
           " request AS ("
           "  INSERT INTO usher.admin_request (caller, route, idempotency_key, body_hash, "
           "result_id)"
           "  SELECT $18, 'POST /admin/events', $16, $17, event_id FROM event"
           "  WHERE $16 IS NOT NULL),"
           " log AS ("
           "  INSERT INTO usher.admin_log (event_id, venue_id, status, " ADMIN_NOTE_COLUMNS ")"
           "  SELECT event_id, $1, 201, $19, $20, $21, $22, $23, $24 FROM event)"
           " SELECT event_id AS id, false AS replayed, false AS key_reused FROM event"
           " UNION ALL"
           " SELECT result_id, same, NOT same FROM given",
    .parameter_count = 18 + ADMIN_NOTE_PARAMETERS,
    .types = {TYPE_INT8, TYPE_TEXT, TYPE_TIMESTAMPTZ, TYPE_TIMESTAMPTZ, TYPE_TIMESTAMPTZ,
              TYPE_TIMESTAMPTZ, TYPE_TEXT, TYPE_TEXT_ARRAY, TYPE_TEXT, TYPE_INT8_ARRAY, TYPE_INT4,
              TYPE_INT4, TYPE_BOOL, TYPE_JSONB, TYPE_INT2, REQUEST_TYPES},
};

/* 0: none */
static void bind_time(struct database_group *group, int64_t time_us) {
    if (time_us == 0) {
        database_group_null(group);
    } else {
        database_group_time(group, time_us);
    }
}

void catalogue_bind_event(struct database_group *group, const struct event_input *event,
                          int64_t default_hold_seconds, const struct admin_request *request) {
    const struct event_fields *fields = &event->fields;
    const struct event_patch_settings *settings = &fields->settings;
    ensure(fields->priced_by_position); /* read with the venue's facts */
    database_group_add(group, &catalogue_insert_event);
    database_group_i64(group, event->venue_id);
    database_group_text(group, fields->name);
    database_group_time(group, fields->start_us);
    bind_time(group, fields->end_us);
    bind_time(group, settings->on_sale_us);
    bind_time(group, settings->sale_end_us);
    database_group_text(group, fields->description ? fields->description : "");
    database_group_text_array(group, fields->artists, fields->artist_count);
    database_group_text(group, settings->currency);
    database_group_i64_array(group, settings->prices, settings->price_count);
    database_group_i32(
        group, (int32_t)(settings->has_hold ? settings->hold_seconds : default_hold_seconds));
    database_group_i32(group, (int32_t)settings->seats_per_user);
    database_group_bool(group, settings->guests);
    database_group_jsonb(group, fields->room ? fields->room : "{}");
    database_group_i16(group, (int16_t)settings->state);
    bind_request(group, request);
}

const struct database_statement catalogue_select_venue_facts = {
    .name = "catalogue_select_venue_facts",
    .sql = "SELECT to_jsonb(categories) FROM usher.venue"
           " JOIN usher.layout USING (venue_id, layout_version) WHERE venue_id = $1",
    .parameter_count = 1,
    .types = {TYPE_INT8},
};

void catalogue_bind_venue_facts(struct database_group *group, int64_t venue_id) {
    database_group_add(group, &catalogue_select_venue_facts);
    database_group_i64(group, venue_id);
}

void catalogue_read_venue_facts(const PGresult *result, struct venue_facts *facts) {
    *facts = (struct venue_facts){0};
    json_t *categories = json_loads(database_jsonb(result, 0, 0), 0, NULL);
    ensure(json_array_size(categories) <= PRICE_CATEGORIES_MAX);
    size_t index;
    json_t *category;
    json_array_foreach(categories, index, category) {
        ensure(json_string_length(category) <= CATALOGUE_NAME_MAX_BYTES);
        memcpy(facts->categories[index], json_string_value(category),
               json_string_length(category) + 1);
        facts->category_count++;
    }
    json_decref(categories);
}

/* NULL leaves a column as it is; times that may be NULL have a boolean in front. The room's
 * settings are merged, so that one of them can be changed alone. */
const struct database_statement catalogue_update_event = {
    .name = "catalogue_update_event",
    .sql = "UPDATE usher.event SET"
           " name = COALESCE($2, name),"
           " description = COALESCE($3, description),"
           " start_time = COALESCE($4, start_time),"
           " end_time = CASE WHEN $5 THEN $6 ELSE end_time END,"
           " on_sale_time = CASE WHEN $7 THEN $8 ELSE on_sale_time END,"
           " sale_end_time = CASE WHEN $9 THEN $10 ELSE sale_end_time END,"
           " artists = COALESCE($11, artists),"
           " currency = COALESCE($12, currency),"
           " prices = COALESCE($13, prices),"
           " hold_seconds = COALESCE($14, hold_seconds),"
           " seats_per_user = COALESCE($15, seats_per_user),"
           " guests = COALESCE($16, guests),"
           " room = room || COALESCE($17, '{}'),"
           " state = COALESCE($18, state)"
           " WHERE event_id = $1",
    .parameter_count = 18,
    .types = {TYPE_INT8, TYPE_TEXT, TYPE_TEXT, TYPE_TIMESTAMPTZ, TYPE_BOOL, TYPE_TIMESTAMPTZ,
              TYPE_BOOL, TYPE_TIMESTAMPTZ, TYPE_BOOL, TYPE_TIMESTAMPTZ, TYPE_TEXT_ARRAY, TYPE_TEXT,
              TYPE_INT8_ARRAY, TYPE_INT4, TYPE_INT4, TYPE_BOOL, TYPE_JSONB, TYPE_INT2},
};

static void bind_optional_time(struct database_group *group, bool has, int64_t time_us) {
    database_group_bool(group, has);
    bind_time(group, time_us);
}

static void bind_patched_settings(struct database_group *group,
                                  const struct event_patch_settings *settings) {
    if (settings->has_prices) {
        database_group_text(group, settings->currency);
        database_group_i64_array(group, settings->prices, settings->price_count);
    } else {
        database_group_null(group);
        database_group_null(group);
    }
    if (settings->has_hold) {
        database_group_i32(group, (int32_t)settings->hold_seconds);
    } else {
        database_group_null(group);
    }
    if (settings->has_seats_per_user) {
        database_group_i32(group, (int32_t)settings->seats_per_user);
    } else {
        database_group_null(group);
    }
    if (settings->has_guests) {
        database_group_bool(group, settings->guests);
    } else {
        database_group_null(group);
    }
}

void catalogue_bind_update(struct database_group *group, uint64_t event_id,
                           const struct event_patch *patch) {
    const struct event_fields *fields = &patch->fields;
    const struct event_patch_settings *settings = &fields->settings;
    database_group_add(group, &catalogue_update_event);
    database_group_i64(group, (int64_t)event_id);
    database_group_text(group, fields->name);
    database_group_text(group, fields->description);
    bind_time(group, fields->start_us);
    bind_optional_time(group, fields->has_end, fields->end_us);
    bind_optional_time(group, settings->has_on_sale, settings->on_sale_us);
    bind_optional_time(group, settings->has_sale_end, settings->sale_end_us);
    if (fields->has_artists) {
        database_group_text_array(group, fields->artists, fields->artist_count);
    } else {
        database_group_null(group);
    }
    bind_patched_settings(group, settings);
    if (fields->room) {
        database_group_jsonb(group, fields->room);
    } else {
        database_group_null(group);
    }
    if (settings->has_state) {
        database_group_i16(group, (int16_t)settings->state);
    } else {
        database_group_null(group);
    }
}

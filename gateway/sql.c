#include "gateway/sql.h"

#include "shared/catalogue_sql.h"

/* Object ids of PostgreSQL's own types never change (pg_type.dat). */
enum {
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950,
    OID_JSONB = 3802,
};

const struct database_statement sql_clock = {.name = "clock", .sql = "SELECT clock_timestamp()"};

const struct database_statement sql_installation = {
    .name = "installation",
    .sql = "SELECT installation_id, partition_count, partition_hash, booking_key, session_keys[1],"
           " session_keys[2] FROM usher.installation",
};

#define UTC(time) "to_char(" time " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

#define EVENT_SUMMARY                                                                              \
    "'id', e.event_id, 'name', e.name, 'artists', to_json(e.artists),"                             \
    " 'venue', json_build_object('id', v.venue_id, 'name', v.name, 'city', v.city,"                \
    " 'country', v.country, 'timeZone', v.time_zone),"                                             \
    " 'startTime', " UTC("e.start_time") ", 'onSaleTime', " UTC(                                   \
        "e.on_sale_time") ","                                                                      \
                          " 'state', CASE e.state WHEN 0 THEN 'DRAFT' WHEN 2 THEN 'PAUSED' WHEN "  \
                          "3 THEN 'SALE_ENDED'"                                                    \
                          " WHEN 4 THEN 'CANCELLED' ELSE CASE WHEN e.on_sale_time > "              \
                          "clock_timestamp() THEN 'SCHEDULED'"                                     \
                          " WHEN e.sale_end_time <= clock_timestamp() THEN 'SALE_ENDED' ELSE "     \
                          "'ON_SALE' END END,"                                                     \
                          " 'priceFrom', json_build_object('value', (SELECT min(p) FROM "          \
                          "unnest(e.prices) p),"                                                   \
                          " 'currency', e.currency), 'seatsAvailable', s.seats_available"

#define EVENT_DETAIL                                                                               \
    "'endTime', " UTC("e.end_time") ", 'saleEndTime', " UTC(                                       \
        "e.sale_end_time") ","                                                                     \
                           " 'description', e.description,"                                        \
                           " 'prices', (SELECT json_object_agg(p.category, "                       \
                           "json_build_object('value', p.price,"                                   \
                           " 'currency', e.currency) ORDER BY p.position)"                         \
                           " FROM unnest(l.categories, e.prices) WITH ORDINALITY AS p(category, "  \
                           "price, position)),"                                                    \
                           " 'holdSeconds', e.hold_seconds, 'seatsPerUser', e.seats_per_user, "    \
                           "'guests', e.guests,"                                                   \
                           " 'layoutVersion', e.layout_version,"                                   \
                           " 'room', "                                                             \
                           "'{\"mode\":\"off\",\"openTime\":null,\"admitsPerMinute\":600,"         \
                           "\"maxShoppers\":500,"                                                  \
                           "\"claimSeconds\":120,\"passSeconds\":600,"                             \
                           "\"message\":\"\"}'::jsonb || e.room"

const struct database_statement sql_event = {
    .name = "event",
    .sql = "SELECT e.state, e.venue_id, e.layout_version,"
           " json_build_object(" EVENT_SUMMARY ", " EVENT_DETAIL ")::text,"
           " e.event_id, coalesce(e.room ->> 'mode', 'off') = 'off', e.guests"
           " FROM usher.event e JOIN usher.venue v USING (venue_id)"
           " JOIN usher.show s USING (event_id)"
           " JOIN usher.layout l ON l.venue_id = e.venue_id"
           " AND l.layout_version = e.layout_version"
           " WHERE e.event_id = $1",
    .parameter_count = 1,
    .types = {OID_INT8},
};

/* Which rows e of usher.event_search are asked for. Parameters are constants when a search is
 * planned (reads.c): what is NULL leaves no trace in the plan. Local times are at most 16 hours
 * from UTC, which bounds the range of the index. */
#define SEARCH_FILTERS                                                                             \
    " e.state <> 0"                                                                                \
    " AND ($1::text IS NULL OR e.city = usher.search_plain($1))"                                   \
    " AND CASE $2::text"                                                                           \
    " WHEN 'SCHEDULED' THEN e.state = 1 AND e.on_sale_time > now()"                                \
    " WHEN 'ON_SALE' THEN e.state = 1 AND coalesce(e.on_sale_time <= now(), true)"                 \
    " AND coalesce(e.sale_end_time > now(), true)"                                                 \
    " WHEN 'PAUSED' THEN e.state = 2"                                                              \
    " WHEN 'SALE_ENDED' THEN e.state = 3 OR e.state = 1 AND e.sale_end_time <= now()"              \
    " AND coalesce(e.on_sale_time <= now(), true)"                                                 \
    " WHEN 'CANCELLED' THEN e.state = 4 ELSE true END"                                             \
    " AND ($3::timestamptz IS NULL OR e.start_time >= $3)"                                         \
    " AND ($4::timestamp IS NULL"                                                                  \
    " OR e.start_time >= $4 AT TIME ZONE 'UTC' - interval '16 hours'"                              \
    " AND e.start_time >= $4 AT TIME ZONE e.time_zone)"                                            \
    " AND ($3 IS NOT NULL OR $4 IS NOT NULL OR e.start_time >= now())"                             \
    " AND ($5::timestamptz IS NULL OR e.start_time < $5)"                                          \
    " AND ($6::timestamp IS NULL"                                                                  \
    " OR e.start_time < $6 AT TIME ZONE 'UTC' + interval '16 hours'"                               \
    " AND e.start_time < $6 AT TIME ZONE e.time_zone)"                                             \
    " AND ($7::timestamptz IS NULL OR (e.start_time, e.event_id) > ($7, $8::bigint))"

#define SEARCH_SHOW(found)                                                                         \
    "SELECT json_build_object(" EVENT_SUMMARY ")::text, found.start_time, found.event_id"          \
    " FROM (" found ") found JOIN usher.event e USING (event_id)"                                  \
    " JOIN usher.venue v USING (venue_id) JOIN usher.show s USING (event_id)"                      \
    " ORDER BY found.start_time, found.event_id"

#define SEARCH_TYPES                                                                               \
    OID_TEXT, OID_TEXT, OID_TIMESTAMPTZ, OID_TIMESTAMP, OID_TIMESTAMPTZ, OID_TIMESTAMP,            \
        OID_TIMESTAMPTZ, OID_INT8, OID_INT4

const struct database_statement sql_search_all = {
    .name = "search-all",
    .sql = SEARCH_SHOW("SELECT e.start_time, e.event_id FROM usher.event_search e"
                       " WHERE" SEARCH_FILTERS " ORDER BY e.start_time, e.event_id LIMIT $9"),
    .parameter_count = 9,
    .types = {SEARCH_TYPES},
};

/*
 * Three ways, chosen by what is there and not by estimates, which are badly wrong for words that
 * don't go together:
 *   near  the next 200 events in time are looked through: enough for common words and short ranges
 *   few   else up to 2,000 events that have the words, by their index, are sorted
 *   all   when there are more, the next events in time are looked through until the page is full
 * OFFSET 0 keeps the planner from mixing them. The last way's LIMIT takes the rows of an ordered
 * subquery as they come; asking for the order again, it would be planned to sort them all first.
 */
const struct database_statement sql_search_words = {
    .name = "search-words",
    .sql = SEARCH_SHOW(
        "WITH near AS MATERIALIZED (SELECT start_time, event_id, words @@ $10::text::tsquery AS "
        "fits"
        " FROM (SELECT * FROM usher.event_search e WHERE" SEARCH_FILTERS
        " ORDER BY e.start_time, e.event_id LIMIT 200) next),"
        " near_does AS MATERIALIZED (SELECT count(*) < 200 OR count(*) FILTER (WHERE fits) >= $9"
        " AS yes FROM near),"
        " few AS MATERIALIZED (SELECT event_id, start_time, on_sale_time, sale_end_time, state,"
        " city, time_zone FROM usher.event_search WHERE NOT (SELECT yes FROM near_does)"
        " AND words @@ $10::text::tsquery LIMIT 2001)"
        " (SELECT start_time, event_id FROM near WHERE (SELECT yes FROM near_does) AND fits"
        " ORDER BY start_time, event_id LIMIT $9)"
        " UNION ALL"
        " (SELECT e.start_time, e.event_id FROM few e"
        " WHERE (SELECT count(*) FROM few) <= 2000 AND" SEARCH_FILTERS
        " ORDER BY e.start_time, e.event_id LIMIT $9)"
        " UNION ALL"
        " (SELECT next.start_time, next.event_id FROM"
        " (SELECT e.start_time, e.event_id, e.words FROM usher.event_search e WHERE" SEARCH_FILTERS
        " ORDER BY e.start_time, e.event_id OFFSET 0) next"
        " WHERE (SELECT count(*) FROM few) > 2000 AND next.words @@ $10::text::tsquery LIMIT $9)"),
    .parameter_count = 10,
    .types = {SEARCH_TYPES, OID_TEXT},
};

#define SEARCH_QUERIES(function)                                                                   \
    "SELECT query::text FROM unnest(" function "($1)) WITH ORDINALITY AS t(query, class)"          \
    " WHERE query IS NOT NULL ORDER BY class"

const struct database_statement sql_search_classes = {
    .name = "search-classes",
    .sql = SEARCH_QUERIES("usher.search_classes"),
    .parameter_count = 1,
    .types = {OID_TEXT},
};

const struct database_statement sql_search_similar = {
    .name = "search-similar",
    .sql = SEARCH_QUERIES("usher.search_similar"),
    .parameter_count = 1,
    .types = {OID_TEXT},
};

const struct database_statement sql_layout = {
    .name = "layout",
    .sql = "SELECT seat_count, sections::text FROM usher.layout"
           " WHERE venue_id = $1 AND layout_version = $2",
    .parameter_count = 2,
    .types = {OID_INT8, OID_INT4},
};

const struct database_statement sql_layout_sections = {
    .name = "layout-sections",
    .sql = "SELECT s.name, s.general, l.categories[s.category_no + 1], s.first_seat, s.seat_count"
           " FROM usher.layout_section s JOIN usher.layout l USING (venue_id, layout_version)"
           " WHERE s.venue_id = $1 AND s.layout_version = $2 ORDER BY s.section_no",
    .parameter_count = 2,
    .types = {OID_INT8, OID_INT4},
};

const struct database_statement sql_layout_seats = {
    .name = "layout-seats",
    .sql = "SELECT seat_id FROM usher.layout_seat"
           " WHERE venue_id = $1 AND layout_version = $2 ORDER BY seat",
    .parameter_count = 2,
    .types = {OID_INT8, OID_INT4},
};

const struct database_statement sql_seats = {
    .name = "seats",
    .sql = "SELECT s.seats_version, l.seat_count, ARRAY("
           "SELECT c.seat * 4 + CASE WHEN c.booking_id IS NULL THEN 3 WHEN b.status = 2 THEN 2"
           " ELSE 1 END FROM usher.seat_claim c"
           " LEFT JOIN usher.booking b ON b.event_id = c.event_id AND b.booking_id = c.booking_id"
           " WHERE c.event_id = e.event_id)"
           " FROM usher.event e JOIN usher.show s USING (event_id)"
           " JOIN usher.layout l USING (venue_id, layout_version)"
           " WHERE e.event_id = $1",
    .parameter_count = 1,
    .types = {OID_INT8},
};

const struct database_statement sql_room = {
    .name = "room",
    .sql =
        "SELECT e.room, e.state, e.on_sale_time, e.sale_end_time,"
        " s.seats_available = 0 AND s.open_holds = 0,"
        " coalesce(r.admitted_to, 0), coalesce(r.issued_to, 0), coalesce(r.claimed, 0),"
        " coalesce(r.missed, 0), coalesce(r.gone, 0), coalesce(r.bought, 0),"
        " turns.called, turns.passes, line.numbers, line.sequences, line.streams,"
        " line.server_id, line.created, clock_timestamp()"
        " FROM usher.event e JOIN usher.show s USING (event_id)"
        " LEFT JOIN usher.room r USING (event_id),"
        " LATERAL (SELECT count(*) FILTER (WHERE t.state = 2) AS called,"
        " count(*) FILTER (WHERE t.state = 3) AS passes"
        " FROM usher.turn t WHERE t.event_id = e.event_id AND t.state IN (2, 3)) turns,"
        " LATERAL (SELECT coalesce(array_agg(p.first_number ORDER BY p.span_no), '{}') AS numbers,"
        " coalesce(array_agg(p.first_sequence ORDER BY p.span_no), '{}') AS sequences,"
        " coalesce(array_agg(p.stream_no ORDER BY p.span_no), '{}') AS streams,"
        " coalesce((array_agg(p.server_id ORDER BY p.span_no DESC))[1], '') AS server_id,"
        " coalesce((array_agg(p.created ORDER BY p.span_no DESC))[1], '') AS created"
        " FROM usher.room_span p WHERE p.event_id = e.event_id) line"
        " WHERE e.event_id = $1",
    .parameter_count = 1,
    .types = {OID_INT8},
};

#define BOOKING_COLUMNS                                                                            \
    "event_id, booking_id, status, seats, prices, amount, currency, created_at, expires_at"

const struct database_statement sql_booking = {
    .name = "booking",
    .sql = "SELECT " BOOKING_COLUMNS " FROM usher.booking"
           " WHERE event_id = $1 AND booking_id = $2 AND user_id = $3",
    .parameter_count = 3,
    .types = {OID_INT8, OID_UUID, OID_UUID},
};

const struct database_statement sql_bookings = {
    .name = "bookings",
    .sql = "SELECT " BOOKING_COLUMNS " FROM usher.booking"
           " WHERE user_id = $1 AND ($2::bigint IS NULL OR event_id = $2)"
           " AND ($3::timestamptz IS NULL OR (created_at, booking_id) < ($3, $4::uuid))"
           " ORDER BY created_at DESC, booking_id DESC LIMIT $5",
    .parameter_count = 5,
    .types = {OID_UUID, OID_INT8, OID_TIMESTAMPTZ, OID_UUID, OID_INT4},
};

const struct database_statement sql_link = {
    .name = "link",
    .sql = "INSERT INTO usher.guest_link AS l (guest_user_id, user_id) VALUES ($1, $2)"
           " ON CONFLICT (guest_user_id) DO UPDATE SET user_id = l.user_id RETURNING user_id",
    .parameter_count = 2,
    .types = {OID_UUID, OID_UUID},
};

const struct database_statement sql_link_note = {
    .name = "link-note",
    .sql = "INSERT INTO usher.guest_link_booking (guest_user_id, event_id, booking_id)"
           " SELECT l.guest_user_id, b.event_id, b.booking_id"
           " FROM usher.guest_link l JOIN usher.booking b ON b.user_id = l.guest_user_id"
           " WHERE l.guest_user_id = $1 AND l.user_id = $2 AND b.status IN (1, 2)"
           " ON CONFLICT DO NOTHING",
    .parameter_count = 2,
    .types = {OID_UUID, OID_UUID},
};

const struct database_statement sql_link_bookings = {
    .name = "link-bookings",
    .sql = "SELECT " BOOKING_COLUMNS ", user_id = $1"
           " FROM usher.guest_link_booking l JOIN usher.booking b USING (event_id, booking_id)"
           " WHERE l.guest_user_id = $1 AND b.user_id IN ($1, $2) AND b.status IN (1, 2)"
           " ORDER BY user_id = $1 DESC, created_at, booking_id LIMIT $3",
    .parameter_count = 3,
    .types = {OID_UUID, OID_UUID, OID_INT4},
};

const struct database_statement sql_stats = {
    .name = "stats",
    .sql = "SELECT json_build_object('eventId', e.event_id, 'seatsVersion', s.seats_version,"
           " 'counts', json_build_object('AVAILABLE', l.seat_count - c.claimed, 'HELD', c.held,"
           " 'BOOKED', c.booked, 'BLOCKED', c.blocked),"
           " 'bookings', json_build_object('PENDING', b.pending, 'CONFIRMED', b.confirmed,"
           " 'CANCELLED', b.cancelled, 'EXPIRED', b.expired),"
           " 'sold', json_build_object('value', b.sold, 'currency', e.currency))::text"
           " FROM usher.event e JOIN usher.show s USING (event_id)"
           " JOIN usher.layout l USING (venue_id, layout_version),"
           " LATERAL (SELECT count(*) AS claimed, count(*) FILTER (WHERE k.status = 1) AS held,"
           " count(*) FILTER (WHERE k.status = 2) AS booked,"
           " count(*) FILTER (WHERE t.booking_id IS NULL) AS blocked"
           " FROM usher.seat_claim t LEFT JOIN usher.booking k"
           " ON k.event_id = t.event_id AND k.booking_id = t.booking_id"
           " WHERE t.event_id = e.event_id) c,"
           " LATERAL (SELECT count(*) FILTER (WHERE status = 1) AS pending,"
           " count(*) FILTER (WHERE status = 2) AS confirmed,"
           " count(*) FILTER (WHERE status = 3) AS cancelled,"
           " count(*) FILTER (WHERE status = 4) AS expired,"
           " coalesce(sum(amount) FILTER (WHERE status = 2), 0) AS sold"
           " FROM usher.booking WHERE event_id = e.event_id) b"
           " WHERE e.event_id = $1",
    .parameter_count = 1,
    .types = {OID_INT8},
};

const struct database_statement sql_admin_keys = {
    .name = "admin-keys",
    .sql = "SELECT name, role, hash FROM usher.admin_key WHERE revoked_at IS NULL"
           " ORDER BY name LIMIT $1",
    .parameter_count = 1,
    .types = {OID_INT4},
};

const struct database_statement sql_admin_log_begin = {
    .name = "admin-log-begin",
    .sql = "INSERT INTO usher.admin_log (event_id, " ADMIN_NOTE_COLUMNS ")"
           " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING log_id",
    .parameter_count = 1 + ADMIN_NOTE_PARAMETERS,
    .types = {OID_INT8, OID_TEXT, OID_TEXT, OID_TEXT, OID_TEXT, OID_TEXT, OID_JSONB},
};

const struct database_statement sql_admin_log_end = {
    .name = "admin-log-end",
    .sql = "UPDATE usher.admin_log SET status = $2 WHERE log_id = $1",
    .parameter_count = 2,
    .types = {OID_INT8, OID_INT2},
};

const struct database_statement *const sql_of_catalogue_session[] = {
    &sql_clock,        &sql_event, &sql_layout, &sql_layout_sections,
    &sql_layout_seats, &sql_seats, &sql_room,   NULL,
};

const struct database_statement *const sql_of_search_session[] = {
    &sql_clock, &sql_search_classes, &sql_search_similar, &sql_search_words, &sql_search_all, NULL,
};

const struct database_statement *const sql_of_primary_session[] = {
    &sql_clock,     &sql_installation,  &sql_booking,    &sql_bookings, &sql_link,
    &sql_link_note, &sql_link_bookings, &sql_admin_keys, NULL,
};

const struct database_statement *const sql_of_admin_session[] = {
    &sql_clock,
    &sql_event,
    &sql_stats,
    &catalogue_insert_venue,
    &catalogue_insert_event,
    &catalogue_select_venue_facts,
    &sql_admin_log_begin,
    &sql_admin_log_end,
    NULL,
};

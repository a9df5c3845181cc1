/*
 * 100,000 events: how long the database takes to answer each kind of search, through the gateway's
 * own module, without its caches. The median of every kind is printed and has to be at most
 * MEDIAN_LIMIT_MS; under sanitizers and beside other tests on few cores, TOLERANCE times that.
 */
#include "gateway/search.h"
#include "ops/usherctl/migrate.h"
#include "tests/support/expect.h"
#include "tests/support/servers.h"
#include "tests/support/sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { TOLERANCE = 3 };
#else
enum { TOLERANCE = 1 };
#endif

enum { EVENTS = 100000, ROUNDS = 15, PAGE = 20, MEDIAN_LIMIT_MS = 20 };

/*
 * Words of three or four syllables, some common, most rare. What search_document makes of a part is
 * computed once a part, not once an event: its parts can be joined. Indices come last, as a
 * restored dump has it.
 */
static const char *const fill[] = {
    "CREATE TABLE word AS SELECT n, (SELECT string_agg((ARRAY['ba','ko','ri','mel','tan','os','vi',"
    "'lu','dre','sha','po','ne','gar','il','fu','stra'])[1 + ((n * 2654435761 >> 4 * i) & 15)], '')"
    " FROM generate_series(0, 2 + (n % 2)::integer) i) AS word FROM generate_series(1, 12000) n",
    "CREATE UNIQUE INDEX ON word (n)",
    "INSERT INTO usher.venue (name, city, country, time_zone)"
    " SELECT 'Hall ' || h.word, initcap(c.word), 'XX', (ARRAY['Europe/Oslo', 'America/New_York',"
    " 'Asia/Tokyo', 'Pacific/Auckland', 'UTC'])[1 + v % 5]"
    " FROM generate_series(1, 500) v JOIN word h ON h.n = 3000 + v JOIN word c ON c.n = 2000 + v % "
    "50",
    "INSERT INTO usher.layout SELECT venue_id, 1, 1, '{N}', '[]' FROM usher.venue",
    "CREATE TABLE place AS SELECT venue_id, usher.search_plain(city) AS city, time_zone,"
    " usher.search_document('', '{}', name, city, '') AS words FROM usher.venue",
    "CREATE TABLE kind AS SELECT row_number() OVER () - 1 AS n, what || ' ' || form AS name,"
    " usher.search_document(what || ' ' || form, '{}', '', '', '') AS words"
    " FROM unnest(ARRAY['Concert', 'Jazz', 'Opera', 'Concert', 'Comedy', 'Concert', 'Folk', "
    "'Metal'])"
    " what, unnest(ARRAY['Night', 'Tour', 'Festival', 'Live']) form",
    "CREATE TABLE artist AS SELECT a AS n, f.word || ' ' || l.word AS name,"
    " usher.search_document('', ARRAY[f.word || ' ' || l.word], '', '', '') AS words"
    " FROM generate_series(0, 3999) a JOIN word f ON f.n = 1 + a % 400 JOIN word l ON l.n = 4000 + "
    "a",
    "CREATE TABLE blurb AS SELECT n, t.text, usher.search_document('', '{}', '', '', t.text) AS "
    "words"
    " FROM (SELECT b AS n, (SELECT string_agg(w.word, ' ') FROM generate_series(1, 40) k JOIN word "
    "w"
    " ON w.n = 1 + (b * k * 7919 + k * k * 104729) % (k * 40)) AS text"
    " FROM generate_series(0, 999) b) t",
    "ALTER TABLE usher.event DISABLE TRIGGER event_search_insert",
    "INSERT INTO usher.event (event_id, venue_id, layout_version, name, start_time, artists,"
    " currency, prices, hold_seconds, seats_per_user, description, state)"
    " OVERRIDING SYSTEM VALUE"
    " SELECT e, 1 + e * 31 % 500, 1, k.name, date_trunc('minute', now()) + e * 7919 % 525600 *"
    " interval '1 minute' - interval '60 days', ARRAY[a.name], 'EUR', '{100}', 300, 8, b.text,"
    " CASE WHEN e % 100 = 0 THEN 4 ELSE 1 END"
    " FROM generate_series(1, $1::integer) e JOIN kind k ON k.n = e % 32"
    " JOIN artist a ON a.n = e * 37 % 4000 JOIN blurb b ON b.n = e % 1000",
    "ALTER TABLE usher.event ENABLE TRIGGER event_search_insert",
    "INSERT INTO usher.show (event_id, partition_id, seats_available)"
    " SELECT event_id, partition_id, 1 FROM usher.event",
    "INSERT INTO usher.event_search SELECT e.event_id, e.start_time, e.on_sale_time, "
    "e.sale_end_time,"
    " e.state, p.city, p.time_zone, k.words || a.words || p.words || b.words"
    " FROM usher.event e JOIN place p USING (venue_id) JOIN kind k ON k.n = event_id % 32"
    " JOIN artist a ON a.n = event_id * 37 % 4000 JOIN blurb b ON b.n = event_id % 1000",
    "INSERT INTO usher.search_word (word) SELECT DISTINCT substr(mark, 2) FROM"
    " (SELECT words FROM artist UNION ALL SELECT words FROM place UNION ALL SELECT words FROM "
    "kind) t,"
    " unnest(tsvector_to_array(t.words)) mark WHERE length(mark) > 3 ON CONFLICT DO NOTHING",
};

struct fixture {
    char folder[FOLDER_PATH_SIZE];
    struct postgres_server server;
    char url[SERVER_URL_SIZE];
    struct sql *sql;
    struct event_base *base;
    struct reads *reads;
    bool answered;
    uint32_t found;
    bool more;
};

/* Takes the indices that are no constraints away, and gives their definitions. */
static PGresult *drop_indices(struct sql *sql) {
    PGresult *indices =
        sql_rows(sql,
                 "SELECT indexdef, 'DROP INDEX usher.' || indexname FROM pg_indexes"
                 " WHERE tablename IN ('event_search', 'search_word') AND indexname ~ '_by_'",
                 NULL);
    assert_int_equal(PQntuples(indices), 5);
    for (int i = 0; i < PQntuples(indices); i++) {
        sql_run(sql, PQgetvalue(indices, i, 1), NULL);
    }
    return indices;
}

static void fill_database(struct fixture *fixture) {
    char count[16];
    (void)snprintf(count, sizeof count, "%d", EVENTS);
    PGresult *indices = drop_indices(fixture->sql);
    for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
        bool counted = strstr(fill[i], "$1") != NULL;
        sql_run(fixture->sql, fill[i], counted ? (const char *[]){count, NULL} : NULL);
    }
    for (int i = 0; i < PQntuples(indices); i++) {
        sql_run(fixture->sql, PQgetvalue(indices, i, 0), NULL);
    }
    PQclear(indices);
    sql_run(fixture->sql, "VACUUM ANALYZE", NULL);
    assert_int_equal(sql_number(fixture->sql, "SELECT count(*) FROM usher.event_search", NULL),
                     EVENTS);
}

static void ignore_up(void *context) {
    (void)context;
}

static int create_fixture(void **state) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct config config = {.process = "search-speed"};
    char error[MIGRATE_ERROR_SIZE];
    *state = fixture;
    folder_create(fixture->folder);
    postgres_create(&fixture->server, fixture->folder);
    postgres_create_database(&fixture->server, "usher");
    postgres_url(&fixture->server, "usher", false, fixture->url);
    PGconn *connection = PQconnectdb(fixture->url);
    assert_int_equal(migrate_run(connection, &migrations_embedded, stderr, error), STATUS_OK);
    PQfinish(connection);
    fixture->sql = sql_open(fixture->url);
    fill_database(fixture);
    (void)snprintf(config.database_url, sizeof config.database_url, "%s", fixture->url);
    (void)snprintf(config.read_database_url, sizeof config.read_database_url, "%s", fixture->url);
    fixture->base = event_base_new();
    fixture->reads = reads_create(fixture->base, &config, ignore_up, NULL);
    assert_non_null(fixture->reads);
    while (!reads_is_up(fixture->reads, READS_SEARCH)) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    return 0;
}

static int destroy_fixture(void **state) {
    struct fixture *fixture = *state;
    reads_destroy(fixture->reads);
    event_base_free(fixture->base);
    sql_close(fixture->sql);
    postgres_destroy(&fixture->server);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

/* `%s`, in words or city, is another one in every round: what the query yields, each row in turn.
 */
struct kind {
    const char *name, *words, *city, *state;
    const char *varied;
    bool on_one_day;
    int32_t behind; /* so many events lie before the page, of those that the words' class 1 has */
    uint32_t at_least;
};

#define ARTISTS "SELECT name FROM artist ORDER BY n * 997 % 4000 LIMIT 15"

static const struct kind kinds[] = {
    {.name = "all, first page", .at_least = PAGE},
    {.name = "all, 40,000 behind the first page", .behind = 40000, .at_least = PAGE},
    {.name = "common word", .words = "concert", .at_least = PAGE},
    {.name = "common word, 15,000 behind", .words = "concert", .behind = 15000, .at_least = PAGE},
    {.name = "two common words", .words = "night concert", .at_least = PAGE},
    {.name = "two that don't go together", .words = "jazz opera"},
    {.name = "common without common", .words = "concert -night", .at_least = PAGE},
    {.name = "phrase", .words = "\"jazz night\"", .at_least = PAGE},
    {.name = "rare words", .words = "%s", .varied = ARTISTS, .at_least = 1},
    {.name = "common and rare word",
     .words = "jazz %s",
     .varied = "SELECT split_part(name, ' ', 1) FROM artist ORDER BY n LIMIT 15"},
    {.name = "word of descriptions",
     .words = "%s",
     .varied = "SELECT word FROM word WHERE n > 500 ORDER BY n LIMIT 15",
     .at_least = 1},
    {.name = "prefix of one letter",
     .words = "%s",
     .varied = "SELECT DISTINCT left(word, 1) FROM word ORDER BY 1 LIMIT 15",
     .at_least = PAGE},
    {.name = "prefix of three letters",
     .words = "%s",
     .varied = "SELECT left(name, 3) FROM (" ARTISTS ") t",
     .at_least = PAGE},
    {.name = "prefix behind words",
     .words = "concert %s",
     .varied = "SELECT left(name, 2) FROM (" ARTISTS ") t"},
    {.name = "typing error",
     .words = "%s",
     .varied = "SELECT regexp_replace(name, '(.)(.)$', '\\2\\1') FROM (" ARTISTS ") t"},
    {.name = "nothing like it", .words = "qwyxz qqqqqqqq"},
    {.name = "city",
     .city = "%s",
     .varied = "SELECT DISTINCT city FROM usher.venue ORDER BY 1 LIMIT 15",
     .at_least = PAGE},
    {.name = "city and day",
     .city = "%s",
     .varied = "SELECT DISTINCT city FROM usher.venue ORDER BY 1 LIMIT 15",
     .on_one_day = true},
    {.name = "city, day and common word",
     .words = "concert",
     .city = "%s",
     .varied = "SELECT DISTINCT city FROM usher.venue ORDER BY 1 LIMIT 15",
     .on_one_day = true},
    {.name = "rare state", .state = "CANCELLED", .at_least = PAGE},
};

static void take_page(void *context, const struct search_page *page) {
    struct fixture *fixture = context;
    expect(page != NULL, "the search failed");
    fixture->answered = true;
    fixture->found = page->count;
    fixture->more = page->next != NULL;
}

static int64_t measure(struct fixture *fixture, const struct search_query *query) {
    int64_t start_us = clock_monotonic_us();
    fixture->answered = false;
    search_events(fixture->reads, query, take_page, fixture);
    while (!fixture->answered) {
        assert_int_equal(event_base_loop(fixture->base, EVLOOP_ONCE), 0);
    }
    return clock_monotonic_us() - start_us;
}

static struct search_position position_behind(struct fixture *fixture, int32_t count) {
    char offset[16];
    (void)snprintf(offset, sizeof offset, "%d", (int)count);
    PGresult *row = sql_rows(fixture->sql,
                             "SELECT event_id, (extract(epoch FROM start_time) * 1000000)::bigint"
                             " FROM usher.event WHERE start_time >= now()"
                             " ORDER BY start_time, event_id OFFSET $1::bigint LIMIT 1",
                             (const char *[]){offset, NULL});
    const struct search_position position = {.event_id = strtoull(PQgetvalue(row, 0, 0), NULL, 10),
                                             .start_us = strtoll(PQgetvalue(row, 0, 1), NULL, 10)};
    PQclear(row);
    return position;
}

/* `text` with what this round has for its %s. */
static const char *vary(const char *text, const PGresult *varied, int round, char into[128]) {
    const char *mark = text != NULL ? strstr(text, "%s") : NULL;
    if (mark == NULL) {
        return text;
    }
    (void)snprintf(into, 128, "%.*s%s%s", (int)(mark - text), text,
                   PQgetvalue(varied, round % PQntuples(varied), 0), mark + 2);
    return into;
}

static int by_size(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static int64_t median_of(struct fixture *fixture, const struct kind *kind) {
    int64_t took_us[ROUNDS];
    int64_t tomorrow_us =
        sql_number(fixture->sql, "SELECT extract(epoch FROM current_date + 1)::bigint", NULL) *
        1000000;
    PGresult *varied = sql_rows(fixture->sql, kind->varied ? kind->varied : "SELECT ''", NULL);
    for (int round = 0; round < ROUNDS; round++) {
        char words[128];
        char city[128];
        struct search_query query = {.words = vary(kind->words, varied, round, words),
                                     .city = vary(kind->city, varied, round, city),
                                     .state = kind->state,
                                     .limit = PAGE};
        if (kind->on_one_day) {
            query.from =
                (struct search_time){SEARCH_TIME_DAY, tomorrow_us + round * INT64_C(86400000000)};
            query.to =
                (struct search_time){SEARCH_TIME_DAY, query.from.unix_us + INT64_C(86400000000)};
        }
        if (kind->behind > 0) {
            query.after = position_behind(fixture, kind->behind + round);
        }
        took_us[round] = measure(fixture, &query);
        expect(fixture->found >= kind->at_least, "%s: %u found with \"%s\"", kind->name,
               fixture->found, query.words != NULL ? query.words : "");
    }
    PQclear(varied);
    qsort(took_us, ROUNDS, sizeof took_us[0], by_size);
    printf("%-36s %7.1f ms median, %7.1f ms worst of %d; %u%s found at last\n", kind->name,
           (double)took_us[ROUNDS / 2] / 1000, (double)took_us[ROUNDS - 1] / 1000, ROUNDS,
           fixture->found, fixture->more ? "+" : "");
    return took_us[ROUNDS / 2];
}

static void every_kind_of_search_is_quick(void **state) {
    struct fixture *fixture = *state;
    size_t slow = 0;
    printf("%d events, %d a page, uncached\n", EVENTS, PAGE);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        int64_t median_us = median_of(fixture, &kinds[i]);
        slow += median_us > (int64_t)MEDIAN_LIMIT_MS * TOLERANCE * 1000;
    }
    assert_int_equal(slow, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_kind_of_search_is_quick)};
    return cmocka_run_group_tests(tests, create_fixture, destroy_fixture);
}

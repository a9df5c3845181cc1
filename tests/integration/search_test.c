/* Search as visitors meet it, over HTTP: what is found, in which order, page after page, and what
 * is refused. */
#include "tests/support/expect.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATH_SIZE = 16384, NAMES_SIZE = 2048, PAGES_MAX = 50, CHANGE_MS = 5000 };

static const struct {
    const char *name, *city, *time_zone;
} venues[] = {
    {"L'Olympia", "Paris", "Europe/Paris"},        {"Teatro", "São Paulo", "America/Sao_Paulo"},
    {"Spektrum", "Oslo", "Europe/Oslo"},           {"Dome", "東京", "Asia/Tokyo"},
    {"Town Hall", "Auckland", "Pacific/Auckland"}, {"Bowl", "Los Angeles", "America/Los_Angeles"},
};
enum { PARIS, SAO_PAULO, OSLO, TOKYO, AUCKLAND, LOS_ANGELES };

/* Soonest first. */
static const struct {
    const char *start, *name, *artist;
    unsigned venue;
    const char *description;
    const char *more;
} events[] = {
    {"2001-05-01T19:00:00Z", "Long Gone", "Sigrid", OSLO, "", ""},
    {"2098-06-30T12:00:00Z", "Midnight South", "M", AUCKLAND, "July has begun there", ""},
    {"2098-06-30T22:00:00Z", "Midnight North", "M", PARIS, "July has begun there", ""},
    {"2098-07-01T06:30:00Z", "Midnight West", "M", LOS_ANGELES, "half an hour of June is left", ""},
    {"2099-01-01T19:00:00Z", "Kveld i Spektrum", "Sigrid", OSLO, "", ""},
    {"2099-01-02T19:00:00Z", "Oslo Calling", "Kaizers", PARIS, "", ""},
    {"2099-01-03T19:00:00Z", "Cornucopia", "Björk", AUCKLAND, "", ""},
    {"2099-01-04T19:00:00Z", "Power Up", "AC/DC", LOS_ANGELES, "", ""},
    {"2099-01-05T19:00:00Z", "Worldwired", "Metallica", LOS_ANGELES, "Bjork might come, too", ""},
    {"2099-01-06T19:00:00Z", "Rocky Horror Show", "Richard O'Brien", PARIS, "", ""},
    {"2099-01-07T19:00:00Z", "Rock Night", "Blink-182", LOS_ANGELES, "", ""},
    {"2099-01-08T19:00:00Z", "An Evening of Łódź", "Sigur Rós", PARIS, "", ""},
    {"2099-01-09T19:00:00Z", "歌舞伎 🎸 Kabuki", "市川團十郎", TOKYO, "", ""},
    {"2099-01-10T19:00:00Z", "مهرجان بعلبك", "فيروز", AUCKLAND, "", ""},
    {"2099-01-11T19:00:00Z", "100% Hits_Parade", "Various", SAO_PAULO, "",
     ",\"onSaleTime\":\"2090-01-01T00:00:00Z\""},
    {"2099-01-12T19:00:00Z", "The Beatles Tribute", "Fab Four", SAO_PAULO,
     "This is no heavy metal.", ",\"saleEndTime\":\"2002-01-01T00:00:00Z\""},
    {"2099-01-13T19:00:00Z", "Secret Show", "Björk", OSLO, "", ",\"state\":\"DRAFT\""},
};

static int64_t admin_post(struct cluster *cluster, const char *path, const char *body,
                          const char *id_field) {
    struct http_answer answer;
    const struct http_request request = {
        .method = "POST", .path = path, .token = cluster->admin_key, .body = body};
    http_call(cluster->gateways[0].port, &request, &answer);
    expect(answer.status == 201, "POST %s %s: %d %s", path, body, answer.status, answer.body);
    int64_t id = http_answer_number(&answer, id_field);
    http_answer_free(&answer);
    return id;
}

static void fill_catalogue(struct cluster *cluster) {
    int64_t venue_ids[ARRAY_LEN(venues)];
    char body[1024];
    for (size_t i = 0; i < ARRAY_LEN(venues); i++) {
        (void)snprintf(body, sizeof body,
                       "{\"name\":\"%s\",\"city\":\"%s\",\"country\":\"XX\",\"timeZone\":\"%s\","
                       "\"sections\":[{\"name\":\"F\",\"priceCategory\":\"N\",\"capacity\":9}]}",
                       venues[i].name, venues[i].city, venues[i].time_zone);
        venue_ids[i] = admin_post(cluster, "/admin/venues", body, "venueId");
    }
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        (void)snprintf(body, sizeof body,
                       "{\"name\":\"%s\",\"artists\":[\"%s\"],\"venueId\":%" PRId64
                       ",\"startTime\":\"%s\",\"description\":\"%s\","
                       "\"prices\":{\"N\":{\"value\":1,\"currency\":\"EUR\"}}%s}",
                       events[i].name, events[i].artist, venue_ids[events[i].venue],
                       events[i].start, events[i].description, events[i].more);
        (void)admin_post(cluster, "/admin/events", body, "eventId");
    }
}

static int open_shop(void **state) {
    const struct cluster_options options = {.workers = 1, .gateways = 1};
    fill_catalogue(cluster_create(state, &options));
    return 0;
}

static int close_shop(void **state) {
    cluster_finish(*state);
    return cluster_teardown(state);
}

/* "/events?q=…" of a text as a browser encodes it, and further parameters as they are. */
static const char *search_path(char path[PATH_SIZE], const char *words, const char *more) {
    size_t size = (size_t)snprintf(path, PATH_SIZE, "/events?%s", words != NULL ? "q=" : "");
    for (const char *at = words; at != NULL && *at != '\0'; at++) {
        size += (size_t)snprintf(path + size, PATH_SIZE - size, "%%%02X", (unsigned char)*at);
    }
    ensure(size + strlen(more) < PATH_SIZE);
    memcpy(path + size, more, strlen(more) + 1);
    return path;
}

static void add_names(const struct http_answer *answer, char names[NAMES_SIZE]) {
    const json_t *list = json_object_get(answer->json, "events");
    expect(answer->status == 200 && json_is_array(list), "%d %s", answer->status, answer->body);
    for (size_t i = 0; i < json_array_size(list); i++) {
        size_t size = strlen(names);
        (void)snprintf(names + size, NAMES_SIZE - size, "%s%s", size > 0 ? "; " : "",
                       json_string_value(json_object_get(json_array_get(list, i), "name")));
    }
}

/* In one page, and again one by one over the cursors. */
static void expect_found(struct cluster *cluster, const char *words, const char *more,
                         const char *expected) {
    char path[PATH_SIZE];
    char names[NAMES_SIZE] = "";
    struct http_answer answer = shop_get(cluster, 0, search_path(path, words, more));
    add_names(&answer, names);
    expect(strcmp(names, expected) == 0, "q=%s%s finds \"%s\", not \"%s\"",
           words != NULL ? words : "", more, names, expected);
    assert_true(json_is_null(json_object_get(answer.json, "nextCursor")));
    http_answer_free(&answer);

    char cursor[128] = "";
    names[0] = '\0';
    for (unsigned pages = 0;; pages++) {
        char page_of[PATH_SIZE / 2];
        ensure(pages < PAGES_MAX);
        (void)snprintf(page_of, sizeof page_of, "%s&limit=1%s%s", more,
                       *cursor != '\0' ? "&cursor=" : "", cursor);
        answer = shop_get(cluster, 0, search_path(path, words, page_of));
        add_names(&answer, names);
        const char *next = http_answer_text(&answer, "nextCursor");
        (void)snprintf(cursor, sizeof cursor, "%s", next != NULL ? next : "");
        http_answer_free(&answer);
        if (*cursor == '\0') {
            break;
        }
    }
    expect(strcmp(names, expected) == 0, "q=%s%s, page by page, finds \"%s\", not \"%s\"",
           words != NULL ? words : "", more, names, expected);
}

struct wanted {
    const char *words, *expected;
};

static void expect_all(struct cluster *cluster, const struct wanted *wanted, size_t count) {
    for (size_t i = 0; i < count; i++) {
        expect_found(cluster, wanted[i].words, "", wanted[i].expected);
    }
}

static void words_accents_and_punctuation(void **state) {
    static const struct wanted wanted[] = {
        {"bjork", "Cornucopia; Worldwired"},
        {"BJÖRK", "Cornucopia; Worldwired"},
        {"Bjo\u0308rk", "Cornucopia; Worldwired"}, /* o and a combining diaeresis */
        {"sigur ros", "An Evening of Łódź"},
        {"lodz", "An Evening of Łódź"},
        {"ac/dc", "Power Up"},
        {"AC DC", "Power Up"},
        {"acdc", "Power Up"},
        {"blink-182", "Rock Night"},
        {"blink182", "Rock Night"},
        {"O’Brien", "Rocky Horror Show"},
        {"obrien", "Rocky Horror Show"},
        {"olympia", "Midnight North; Oslo Calling; Rocky Horror Show; An Evening of Łódź"},
        {"los angeles -metallica -midnight", "Power Up; Rock Night"},
        {"\"heavy metal\"", "The Beatles Tribute"},
        {"\"metal heavy\"", ""},
        {"worldwired -\"might come\"", ""},
        {"worldwired -\"come might\"", "Worldwired"},
    };
    expect_all(*state, wanted, ARRAY_LEN(wanted));
}

static void typing_errors(void **state) {
    static const struct wanted wanted[] = {
        {"metalica", "Worldwired"},
        {"metlalica", "Worldwired"},
        {"Bjrok", "Cornucopia; Worldwired"},
        {"the beatels", "The Beatles Tribute"},
        {"beatles the", "The Beatles Tribute"},
        {"los angels metallica", "Worldwired"},
        {"são paolo", "100% Hits_Parade; The Beatles Tribute"},
        {"Olso", "Oslo Calling; Kveld i Spektrum"},
        {"richrad obrien", "Rocky Horror Show"},
        {"corncuopia", "Cornucopia"},
        {"zzzzzzzz", ""},
        {"metallica zzzzzzzz", ""},
    };
    expect_all(*state, wanted, ARRAY_LEN(wanted));
}

/* A name before a place before a description; a whole word before one that goes on. */
static void best_match_first_then_soonest(void **state) {
    static const struct wanted wanted[] = {
        {"oslo", "Oslo Calling; Kveld i Spektrum"},
        {"rock", "Rock Night; Rocky Horror Show"},
        {"rock ", "Rock Night"},
        {"\"rock\"", "Rock Night"},
        {"roc", "Rocky Horror Show; Rock Night"},
        {"r", "Rocky Horror Show; Rock Night; An Evening of Łódź"},
        {"sigrid spek", "Kveld i Spektrum"},
        {"bjork or fab", "Cornucopia; The Beatles Tribute; Worldwired"},
        {"midnight -m", ""},
        {"midnight", "Midnight South; Midnight North; Midnight West"},
    };
    expect_all(*state, wanted, ARRAY_LEN(wanted));
}

static void cities_and_states(void **state) {
    static const char sao_paulo[] = "100% Hits_Parade; The Beatles Tribute";
    expect_found(*state, NULL, "&city=S%C3%A3o%20Paulo", sao_paulo);
    expect_found(*state, NULL, "&city=SAO+PAULO", sao_paulo);
    expect_found(*state, NULL, "&city=sao", "");
    expect_found(*state, NULL, "&city=%E6%9D%B1%E4%BA%AC", "歌舞伎 🎸 Kabuki");
    expect_found(*state, "midnight", "&city=paris", "Midnight North");
    expect_found(*state, "metalica", "&city=paris", "");
    expect_found(*state, NULL, "&state=SCHEDULED", "100% Hits_Parade");
    expect_found(*state, NULL, "&state=SALE_ENDED", "The Beatles Tribute");
    expect_found(*state, "midnight", "&state=ON_SALE",
                 "Midnight South; Midnight North; Midnight West");
    expect_found(*state, NULL, "&state=PAUSED", "");
}

/* A day is the day where the event is; an instant is the same everywhere. */
static void days_and_instants(void **state) {
    expect_found(*state, NULL, "&from=2098-07-01&to=2098-07-02", "Midnight South; Midnight North");
    expect_found(*state, "midnight", "&from=2098-07-01", "Midnight South; Midnight North");
    expect_found(*state, NULL, "&from=2098-06-30&to=2098-07-01", "Midnight West");
    expect_found(*state, NULL, "&from=2098-06-30T12:00:00Z&to=2098-06-30T22:00:00Z",
                 "Midnight South");
    expect_found(*state, NULL, "&from=2098-06-30T22:00:00Z&to=2098-07-01T06:30:00.000001Z",
                 "Midnight North; Midnight West");
    expect_found(*state, NULL, "&from=2098-06-30T23:30:00-07:00&to=2098-12-31", "Midnight West");
    expect_found(*state, NULL, "&from=2098-07-02&to=2098-07-01", "");
    expect_found(*state, NULL, "&from=0000-01-01&to=2050-01-01", "Long Gone");
    expect_found(*state, "long gone", "", "");
    expect_found(*state, "long gone", "&from=2001-05-01&to=9999-12-31", "Long Gone");
}

static void odd_inputs(void **state) {
    static const struct wanted wanted[] = {
        {"'; --", ""},
        {"' OR 1=1; DROP TABLE usher.event; --", ""},
        {"%", ""},
        {"_", ""},
        {"-", ""},
        {"\"", ""},
        {"or", ""},
        {"or or or", ""},
        {"\\", ""},
        {":*", ""},
        {"& | ! <-> ( )", ""},
        {"'rock':A & !'night'", "Rock Night"},
        {"-rock", ""},
        {"rock or -night", ""},
        {"🎸", ""},
        {"🎸 kabuki", "歌舞伎 🎸 Kabuki"},
        {"歌舞", "歌舞伎 🎸 Kabuki"},
        {"فيروز", "مهرجان بعلبك"},
        {"\u202erock\u202c night\u200f", "Rock Night"},
        {"ｒｏｃｋ　ｎｉｇｈｔ", "Rock Night"},
        {"\t rock\r\n\vnight\x01", "Rock Night"},
        {"hits_parade 100%", "100% Hits_Parade"},
        {"NULL", ""},
        {"http://rock:night@example.com/?q=1", ""},
    };
    struct cluster *cluster = *state;
    char words[4096];
    expect_all(cluster, wanted, ARRAY_LEN(wanted));

    memset(words, 'x', sizeof words);
    words[512] = '\0';
    expect_found(cluster, words, "", "");
    for (size_t i = 0; i < 512; i += 2) {
        words[i] = (char)('a' + i % 26);
        words[i + 1] = ' ';
    }
    expect_found(cluster, words, "", "");
}

static void refusals(void **state) {
    struct cluster *cluster = *state;
    char path[PATH_SIZE];
    char words[4097];
    for (size_t i = 0; i < sizeof words - 1; i++) {
        words[i] = i % 6 == 5 ? ' ' : 'w';
    }
    words[sizeof words - 1] = '\0';
    shop_expect(shop_get(cluster, 0, search_path(path, words, "")), 422, "invalid");
    static const struct {
        const char *query;
        int status;
        const char *code;
    } refused[] = {
        {"q=rock%00night", 400, "bad-request"},
        {"q=%c3%28", 400, "bad-request"},
        {"q=%", 400, "bad-request"},
        {"from=tomorrow", 422, "invalid"},
        {"from=2026-02-30", 422, "invalid"},
        {"to=2026-12-01T10:00", 422, "invalid"},
        {"to=", 422, "invalid"},
        {"state=DRAFT", 422, "invalid"},
        {"state=on_sale", 422, "invalid"},
        {"limit=0", 422, "invalid"},
        {"cursor=", 400, "bad-cursor"},
        {"cursor=0000000000000000000000000000000100000000000000000000000000000000", 400,
         "bad-cursor"},
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        (void)snprintf(path, sizeof path, "/events?%s", refused[i].query);
        shop_expect(shop_get(cluster, 0, path), refused[i].status, refused[i].code);
    }
}

static void a_cursor_is_for_its_own_query(void **state) {
    struct cluster *cluster = *state;
    struct http_answer answer = shop_get(cluster, 0, "/events?q=midnight&limit=1");
    const char *next = http_answer_text(&answer, "nextCursor");
    assert_non_null(next);
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "/events?q=midnight&limit=7&cursor=%s", next);
    shop_expect(shop_get(cluster, 0, path), 200, NULL);
    static const char *const others[] = {"q=midnigh", "q=midnight&city=paris",
                                         "q=midnight&from=2098-01-01", "q=midnight&state=ON_SALE",
                                         "city=midnight"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        (void)snprintf(path, sizeof path, "/events?%s&cursor=%s", others[i], next);
        shop_expect(shop_get(cluster, 0, path), 400, "bad-cursor");
    }
    for (size_t i = 0; i < strlen(next); i++) {
        int size = snprintf(path, sizeof path, "/events?q=midnight&cursor=%s", next);
        char *altered = &path[(size_t)size - strlen(next) + i];
        *altered = *altered == '0' ? '1' : '0';
        shop_expect(shop_get(cluster, 0, path), 400, "bad-cursor");
    }
    http_answer_free(&answer);
}

/* Its words, and its state, are those of the event as it is now; the words it had are forgotten,
 * also for respelling. */
static void a_changed_event_is_found_as_it_is(void **state) {
    struct cluster *cluster = *state;
    struct http_answer answer = shop_get(cluster, 0, "/events?q=cornucopia");
    const json_t *event = json_array_get(json_object_get(answer.json, "events"), 0);
    char path[64];
    (void)snprintf(path, sizeof path, "/admin/events/%" JSON_INTEGER_FORMAT,
                   json_integer_value(json_object_get(event, "id")));
    http_answer_free(&answer);
    const struct http_request patch = {.method = "PATCH",
                                       .path = path,
                                       .token = cluster->admin_key,
                                       .body = "{\"name\":\"Vespertine\",\"state\":\"PAUSED\"}"};
    http_call(cluster->gateways[0].port, &patch, &answer);
    shop_expect(answer, 200, NULL);
    struct wait wait = wait_at_most(CHANGE_MS);
    for (char names[NAMES_SIZE] = ""; strcmp(names, "Vespertine") != 0;
         wait_again(&wait, "the change to be seen")) {
        answer = shop_get(cluster, 0, "/events?state=PAUSED");
        names[0] = '\0';
        add_names(&answer, names);
        http_answer_free(&answer);
    }
    expect_found(cluster, "vespertine", "", "Vespertine");
    expect_found(cluster, "vespertnie", "", "Vespertine");
    expect_found(cluster, "cornucopia ", "", "");
    expect_found(cluster, "cornucopai", "", "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_accents_and_punctuation),
        cmocka_unit_test(typing_errors),
        cmocka_unit_test(best_match_first_then_soonest),
        cmocka_unit_test(cities_and_states),
        cmocka_unit_test(days_and_instants),
        cmocka_unit_test(odd_inputs),
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_cursor_is_for_its_own_query),
        cmocka_unit_test(a_changed_event_is_found_as_it_is),
    };
    return cmocka_run_group_tests(tests, open_shop, close_shop);
}

/* Venues and events as people write them: what is good is read right, what is bad is named. */
#include "shared/catalogue_input.h"
#include "tests/support/expect.h"
#include "worker/engine/show.h"

#include <stdio.h>
#include <stdlib.h>

/* JSON with ' for ". The caller's. */
static json_t *parse(const char *text) {
    char *copy = strdup(text);
    for (char *at = copy; (at = strchr(at, '\'')) != NULL;) {
        *at = '"';
    }
    json_error_t error;
    json_t *document = json_loads(copy, JSON_DECODE_ANY, &error);
    expect(document != NULL, "%s: %s", error.text, copy);
    free(copy);
    return document;
}

static struct venue_facts two_categories(void) {
    return (struct venue_facts){.category_count = 2, .categories = {"Stalls", "Floor"}};
}

/* --- venues -------------------------------------------------------------------------------- */

static struct venue_input *read_venue(const char *text) {
    json_t *document = parse(text);
    struct venue_input *venue = NULL;
    struct catalogue_problems problems;
    enum status status = venue_input_read(document, &venue, &problems);
    expect(status == STATUS_OK, "%s: %s", problems.items[0].field, problems.items[0].problem);
    json_decref(document);
    return venue;
}

static const char HALL[] =
    "{'name':'Hall \\\"A\\\"','city':'Oslo','country':'NO','timeZone':'Europe/Oslo','sections':["
    " {'name':'','priceCategory':'Stalls','rows':[{'name':'A','seats':2},"
    "                                             {'name':'B','seats':['1','2','2b']}]},"
    " {'name':'103','priceCategory':'Stalls','x':10.25,'y':-4,'rows':[{'name':'F','seats':12}]},"
    " {'name':'Floor','priceCategory':'Floor','capacity':5}]}";

static void venue_gets_ids_numbers_and_places(void **state) {
    (void)state;
    struct venue_input *venue = read_venue(HALL);
    assert_int_equal(venue_input_seat_count(venue), 2 + 3 + 12 + 5);
    json_t *sections = json_loads(venue_input_layout_json(venue), 0, NULL);
    json_t *wanted =
        parse("{'name':'','kind':'seated','priceCategory':'Stalls','x':-1.5,'y':0,'rows':["
              " {'name':'A','seats':[{'id':'A1','number':'1','x':-1,'y':0},"
              "                      {'id':'A2','number':'2','x':0,'y':0}]},"
              " {'name':'B','seats':[{'id':'B1','number':'1','x':-1.5,'y':1},"
              "                      {'id':'B2','number':'2','x':-0.5,'y':1},"
              "                      {'id':'B2b','number':'2b','x':0.5,'y':1}]}]}");
    assert_true(json_equal(json_array_get(sections, 0), wanted));
    json_decref(wanted);

    const json_t *seated = json_array_get(sections, 1);
    const json_t *row = json_array_get(json_object_get(seated, "rows"), 0);
    const json_t *seat = json_array_get(json_object_get(row, "seats"), 11);
    assert_string_equal(json_string_value(json_object_get(seat, "id")), "103-F-12");
    expect(json_number_value(json_object_get(seat, "x")) == 21.3, "one decimal");

    const json_t *general = json_array_get(sections, 2);
    assert_int_equal(json_integer_value(json_object_get(general, "capacity")), 5);
    assert_int_equal(json_array_size(json_object_get(general, "rows")), 1);
    row = json_array_get(json_object_get(general, "rows"), 0);
    assert_string_equal(json_string_value(json_object_get(row, "name")), "");
    seat = json_array_get(json_object_get(row, "seats"), 4);
    assert_string_equal(json_string_value(json_object_get(seat, "id")), "Floor-5");
    json_decref(sections);
    venue_input_free(venue);
}

static void venue_may_have_as_many_seats_as_a_show(void **state) {
    (void)state;
    struct venue_input *venue =
        read_venue("{'name':'V','city':'C','country':'NO','timeZone':'UTC','sections':["
                   "{'name':'F','priceCategory':'P','capacity':199999},"
                   "{'name':'G','priceCategory':'P','rows':[{'name':'A','seats':1}]}]}");
    assert_int_equal(venue_input_seat_count(venue), SHOW_SEATS_MAX);
    venue_input_free(venue);
}

#define HEAD "'name':'V','city':'C','country':'NO','timeZone':'Europe/Oslo'"
#define SECTION(fields) "{" HEAD ",'sections':[{'name':'S','priceCategory':'P'," fields "}]}"
#define ROW(fields) SECTION("'rows':[{" fields "}]")

struct bad_document {
    const char *text;
    const char *field;
    bool unknown_field;
};

static const struct bad_document bad_venues[] = {
    {"[]", "", false},
    {"'venue'", "", false},
    {"null", "", false},
    {"{}", "name", false},
    {"{" HEAD "}", "sections", false},
    {"{" HEAD ",'sections':{}}", "sections", false},
    {"{" HEAD ",'sections':[]}", "sections", false},
    {"{" HEAD ",'sections':[7]}", "sections[0]", false},
    {"{" HEAD ",'sections':[{'name':'S','priceCategory':'P','capacity':1}],'size':3}", "size",
     true},
    {"{'name':7,'city':'C','country':'NO','timeZone':'UTC','sections':[{'name':'S',"
     "'priceCategory':'P','capacity':1}]}",
     "name", false},
    {"{'name':'  ','city':'C','country':'NO','timeZone':'UTC','sections':[{'name':'S',"
     "'priceCategory':'P','capacity':1}]}",
     "name", false},
    {"{'name':'a\\nb','city':'C','country':'NO','timeZone':'UTC','sections':[{'name':'S',"
     "'priceCategory':'P','capacity':1}]}",
     "name", false},
    {"{'name':'V','city':'C','country':'no','timeZone':'UTC','sections':[{'name':'S',"
     "'priceCategory':'P','capacity':1}]}",
     "country", false},
    {"{'name':'V','city':'C','country':'NOR','timeZone':'UTC','sections':[{'name':'S',"
     "'priceCategory':'P','capacity':1}]}",
     "country", false},
    {"{'name':'V','city':'C','country':'NO','timeZone':'../etc/passwd','sections':[{'name':'S',"
     "'priceCategory':'P','capacity':1}]}",
     "timeZone", false},
    {"{'name':'V','city':'C','country':'NO','timeZone':'CET','sections':[{'name':'S',"
     "'priceCategory':'P','capacity':1}]}",
     "timeZone", false},
    {SECTION("'capacity':0"), "sections[0].capacity", false},
    {SECTION("'capacity':-1"), "sections[0].capacity", false},
    {SECTION("'capacity':1.5"), "sections[0].capacity", false},
    {SECTION("'capacity':'10'"), "sections[0].capacity", false},
    {SECTION("'capacity':200001"), "sections[0].capacity", false},
    {SECTION("'capacity':9223372036854775807"), "sections[0].capacity", false},
    {SECTION("'capacity':1,'colour':'red'"), "sections[0].colour", true},
    {SECTION("'capacity':1,'x':'left'"), "sections[0].x", false},
    {SECTION("'capacity':1,'y':1e9"), "sections[0].y", false},
    {SECTION("'capacity':1,'rows':[]"), "sections[0].rows", false},
    {SECTION("'x':1"), "sections[0].rows", false},
    {SECTION("'rows':[]"), "sections[0].rows", false},
    {SECTION("'rows':{}"), "sections[0].rows", false},
    {SECTION("'rows':['A']"), "sections[0].rows[0]", false},
    {ROW("'name':'A'"), "sections[0].rows[0].seats", false},
    {ROW("'name':'','seats':1"), "sections[0].rows[0].name", false},
    {ROW("'name':1,'seats':1"), "sections[0].rows[0].name", false},
    {ROW("'name':'A','seats':0"), "sections[0].rows[0].seats", false},
    {ROW("'name':'A','seats':[]"), "sections[0].rows[0].seats", false},
    {ROW("'name':'A','seats':'20'"), "sections[0].rows[0].seats", false},
    {ROW("'name':'A','seats':['1',2]"), "sections[0].rows[0].seats[1]", false},
    {ROW("'name':'A','seats':['']"), "sections[0].rows[0].seats[0]", false},
    {ROW("'name':'A','seats':1,'price':3"), "sections[0].rows[0].price", true},
    /* seats' ids */
    {ROW("'name':'A','seats':['1','1']"), "sections", false},
    {SECTION("'rows':[{'name':'A','seats':3},{'name':'A','seats':1}]"), "sections", false},
    {"{" HEAD ",'sections':[{'name':'','priceCategory':'P','rows':[{'name':'A1','seats':1},"
     "{'name':'A','seats':11}]}]}",
     "sections", false},
    {"{" HEAD ",'sections':[{'name':'S-A','priceCategory':'P','rows':[{'name':'B','seats':1}]},"
     "{'name':'S','priceCategory':'P','rows':[{'name':'A-B','seats':1}]}]}",
     "sections", false},
    {ROW("'name':'0123456789012345678901234567890123456789012345678901234567890','seats':10"),
     "sections", false},
    /* general admission is asked for by name */
    {"{" HEAD ",'sections':[{'name':'','priceCategory':'P','capacity':3}]}", "sections[0].name",
     false},
    {"{" HEAD ",'sections':[{'name':'S','priceCategory':'P','rows':[{'name':'A','seats':1}]},"
     "{'name':'S','priceCategory':'P','capacity':1}]}",
     "sections[1].name", false},
    /* too many in all */
    {"{" HEAD ",'sections':[{'name':'S','priceCategory':'P','capacity':200000},"
     "{'name':'T','priceCategory':'P','capacity':1}]}",
     "sections", false},
};

static void check_problem(const struct bad_document *bad, enum status status,
                          const struct catalogue_problems *problems) {
    expect(status == STATUS_INVALID, "%s is read", bad->text);
    expect(problems->count > 0, "%s has no problem", bad->text);
    expect(strcmp(problems->items[0].field, bad->field) == 0, "%s: the field is %s", bad->text,
           problems->items[0].field);
    expect(problems->items[0].problem[0] != '\0', "%s: no text", bad->text);
    expect(problems->unknown_field == bad->unknown_field, "%s: unknown field", bad->text);
}

static void bad_venues_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad_venues); i++) {
        json_t *document = parse(bad_venues[i].text);
        struct venue_input *venue = NULL;
        struct catalogue_problems problems;
        enum status status = venue_input_read(document, &venue, &problems);
        check_problem(&bad_venues[i], status, &problems);
        json_decref(document);
    }
}

static void sections_and_categories_have_limits(void **state) {
    (void)state;
    for (int with_categories = 0; with_categories <= 1; with_categories++) {
        json_t *document = parse("{" HEAD ",'sections':[]}");
        json_t *sections = json_object_get(document, "sections");
        size_t count = with_categories ? PRICE_CATEGORIES_MAX : SHOW_SECTIONS_MAX;
        struct catalogue_problems problems;
        for (size_t i = 0; i <= count; i++) {
            char name[16];
            snprintf(name, sizeof name, "%zu", i);
            json_array_append_new(sections,
                                  json_pack("{s:s, s:s, s:i}", "name", name, "priceCategory",
                                            with_categories ? name : "P", "capacity", 1));
            struct venue_input *venue = NULL;
            if (i + 1 == count) {
                assert_int_equal(venue_input_read(document, &venue, &problems), STATUS_OK);
                venue_input_free(venue);
            }
        }
        struct venue_input *venue = NULL;
        assert_int_equal(venue_input_read(document, &venue, &problems), STATUS_INVALID);
        assert_string_equal(problems.items[0].field, "sections");
        json_decref(document);
    }
}

static void problems_are_bounded_and_stay_utf8(void **state) {
    (void)state;
    json_t *document = json_object();
    char name[200] = "x"; /* two bytes a character from an odd offset: a cut may fall between */
    for (size_t i = 1; i + 2 < sizeof name; i += 2) {
        name[i] = (char)0xC3; /* é */
        name[i + 1] = (char)0xA9;
    }
    json_object_set_new(document, name, json_true());
    json_object_set_new(document, name + 1, json_true());
    for (int i = 0; i < 100; i++) {
        char other[16];
        snprintf(other, sizeof other, "unknown%d", i);
        json_object_set_new(document, other, json_true());
    }
    struct venue_input *venue = NULL;
    struct catalogue_problems problems;
    assert_int_equal(venue_input_read(document, &venue, &problems), STATUS_INVALID);
    assert_int_equal(problems.count, CATALOGUE_PROBLEMS_MAX);
    assert_true(problems.unknown_field);
    for (uint32_t i = 0; i < problems.count; i++) {
        json_t *text = json_string(problems.items[i].field);
        expect(text != NULL, "no UTF-8: %s", problems.items[i].field);
        json_decref(text);
    }
    json_decref(document);
}

/* --- events -------------------------------------------------------------------------------- */

#define PRICES                                                                                     \
    "'prices':{'Floor':{'value':500,'currency':'NOK'},'Stalls':{'value':900,'currency':'NOK'}}"
#define NEW_EVENT(fields)                                                                          \
    "{'name':'E','venueId':3,'startTime':'2030-05-17T19:30:00Z'," PRICES fields "}"

static const char *const good_events[] = {
    NEW_EVENT(""),
    NEW_EVENT(",'endTime':null,'onSaleTime':null,'saleEndTime':null"),
    NEW_EVENT(",'endTime':'2030-05-17T22:30:00+02:00','description':'','artists':[]"),
    NEW_EVENT(",'onSaleTime':'2030-01-01T00:00:00Z','saleEndTime':'2030-05-17T00:00:00Z'"),
    NEW_EVENT(",'description':'Two lines\\nand a\\ttab','artists':['A','B'],'holdSeconds':1,"
              "'seatsPerUser':1000,'guests':false,'state':'DRAFT','room':{}"),
    NEW_EVENT(",'room':{'mode':'open','openTime':null,'admitsPerMinute':600,'maxShoppers':500,"
              "'claimSeconds':120,'passSeconds':600,'message':'Welcome'}"),
};

static void good_events_are_read(void **state) {
    (void)state;
    struct venue_facts facts = two_categories();
    for (size_t i = 0; i < ARRAY_LEN(good_events); i++) {
        for (int with_venue = 0; with_venue <= 1; with_venue++) {
            json_t *document = parse(good_events[i]);
            struct event_input *event = NULL;
            struct catalogue_problems problems;
            enum status status =
                event_input_read(document, false, with_venue ? &facts : NULL, &event, &problems);
            expect(status == STATUS_OK, "%s: %s %s", good_events[i], problems.items[0].field,
                   problems.items[0].problem);
            assert_int_equal(event_input_venue_id(event), 3);
            event_input_free(event);
            json_decref(document);
        }
    }
}

static const struct bad_document bad_events[] = {
    {"[]", "", false},
    {"{}", "venueId", false},
    {NEW_EVENT(",'colour':1"), "colour", true},
    {NEW_EVENT(",'startsInDays':1"), "startsInDays", true},
    {"{'name':'E','venueId':0,'startTime':'2030-05-17T19:30:00Z'," PRICES "}", "venueId", false},
    {"{'name':'E','venueId':'3','startTime':'2030-05-17T19:30:00Z'," PRICES "}", "venueId", false},
    {"{'name':'','venueId':3,'startTime':'2030-05-17T19:30:00Z'," PRICES "}", "name", false},
    {"{'name':'E','venueId':3," PRICES "}", "startTime", false},
    {"{'name':'E','venueId':3,'startTime':null," PRICES "}", "startTime", false},
    {"{'name':'E','venueId':3,'startTime':'17.5.2030'," PRICES "}", "startTime", false},
    {"{'name':'E','venueId':3,'startTime':'2030-02-30T19:30:00Z'," PRICES "}", "startTime", false},
    {"{'name':'E','venueId':3,'startTime':'1969-02-03T19:30:00Z'," PRICES "}", "startTime", false},
    {"{'name':'E','venueId':3,'startTime':1905000000," PRICES "}", "startTime", false},
    {NEW_EVENT(",'endTime':'2030-05-17T19:30:00Z'"), "endTime", false},
    {NEW_EVENT(",'endTime':7"), "endTime", false},
    {NEW_EVENT(",'onSaleTime':'2030-02-01T00:00:00Z','saleEndTime':'2030-01-01T00:00:00Z'"),
     "saleEndTime", false},
    {NEW_EVENT(",'description':7"), "description", false},
    {NEW_EVENT(",'description':'bell \\u0007'"), "description", false},
    {NEW_EVENT(",'artists':'A'"), "artists", false},
    {NEW_EVENT(",'artists':['A',null]"), "artists[1]", false},
    {NEW_EVENT(",'artists':['','','','','','','','','','','','','','','','','','','','','']"),
     "artists", false},
    {NEW_EVENT(",'holdSeconds':0"), "holdSeconds", false},
    {NEW_EVENT(",'holdSeconds':86401"), "holdSeconds", false},
    {NEW_EVENT(",'holdSeconds':null"), "holdSeconds", false},
    {NEW_EVENT(",'seatsPerUser':0"), "seatsPerUser", false},
    {NEW_EVENT(",'seatsPerUser':1001"), "seatsPerUser", false},
    {NEW_EVENT(",'guests':1"), "guests", false},
    {NEW_EVENT(",'state':'ON_SALE'"), "state", false},
    {NEW_EVENT(",'state':3"), "state", false},
    {NEW_EVENT(",'room':'off'"), "room", false},
    {NEW_EVENT(",'room':{'mode':'ajar'}"), "room.mode", false},
    {NEW_EVENT(",'room':{'admitsPerMinute':0}"), "room.admitsPerMinute", false},
    {NEW_EVENT(",'room':{'maxShoppers':2.5}"), "room.maxShoppers", false},
    {NEW_EVENT(",'room':{'claimSeconds':'120'}"), "room.claimSeconds", false},
    {NEW_EVENT(",'room':{'passSeconds':86401}"), "room.passSeconds", false},
    {NEW_EVENT(",'room':{'openTime':'soon'}"), "room.openTime", false},
    {NEW_EVENT(",'room':{'message':'a\\nb'}"), "room.message", false},
    {NEW_EVENT(",'room':{'doors':2}"), "room.doors", true},
#define PRICED(prices)                                                                             \
    "{'name':'E','venueId':3,'startTime':'2030-05-17T19:30:00Z','prices':" prices "}"
    {"{'name':'E','venueId':3,'startTime':'2030-05-17T19:30:00Z'}", "prices", false},
    {PRICED("[]"), "prices", false},
    {PRICED("{'Floor':{'value':1,'currency':'NOK'}}"), "prices.Stalls", false},
    {PRICED("{'Floor':{'value':1,'currency':'NOK'},'Stalls':{'value':1,'currency':'NOK'},"
            "'Box':{'value':1,'currency':'NOK'}}"),
     "prices.Box", false},
    {PRICED("{'Floor':{'value':1,'currency':'NOK'},'Stalls':{'value':1,'currency':'SEK'}}"),
     "prices.Stalls", false},
    {PRICED("{'Floor':{'value':-1,'currency':'NOK'},'Stalls':{'value':1,'currency':'NOK'}}"),
     "prices.Floor.value", false},
    {PRICED("{'Floor':{'value':1.5,'currency':'NOK'},'Stalls':{'value':1,'currency':'NOK'}}"),
     "prices.Floor.value", false},
    {PRICED("{'Floor':{'value':100000001,'currency':'NOK'},'Stalls':{'value':1,'currency':'NOK'}}"),
     "prices.Floor.value", false},
    {PRICED("{'Floor':{'value':1,'currency':'kr'},'Stalls':{'value':1,'currency':'NOK'}}"),
     "prices.Floor.currency", false},
    {PRICED("{'Floor':{'value':1},'Stalls':{'value':1,'currency':'NOK'}}"), "prices.Floor.currency",
     false},
    {PRICED("{'Floor':7,'Stalls':{'value':1,'currency':'NOK'}}"), "prices.Floor", false},
    {PRICED("{'Floor':{'value':1,'currency':'NOK','vat':2},'Stalls':{'value':1,'currency':'NOK'}}"),
     "prices.Floor.vat", true},
};

static void bad_events_are_refused(void **state) {
    (void)state;
    struct venue_facts facts = two_categories();
    for (size_t i = 0; i < ARRAY_LEN(bad_events); i++) {
        json_t *document = parse(bad_events[i].text);
        struct event_input *event = NULL;
        struct catalogue_problems problems;
        enum status status = event_input_read(document, false, &facts, &event, &problems);
        check_problem(&bad_events[i], status, &problems);
        json_decref(document);
    }
}

/* --- patches ------------------------------------------------------------------------------- */

/* The patch as its owner reads it. */
static struct event_patch *send_patch(const char *text) {
    struct venue_facts facts = two_categories();
    json_t *document = parse(text);
    struct event_input *event = NULL;
    struct event_patch *patch = NULL;
    struct catalogue_problems problems;
    enum status status = event_input_read(document, true, &facts, &event, &problems);
    expect(status == STATUS_OK, "%s: %s %s", text, problems.items[0].field,
           problems.items[0].problem);
    assert_non_null(event_input_command_text(event));
    assert_int_equal(event_patch_read(event_input_command_text(event), &patch), STATUS_OK);
    event_input_free(event);
    json_decref(document);
    return patch;
}

static void patch_travels_with_prices_by_position(void **state) {
    (void)state;
    struct event_patch *patch = send_patch(
        "{" PRICES ",'state':'PAUSED','onSaleTime':'2030-01-01T00:00:00Z','saleEndTime':null,"
        "'holdSeconds':60,'seatsPerUser':4,'guests':false,'name':'New','room':{'mode':'open'}}");
    const struct event_patch_settings *settings = event_patch_get_settings(patch);
    assert_true(settings->has_prices && settings->has_state && settings->has_on_sale &&
                settings->has_sale_end && settings->has_hold && settings->has_seats_per_user &&
                settings->has_guests && settings->has_room);
    assert_string_equal(event_patch_room(patch), "{\"mode\":\"open\"}");
    assert_int_equal(settings->price_count, 2);
    assert_int_equal(settings->prices[0], 900);
    assert_int_equal(settings->prices[1], 500);
    assert_string_equal(settings->currency, "NOK");
    assert_int_equal(settings->state, SHOW_PAUSED);
    assert_true(settings->on_sale_us == 1893456000000000);
    assert_true(settings->sale_end_us == 0);
    assert_int_equal(settings->hold_seconds, 60);
    assert_int_equal(settings->seats_per_user, 4);
    assert_false(settings->guests);
    event_patch_free(patch);
}

static void patch_changes_only_what_it_names(void **state) {
    (void)state;
    struct event_patch *patch = send_patch("{'description':'new'}");
    const struct event_patch_settings *settings = event_patch_get_settings(patch);
    assert_false(settings->has_prices || settings->has_state || settings->has_on_sale ||
                 settings->has_sale_end || settings->has_hold || settings->has_seats_per_user ||
                 settings->has_guests || settings->has_room);
    assert_null(event_patch_room(patch));
    event_patch_free(patch);
}

static void every_state_has_its_number(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum show_state number;
    } states[] = {
        {"{'state':'DRAFT'}", SHOW_DRAFT},           {"{'state':'SCHEDULED'}", SHOW_OPEN},
        {"{'state':'ON_SALE'}", SHOW_OPEN},          {"{'state':'PAUSED'}", SHOW_PAUSED},
        {"{'state':'SALE_ENDED'}", SHOW_SALE_ENDED}, {"{'state':'CANCELLED'}", SHOW_CANCELLED},
    };
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        struct event_patch *patch = send_patch(states[i].text);
        assert_true(event_patch_get_settings(patch)->has_state);
        assert_int_equal(event_patch_get_settings(patch)->state, states[i].number);
        event_patch_free(patch);
    }
}

static void largest_patch_fits_a_command(void **state) {
    (void)state;
    struct venue_facts facts = {.category_count = PRICE_CATEGORIES_MAX};
    char text[CATALOGUE_DESCRIPTION_MAX_BYTES + 1];
    memset(text, '"', sizeof text - 1); /* doubled by its escape */
    text[sizeof text - 1] = '\0';
    json_t *document = json_object();
    json_object_set_new(document, "description", json_string(text));
    text[CATALOGUE_NAME_MAX_BYTES] = '\0';
    json_t *artists = json_array();
    for (int i = 0; i < CATALOGUE_ARTISTS_MAX; i++) {
        json_array_append_new(artists, json_string(text));
    }
    json_object_set_new(document, "artists", artists);
    json_t *prices = json_object();
    for (uint32_t i = 0; i < PRICE_CATEGORIES_MAX; i++) {
        snprintf(facts.categories[i], sizeof facts.categories[i], "%.*s%02u",
                 CATALOGUE_NAME_MAX_BYTES - 2, text, i);
        json_object_set_new(
            prices, facts.categories[i],
            json_pack("{s:i, s:s}", "value", CATALOGUE_PRICE_MAX, "currency", "NOK"));
    }
    json_object_set_new(document, "prices", prices);
    struct event_input *event = NULL;
    struct catalogue_problems problems;
    assert_int_equal(event_input_read(document, true, &facts, &event, &problems), STATUS_OK);
    assert_non_null(event_input_command_text(event));
    event_input_free(event);
    json_decref(document);
}

static const struct bad_document bad_patches[] = {
    {"{'venueId':3}", "venueId", false},
    {"{'startTime':null}", "startTime", false},
    {"{'name':null}", "name", false},
    {"{'state':'SOLD'}", "state", false},
    {"{'prices':{'Floor':{'value':1,'currency':'NOK'}}}", "prices.Stalls", false},
    {"{'capacity':3}", "capacity", true},
};

static void bad_patches_are_refused(void **state) {
    (void)state;
    struct venue_facts facts = two_categories();
    for (size_t i = 0; i < ARRAY_LEN(bad_patches); i++) {
        json_t *document = parse(bad_patches[i].text);
        struct event_input *event = NULL;
        struct catalogue_problems problems;
        enum status status = event_input_read(document, true, &facts, &event, &problems);
        check_problem(&bad_patches[i], status, &problems);
        json_decref(document);
    }
}

static void owners_refuse_what_is_no_patch(void **state) {
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"state\":7}",
        "{\"venueId\":3}",
        "{\"prices\":{\"Stalls\":{\"value\":1,\"currency\":\"NOK\"}}}",
        "{\"prices\":{\"currency\":\"NOK\",\"values\":[]}}",
        "{\"prices\":{\"currency\":\"NOK\",\"values\":[-1]}}",
        "{\"prices\":{\"currency\":\"NOK\",\"values\":[\"1\"]}}",
        "{\"prices\":{\"currency\":\"\",\"values\":[1]}}",
        "{\"name\":\"a\",\"name\":\"b\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct event_patch *patch = NULL;
        expect(event_patch_read(texts[i], &patch) == STATUS_INVALID, "%s is read", texts[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(venue_gets_ids_numbers_and_places),
        cmocka_unit_test(venue_may_have_as_many_seats_as_a_show),
        cmocka_unit_test(bad_venues_are_refused),
        cmocka_unit_test(sections_and_categories_have_limits),
        cmocka_unit_test(problems_are_bounded_and_stay_utf8),
        cmocka_unit_test(good_events_are_read),
        cmocka_unit_test(bad_events_are_refused),
        cmocka_unit_test(patch_travels_with_prices_by_position),
        cmocka_unit_test(patch_changes_only_what_it_names),
        cmocka_unit_test(every_state_has_its_number),
        cmocka_unit_test(largest_patch_fits_a_command),
        cmocka_unit_test(bad_patches_are_refused),
        cmocka_unit_test(owners_refuse_what_is_no_patch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Small things of the gateway's answers: who takes gzip, texts as JSON, seats by name. */
#include "gateway/answers.h"
#include "gateway/layout.h"
#include "tests/support/expect.h"

#include <jansson.h>
#include <stdlib.h>

static void gzip_only_for_those_who_take_it(void **state) {
    (void)state;
    assert_false(accepts_gzip(NULL));
    assert_false(accepts_gzip(""));
    assert_false(accepts_gzip("br, deflate"));
    assert_false(accepts_gzip("gzip;q=0"));
    assert_false(accepts_gzip("gzip; q=0.00, br"));
    assert_false(accepts_gzip("gzip;q=0, *"));
    assert_false(accepts_gzip("xgzip"));
    assert_true(accepts_gzip("gzip"));
    assert_true(accepts_gzip("deflate, GZIP;q=0.1"));
    assert_true(accepts_gzip("br;q=1.0,*;q=0.5"));
    assert_false(accepts_gzip("*;q=0"));
}

static void any_text_is_a_json_string(void **state) {
    (void)state;
    static const char awkward[] = "quote \" backslash \\ newline \n bell \a ö €";
    struct text text = {0};
    text_json(&text, awkward);
    json_t *string = json_loadb(text.data, text.size_bytes, JSON_DECODE_ANY, NULL);
    assert_non_null(string);
    assert_string_equal(json_string_value(string), awkward);
    json_decref(string);
    text_free(&text);
}

static struct layout *make_layout(uint32_t rows, uint32_t seats) {
    const struct layout_section sections[] = {
        {.name = "STALLS", .category = "best", .seat_count = rows * seats},
        {.name = "FLOOR",
         .category = "cheap",
         .general = true,
         .first_seat = rows * seats,
         .seat_count = 3}};
    uint32_t count = rows * seats + 3;
    const char **ids = calloc(count, sizeof *ids);
    char(*names)[24] = calloc(count, sizeof *names);
    struct text text = {0};
    struct layout *layout = NULL;
    ensure(ids != NULL && names != NULL);
    for (uint32_t seat = 0; seat < count; seat++) {
        (void)snprintf(names[seat], sizeof names[seat], "%u-%u", seat / seats, seat % seats);
        ids[seat] = names[seat];
    }
    text_put(&text, "{}");
    struct body *body = body_create_take(&text, NULL);
    ensure(body != NULL);
    ensure(layout_create(4, sections, 2, ids, count, body, &layout) == STATUS_OK);
    free(names);
    free(ids);
    return layout;
}

static void every_seat_is_found_by_its_name(void **state) {
    (void)state;
    struct layout *layout = make_layout(20, 30);
    uint32_t found = 0;
    for (uint32_t seat = 0; seat < layout_seat_count(layout); seat++) {
        assert_true(layout_find_seat(layout, layout_seat_id(layout, seat), &found));
        assert_int_equal(found, seat);
    }
    assert_false(layout_find_seat(layout, "21-0", &found));
    assert_false(layout_find_seat(layout, "", &found));
    assert_string_equal(layout_section_of(layout, 599)->category, "best");
    assert_string_equal(layout_section_of(layout, 600)->category, "cheap");
    assert_true(layout_find_section(layout, "FLOOR", &found));
    assert_int_equal(found, 1);
    assert_false(layout_find_section(layout, "floor", &found));
    layout_release(layout);
}

static void sections_have_to_cover_the_hall(void **state) {
    (void)state;
    static const char *const ids[] = {"1", "2", "3"};
    const struct layout_section gap[] = {
        {.name = "a", .category = "", .first_seat = 0, .seat_count = 1},
        {.name = "b", .category = "", .first_seat = 2, .seat_count = 1}};
    struct text text = {0};
    struct layout *layout = NULL;
    text_put(&text, "{}");
    struct body *body = body_create_take(&text, NULL);
    ensure(body != NULL);
    assert_int_equal(layout_create(1, gap, 2, ids, 3, body, &layout), STATUS_INVALID);
    assert_null(layout);
}

static void a_body_is_compressed_when_it_is_worth_it(void **state) {
    (void)state;
    struct text small = {0};
    struct text large = {0};
    text_put(&small, "{}");
    for (int i = 0; i < 1000; i++) {
        text_put(&large, "\"AVAILABLE\",");
    }
    struct body *bodies[] = {body_create_take(&small, "1"), body_create_take(&large, NULL)};
    assert_false(body_compress(bodies[0]));
    assert_true(body_compress(bodies[1]));
    assert_true(bodies[1]->gzip_bytes < bodies[1]->size_bytes / 10);
    assert_int_equal(bodies[1]->gzip[0], 0x1f);
    body_release(bodies[0]);
    body_release(bodies[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_only_for_those_who_take_it),
        cmocka_unit_test(any_text_is_a_json_string),
        cmocka_unit_test(every_seat_is_found_by_its_name),
        cmocka_unit_test(sections_have_to_cover_the_hall),
        cmocka_unit_test(a_body_is_compressed_when_it_is_worth_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

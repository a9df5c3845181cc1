/* Which role may what, cell by cell, and what a PATCH counts as. The same over HTTP: keys_test. */
#include "gateway/roles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    enum admin_act act;
    const char *route;
    const char *may; /* v, o, g, a: viewer, operator, organiser, admin */
} cells[] = {
    {ADMIN_GET_EVENT, "GET /admin/events/{id}", "voga"},
    {ADMIN_GET_STATS, "GET /admin/events/{id}/stats", "voga"},
    {ADMIN_STEER_EVENT, "PATCH /admin/events/{id}", "oga"},
    {ADMIN_CHANGE_EVENT, "PATCH /admin/events/{id}", "ga"},
    {ADMIN_POST_VENUE, "POST /admin/venues", "ga"},
    {ADMIN_POST_EVENT, "POST /admin/events", "ga"},
};

static void every_cell_is_as_documented(void **state UNUSED) {
    static const char letters[] = "voga";
    assert_int_equal(ARRAY_LEN(cells), ADMIN_ACT_COUNT);
    for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
        assert_string_equal(role_act_route(cells[i].act), cells[i].route);
        for (unsigned role = 0; role < ADMIN_ROLE_COUNT; role++) {
            assert_int_equal(role_may((enum admin_role)role, cells[i].act),
                             strchr(cells[i].may, letters[role]) != NULL);
        }
    }
}

static enum admin_act act_of(const char *text) {
    json_t *patch = json_loads(text, 0, NULL);
    assert_non_null(patch);
    enum admin_act act = role_act_of_patch(patch);
    json_decref(patch);
    return act;
}

static void state_and_room_are_steering(void **state UNUSED) {
    static const char *const steering[] = {
        "{}", "{\"state\":\"PAUSED\"}", "{\"room\":{\"mode\":\"open\"}}",
        "{\"room\":{},\"state\":\"ON_SALE\"}", "{\"state\":null}"};
    static const char *const changing[] = {
        "{\"name\":\"x\"}", "{\"state\":\"PAUSED\",\"name\":\"x\"}",
        "{\"state\":\"PAUSED\",\"room\":{},\"prices\":{}}", "{\"States\":1}", "{\"rooms\":{}}"};
    for (size_t i = 0; i < ARRAY_LEN(steering); i++) {
        assert_int_equal(act_of(steering[i]), ADMIN_STEER_EVENT);
    }
    for (size_t i = 0; i < ARRAY_LEN(changing); i++) {
        assert_int_equal(act_of(changing[i]), ADMIN_CHANGE_EVENT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_is_as_documented),
        cmocka_unit_test(state_and_room_are_steering),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which row a path belongs to, its parameters, and the Allow list. */
#include "gateway/http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void handle(void *context UNUSED, struct http_request *request UNUSED,
                   const struct route_match *match UNUSED) {
}

static const struct route routes[] = {
    {HTTP_METHOD_GET, "/events", handle, 0},
    {HTTP_METHOD_GET, "/events/{id}", handle, 0},
    {HTTP_METHOD_GET, "/events/{id}/seats", handle, 0},
    {HTTP_METHOD_POST, "/bookings/reserve", handle, 0},
    {HTTP_METHOD_GET, "/bookings/{id}", handle, 0},
    {HTTP_METHOD_POST, "/bookings/{id}/cancel", handle, 0},
    {HTTP_METHOD_POST, "/admin/venues", handle, ROUTE_ADMIN_BODY},
    {HTTP_METHOD_PATCH, "/admin/events/{id}", handle, ROUTE_ADMIN_BODY},
    {HTTP_METHOD_GET, "/events/{id}/waitlist/{entry}", handle, 0},
    {HTTP_METHOD_DELETE, "/events/{id}/waitlist/{entry}", handle, 0},
};

static enum route_result match_of(enum http_method method, const char *path,
                                  struct route_match *match) {
    return router_match(routes, ARRAY_LEN(routes), method, path, match);
}

static void test_rows(void **state) {
    (void)state;
    static const struct {
        enum http_method method;
        const char *path;
        enum route_result result;
        size_t row;
    } cases[] = {
        {HTTP_METHOD_GET, "/events", ROUTE_FOUND, 0},
        {HTTP_METHOD_HEAD, "/events/7/seats", ROUTE_FOUND, 2},
        {HTTP_METHOD_GET, "/events/7", ROUTE_FOUND, 1},
        {HTTP_METHOD_POST, "/bookings/reserve", ROUTE_FOUND, 3},
        {HTTP_METHOD_GET, "/bookings/reserve", ROUTE_FOUND, 4},
        {HTTP_METHOD_DELETE, "/events/7/waitlist/9", ROUTE_FOUND, 9},
        {HTTP_METHOD_POST, "/events", ROUTE_METHOD_NOT_ALLOWED, 0},
        {HTTP_METHOD_OTHER, "/events/7", ROUTE_METHOD_NOT_ALLOWED, 0},
        {HTTP_METHOD_HEAD, "/admin/venues", ROUTE_METHOD_NOT_ALLOWED, 0},
        {HTTP_METHOD_GET, "/", ROUTE_NOT_FOUND, 0},
        {HTTP_METHOD_GET, "", ROUTE_NOT_FOUND, 0},
        {HTTP_METHOD_GET, "*", ROUTE_NOT_FOUND, 0},
        {HTTP_METHOD_GET, "/events/", ROUTE_NOT_FOUND, 0},
        {HTTP_METHOD_GET, "/events//seats", ROUTE_NOT_FOUND, 0},
        {HTTP_METHOD_GET, "/events/7/", ROUTE_NOT_FOUND, 0},
        {HTTP_METHOD_GET, "/events/7/seats/x", ROUTE_NOT_FOUND, 0},
        {HTTP_METHOD_GET, "/event", ROUTE_NOT_FOUND, 0},
        {HTTP_METHOD_GET, "/eventss", ROUTE_NOT_FOUND, 0},
        {HTTP_METHOD_GET, "//events", ROUTE_NOT_FOUND, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct route_match match;
        if (match_of(cases[i].method, cases[i].path, &match) != cases[i].result)
            fail_msg("%s", cases[i].path);
        if (cases[i].result == ROUTE_FOUND)
            assert_ptr_equal(match.route, &routes[cases[i].row]);
    }
}

static void test_parameters(void **state) {
    (void)state;
    struct route_match match;
    assert_int_equal(match_of(HTTP_METHOD_GET, "/events/12/waitlist/a b", &match), ROUTE_FOUND);
    assert_int_equal(match.parameter_count, 2);
    uint64_t id;
    assert_true(route_match_u64(&match, 0, &id));
    assert_int_equal(id, 12);
    char entry[4];
    assert_true(route_match_text(&match, 1, entry, sizeof entry));
    assert_string_equal(entry, "a b");
    assert_false(route_match_text(&match, 1, entry, sizeof entry - 1));
}

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        const char *path;
        uint64_t value; /* 0: not a number */
    } cases[] = {
        {"/events/1", 1},     {"/events/9223372036854775807", INT64_MAX},
        {"/events/0", 0},     {"/events/9223372036854775808", 0},
        {"/events/01", 0},    {"/events/18446744073709551617", 0},
        {"/events/+1", 0},    {"/events/-1", 0},
        {"/events/1x", 0},    {"/events/ 1", 0},
        {"/events/1%200", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct route_match match;
        uint64_t value;
        assert_int_equal(match_of(HTTP_METHOD_GET, cases[i].path, &match), ROUTE_FOUND);
        if (route_match_u64(&match, 0, &value) != (cases[i].value > 0))
            fail_msg("%s", cases[i].path);
        if (cases[i].value)
            assert_true(value == cases[i].value);
    }
}

static void test_allow(void **state) {
    (void)state;
    char allow[ROUTE_ALLOW_SIZE];
    size_t count = ARRAY_LEN(routes);
    assert_string_equal(router_allow(routes, count, "/events/1/waitlist/2", allow),
                        "GET, HEAD, DELETE, OPTIONS");
    assert_string_equal(router_allow(routes, count, "/bookings/reserve", allow),
                        "GET, HEAD, POST, OPTIONS");
    assert_string_equal(router_allow(routes, count, "/admin/venues", allow), "POST, OPTIONS");
    assert_string_equal(router_allow(routes, count, "/nowhere", allow), "");
}

static void test_body_limits(void **state) {
    (void)state;
    size_t count = ARRAY_LEN(routes);
    assert_int_equal(router_body_limit(routes, count, HTTP_METHOD_POST, "/admin/venues"),
                     HTTP_ADMIN_BODY_MAX_BYTES);
    assert_int_equal(router_body_limit(routes, count, HTTP_METHOD_GET, "/admin/venues"),
                     HTTP_BODY_MAX_BYTES);
    assert_int_equal(router_body_limit(routes, count, HTTP_METHOD_POST, "/bookings/reserve"),
                     HTTP_BODY_MAX_BYTES);
    assert_int_equal(router_body_limit(routes, count, HTTP_METHOD_POST, "/nowhere"),
                     HTTP_BODY_MAX_BYTES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_numbers),     cmocka_unit_test(test_allow),
        cmocka_unit_test(test_body_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

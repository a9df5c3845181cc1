#include "worker/served_time.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void it_runs_while_somebody_serves(void **state) {
    (void)state;
    struct served_time served;
    served_time_start(&served, 5000, 1000000);
    assert_int_equal(served_time_advance(&served, 1000000, true), 5000);
    assert_int_equal(served_time_advance(&served, 1250000, true), 5250);
    assert_int_equal(served_time_advance(&served, 1250999, true), 5250);
    assert_int_equal(served_time_advance(&served, 1251000, true), 5251);
}

static void it_stands_still_while_the_bus_is_away(void **state) {
    (void)state;
    struct served_time served;
    served_time_start(&served, 0, 0);
    assert_int_equal(served_time_advance(&served, 180000000, false), 0);
    assert_int_equal(served_time_advance(&served, 180100000, true), 100);
}

static void a_frozen_process_served_nobody(void **state) {
    (void)state;
    struct served_time served;
    served_time_start(&served, 0, 0);
    assert_int_equal(served_time_advance(&served, 60000000, true), SERVED_STEP_MAX_MS);
}

static void it_is_stored_now_and_then(void **state) {
    (void)state;
    struct served_time served;
    served_time_start(&served, 100, 0);
    assert_false(served_time_store_due(&served));
    served_time_advance(&served, (SERVED_STORE_AFTER_MS - 1) * INT64_C(1000), true);
    assert_false(served_time_store_due(&served));
    served_time_advance(&served, SERVED_STORE_AFTER_MS * INT64_C(1000), true);
    assert_true(served_time_store_due(&served));
    served.stored_ms = 100 + SERVED_STORE_AFTER_MS;
    assert_false(served_time_store_due(&served));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_while_somebody_serves),
        cmocka_unit_test(it_stands_still_while_the_bus_is_away),
        cmocka_unit_test(a_frozen_process_served_nobody),
        cmocka_unit_test(it_is_stored_now_and_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

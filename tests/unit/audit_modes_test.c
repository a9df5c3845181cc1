/* When a room surely was on, from what the log of the administration says. */
#include "ops/usherctl/audit_modes.h"
#include "tests/support/expect.h"

enum { CHANGES_MAX = 4, PERIODS_MAX = 2 };

#define S INT64_C(1000000)

struct example {
    const char *name;
    enum room_mode now;
    int64_t vouched_us;
    size_t change_count;
    struct audit_change changes[CHANGES_MAX];
    uint32_t on_count;
    struct audit_period on[PERIODS_MAX];
    bool on_known;
};

#define CREATED                                                                                    \
    { .at_us = 100 * S, .creates = true }
#define TO(seconds, to, how)                                                                       \
    { .at_us = (seconds)*S, .has_mode = true, .mode = ROOM_MODE_##to, .outcome = AUDIT_##how }

static const struct example examples[] = {
    {.name = "nothing is told of it: as it is now from the beginning",
     .now = ROOM_MODE_OPEN,
     .on_count = 1,
     .on = {{100 * S, INT64_MAX}},
     .on_known = true},
    {.name = "off from the beginning", .change_count = 1, .changes = {CREATED}, .on_known = true},
    {.name = "created with it, then closed: still on",
     .now = ROOM_MODE_CLOSED,
     .change_count = 2,
     .changes = {{.at_us = 100 * S, .creates = true, .has_mode = true, .mode = ROOM_MODE_OPEN},
                 TO(200, CLOSED, DONE)},
     .on_count = 1,
     .on = {{100 * S, INT64_MAX}},
     .on_known = true},
    {.name = "on, off, on: the change takes its time",
     .now = ROOM_MODE_PAUSED,
     .vouched_us = 201 * S,
     .change_count = 4,
     .changes = {CREATED, TO(200, OPEN, DONE), TO(300, OFF, DONE), TO(400, PAUSED, DONE)},
     .on_count = 2,
     .on = {{201 * S, 300 * S}, {410 * S, INT64_MAX}},
     .on_known = true},
    {.name = "on and off at once: never surely on",
     .change_count = 3,
     .changes = {CREATED, TO(200, OPEN, DONE), TO(205, OFF, DONE)},
     .on_known = true},
    {.name = "what was refused changed nothing",
     .now = ROOM_MODE_OPEN,
     .change_count = 3,
     .changes = {CREATED, TO(200, OPEN, DONE), TO(300, OFF, REFUSED)},
     .on_count = 1,
     .on = {{210 * S, INT64_MAX}},
     .on_known = true},
    {.name = "it may have been switched off",
     .now = ROOM_MODE_OPEN,
     .change_count = 3,
     .changes = {CREATED, TO(200, OPEN, DONE), TO(300, OFF, UNKNOWN)},
     .on_count = 1,
     .on = {{210 * S, 300 * S}},
     .on_known = false},
    {.name = "nobody knows how it was created",
     .now = ROOM_MODE_OPEN,
     .change_count = 1,
     .changes = {TO(200, OPEN, DONE)},
     .on_count = 1,
     .on = {{210 * S, INT64_MAX}},
     .on_known = false},
    {.name = "the log does not lead to today",
     .now = ROOM_MODE_OFF,
     .change_count = 2,
     .changes = {CREATED, TO(200, OPEN, DONE)},
     .on_known = false},
};

static void periods_are_those_that_are_sure(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
        const struct example *example = &examples[i];
        struct audit_room room = {.span_count = 1};
        struct audit_modes modes;
        struct room_settings now;
        bool mode_changes = false;
        room_settings_default(&now);
        now.mode = example->now;
        for (size_t c = 0; c < example->change_count; c++) {
            const struct audit_change *change = &example->changes[c];
            mode_changes |=
                change->has_mode && !change->creates && change->outcome != AUDIT_REFUSED;
        }
        audit_modes_begin(&modes, &room, &example->vouched_us, &now, 100 * S, mode_changes);
        for (size_t c = 0; c < example->change_count; c++)
            audit_modes_add(&modes, &example->changes[c]);
        audit_modes_finish(&modes, &now);
        expect(room.on_count == example->on_count &&
                   memcmp(room.on, example->on, room.on_count * sizeof *room.on) == 0,
               "%s: %u periods, from %lld", example->name, room.on_count,
               (long long)room.on[0].from_us);
        expect(room.on_known == example->on_known, "%s: known", example->name);
    }
}

static void settings_that_were_changed_are_not_judged(void **state) {
    (void)state;
    struct audit_room room = {0};
    struct audit_modes modes;
    struct room_settings now;
    room_settings_default(&now);
    audit_modes_begin(&modes, &room, NULL, &now, S, false);
    audit_modes_add(&modes, &(struct audit_change){.creates = true, .has_max_shoppers = true});
    audit_modes_add(&modes, &(struct audit_change){.has_pass = true, .outcome = AUDIT_UNKNOWN});
    audit_modes_add(&modes, &(struct audit_change){.has_claim = true, .outcome = AUDIT_REFUSED});
    audit_modes_finish(&modes, &now);
    assert_int_equal(room.max_shoppers, now.max_shoppers);
    assert_int_equal(room.claim_ms, now.claim_ms);
    assert_int_equal(room.pass_ms, 0);
}

static void more_periods_than_fit_are_not_judged(void **state) {
    (void)state;
    struct audit_room room = {0};
    struct audit_modes modes;
    struct room_settings now;
    room_settings_default(&now);
    audit_modes_begin(&modes, &room, NULL, &now, S, true);
    for (int64_t i = 0; i < 4 * AUDIT_PERIODS_MAX; i++)
        audit_modes_add(&modes,
                        &(struct audit_change){.at_us = i * 100 * S,
                                               .has_mode = true,
                                               .mode = i % 2 ? ROOM_MODE_OFF : ROOM_MODE_OPEN});
    audit_modes_finish(&modes, &now);
    assert_int_equal(room.on_count, AUDIT_PERIODS_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(periods_are_those_that_are_sure),
        cmocka_unit_test(settings_that_were_changed_are_not_judged),
        cmocka_unit_test(more_periods_than_fit_are_not_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

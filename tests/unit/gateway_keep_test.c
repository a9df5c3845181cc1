/* A gateway's copies on disk: written and found again, damaged, foreign, and after a restart. */
#include "gateway/keep.h"

#include "shared/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { SECOND_US = 1000000 };

static const struct id128 OURS = {{1}};
static const struct id128 ANOTHERS = {{2}};

struct place {
    char home[64];
    char file[128];
};

static int make_place(void **state) {
    struct place *place = calloc(1, sizeof *place);
    (void)snprintf(place->home, sizeof place->home, "/tmp/usher-keep-XXXXXX");
    assert_non_null(mkdtemp(place->home));
    (void)snprintf(place->file, sizeof place->file, "%s/gateway-1/event-7", place->home);
    *state = place;
    return 0;
}

static int remove_place(void **state) {
    struct place *place = *state;
    char folder[128];
    (void)snprintf(folder, sizeof folder, "%s/gateway-1", place->home);
    (void)unlink(place->file);
    (void)rmdir(folder);
    assert_int_equal(rmdir(place->home), 0); /* nothing else was left behind */
    free(place);
    return 0;
}

static struct keep *open_keep(const struct place *place, const struct id128 *installation) {
    struct keep *keep = keep_open(place->home, "gateway-1");
    assert_non_null(keep);
    if (installation != NULL) {
        keep_confirm(keep, installation);
    }
    return keep;
}

static void expect_kept(struct keep *keep, const char *expected, int64_t expected_us) {
    char *data = NULL;
    size_t size_bytes = 0;
    int64_t written_us = 0;
    enum status status = keep_read(keep, "event-7", &data, &size_bytes, &written_us);
    if (expected == NULL) {
        assert_int_equal(status, STATUS_NOT_FOUND);
        return;
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(size_bytes, strlen(expected));
    assert_string_equal(data, expected);
    assert_int_equal(written_us, expected_us);
    free(data);
}

static void a_copy_outlives_the_process(void **state) {
    struct keep *keep = open_keep(*state, &OURS);
    assert_false(keep_has_any(keep));
    keep_write(keep, "event-7", "page", 4, 5 * SECOND_US);
    assert_true(keep_has_any(keep));
    keep_close(keep);
    keep = open_keep(*state, NULL); /* the database is away: nothing is confirmed */
    assert_true(keep_has_any(keep));
    expect_kept(keep, "page", 5 * SECOND_US);
    keep_close(keep);
}

static void nothing_is_written_before_the_installation_is_known(void **state) {
    struct keep *keep = open_keep(*state, NULL);
    assert_false(keep_wants(keep, "event-7", SECOND_US));
    keep_write(keep, "event-7", "page", 4, SECOND_US);
    expect_kept(keep, NULL, 0);
    keep_close(keep);
}

static void another_installations_copies_are_deleted(void **state) {
    struct keep *keep = open_keep(*state, &ANOTHERS);
    keep_write(keep, "event-7", "page", 4, SECOND_US);
    keep_close(keep);
    keep = open_keep(*state, &OURS);
    assert_false(keep_has_any(keep));
    expect_kept(keep, NULL, 0);
    keep_close(keep);
}

static void a_thing_is_written_now_and_then(void **state) {
    struct keep *keep = open_keep(*state, &OURS);
    keep_write(keep, "event-7", "old", 3, SECOND_US);
    assert_false(keep_wants(keep, "event-7", KEEP_AGAIN_SECONDS * SECOND_US));
    keep_write(keep, "event-7", "new", 3, KEEP_AGAIN_SECONDS * SECOND_US);
    expect_kept(keep, "old", SECOND_US);
    keep_write(keep, "event-7", "new", 3, (KEEP_AGAIN_SECONDS + 1) * SECOND_US);
    expect_kept(keep, "new", (KEEP_AGAIN_SECONDS + 1) * SECOND_US);
    keep_close(keep);
}

/* Every byte changed, every length cut: found whole or not at all. */
static void a_damaged_copy_counts_as_absent(void **state) {
    const struct place *place = *state;
    struct keep *keep = open_keep(place, &OURS);
    char whole[256];
    keep_write(keep, "event-7", "page", 4, SECOND_US);
    FILE *file = fopen(place->file, "rb");
    size_t size_bytes = fread(whole, 1, sizeof whole, file);
    assert_int_equal(fclose(file), 0);
    for (size_t cut = 0; cut < size_bytes; cut++) {
        file = fopen(place->file, "wb");
        assert_int_equal(fwrite(whole, 1, cut, file), cut);
        assert_int_equal(fclose(file), 0);
        expect_kept(keep, NULL, 0);
    }
    for (size_t at = size_bytes - 4; at < size_bytes; at++) {
        whole[at] ^= 1;
        file = fopen(place->file, "wb");
        assert_int_equal(fwrite(whole, 1, size_bytes, file), size_bytes);
        assert_int_equal(fclose(file), 0);
        expect_kept(keep, NULL, 0);
        whole[at] ^= 1;
    }
    keep_close(keep);
}

static void without_a_folder_all_goes_on(void **state) {
    (void)state;
    struct keep *keep = keep_open("/proc/no-such-place", "gateway-1");
    assert_null(keep);
    keep_confirm(keep, &OURS);
    keep_write(keep, "event-7", "page", 4, SECOND_US);
    expect_kept(keep, NULL, 0);
    keep_close(keep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_outlives_the_process, make_place, remove_place),
        cmocka_unit_test_setup_teardown(nothing_is_written_before_the_installation_is_known,
                                        make_place, remove_place),
        cmocka_unit_test_setup_teardown(another_installations_copies_are_deleted, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(a_thing_is_written_now_and_then, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_damaged_copy_counts_as_absent, make_place, remove_place),
        cmocka_unit_test(without_a_folder_all_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

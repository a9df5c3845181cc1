/* Failpoints: a file in a folder makes a process fail, die or freeze, once. */
#include "shared/failpoint.h"
#include "tests/support/folder.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[FOLDER_PATH_SIZE];

static int make_folder(void **state) {
    (void)state;
    folder_create(folder);
    return setenv("USHER_FAILPOINT_DIR", folder, 1);
}

static int remove_folder(void **state) {
    (void)state;
    folder_remove(folder);
    return unsetenv("USHER_FAILPOINT_DIR");
}

static bool is_armed(const char *name) {
    char path[FOLDER_PATH_SIZE + 64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void nothing_happens_unarmed(void **state) {
    (void)state;
    assert_false(FAILPOINT("before-commit"));
    folder_write(folder, "after-commit", 0600, "fail");
    assert_false(FAILPOINT("before-commit"));
    assert_true(is_armed("after-commit"));
    folder_write(folder, "before-commit", 0600, ""); /* being written */
    assert_false(FAILPOINT("before-commit"));
    assert_true(is_armed("before-commit"));
    assert_int_equal(unsetenv("USHER_FAILPOINT_DIR"), 0);
    assert_false(FAILPOINT("after-commit"));
    assert_int_equal(setenv("USHER_FAILPOINT_DIR", "/nowhere/at/all", 1), 0);
    assert_false(FAILPOINT("after-commit"));
}

static void fails_once(void **state) {
    (void)state;
    folder_write(folder, "before-commit", 0600, "fail\n");
    assert_true(FAILPOINT("before-commit"));
    assert_false(is_armed("before-commit"));
    assert_false(FAILPOINT("before-commit"));
}

static void fails_always(void **state) {
    (void)state;
    folder_write(folder, "before-commit", 0600, "always fail");
    for (int i = 0; i < 3; i++)
        assert_true(FAILPOINT("before-commit"));
    assert_true(is_armed("before-commit"));
}

/* A child that hits the failpoint and tells by its exit status whether it was true. */
static pid_t start_child(void) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(FAILPOINT("before-commit") ? 1 : 0);
    return child;
}

static void kills_the_process(void **state) {
    (void)state;
    folder_write(folder, "before-commit", 0600, "kill");
    int status;
    pid_t child = start_child();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_false(is_armed("before-commit"));
}

static void freezes_the_process(void **state) {
    (void)state;
    folder_write(folder, "before-commit", 0600, "stop");
    int status;
    pid_t child = start_child();
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    assert_false(is_armed("before-commit"));
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Children that wait for a gate to open and then all hit the same failpoint. */
static int hits_of_a_race(void) {
    enum { CHILDREN = 8 };
    int gate[2], hits = 0;
    pid_t children[CHILDREN];
    assert_int_equal(pipe(gate), 0);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char end;
            close(gate[1]);
            _exit(read(gate[0], &end, 1) == 0 && FAILPOINT("before-commit") ? 1 : 0);
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (int i = 0; i < CHILDREN; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        hits += WEXITSTATUS(status);
    }
    return hits;
}

static void one_of_many_processes_is_hit(void **state) {
    (void)state;
    for (int round = 0; round < 100; round++) {
        folder_write(folder, "before-commit", 0600, "fail");
        assert_int_equal(hits_of_a_race(), 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_happens_unarmed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(fails_once, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(fails_always, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(kills_the_process, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(freezes_the_process, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(one_of_many_processes_is_hit, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

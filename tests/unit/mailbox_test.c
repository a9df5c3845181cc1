/* The mailbox alone, and with four writers (also under the thread sanitizer). */
#include "shared/mailbox.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { WRITERS = 4, MESSAGES_EACH = 25000, WAIT_MS = 20000 };

static bool has_mail(const struct mailbox *box, int wait_ms) {
    struct pollfd poll_fd = {.fd = mailbox_fd(box), .events = POLLIN};
    return poll(&poll_fd, 1, wait_ms) == 1;
}

static struct mail *next_of(struct mail *mail) {
    struct mail *next = mail->next;
    mail_free(mail);
    return next;
}

static void mail_arrives_in_order_and_whole(void **state) {
    (void)state;
    struct mailbox *box = mailbox_create(10, 1000);
    assert_non_null(box);
    assert_false(has_mail(box, 0));
    assert_null(mailbox_take_all(box));

    char text[] = "first";
    assert_int_equal(mailbox_put(box, 7, UINT64_MAX, text, 5), STATUS_OK);
    text[0] = 'X'; /* the box has a copy */
    assert_int_equal(mailbox_put(box, 8, 2, NULL, 0), STATUS_OK);
    assert_true(has_mail(box, 0));

    struct mail *mail = mailbox_take_all(box);
    assert_false(has_mail(box, 0));
    assert_int_equal(mail->topic, 7);
    assert_true(mail->value == UINT64_MAX);
    assert_int_equal(mail->size_bytes, 5);
    assert_string_equal((const char *)mail->data, "first"); /* NUL follows */
    mail = next_of(mail);
    assert_int_equal(mail->topic, 8);
    assert_int_equal(mail->size_bytes, 0);
    assert_int_equal(mail->data[0], 0);
    assert_null(next_of(mail));
    assert_null(mailbox_take_all(box));

    assert_int_equal(mailbox_put(box, 9, 3, "x", 1), STATUS_OK);
    assert_true(has_mail(box, 0));
    assert_int_equal(mailbox_refused(box), 0);
    mailbox_destroy(box); /* with mail that nobody took */
    mailbox_destroy(NULL);
}

static void the_eventfd_is_written_once_for_many(void **state) {
    (void)state;
    struct mailbox *box = mailbox_create(10, 1000);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(mailbox_put(box, 0, i, "", 0), STATUS_OK);
    uint64_t wakes;
    assert_int_equal(read(mailbox_fd(box), &wakes, sizeof wakes), sizeof wakes);
    assert_int_equal(wakes, 1);
    mailbox_destroy(box);
}

static void what_does_not_fit_is_refused_and_counted(void **state) {
    (void)state;
    char data[101] = {0};
    struct mailbox *box = mailbox_create(3, 100);
    assert_int_equal(mailbox_put(box, 0, 0, data, 101), STATUS_LIMIT);
    assert_false(has_mail(box, 0));
    assert_int_equal(mailbox_put(box, 0, 0, data, 99), STATUS_OK);
    assert_int_equal(mailbox_put(box, 0, 0, data, 2), STATUS_LIMIT);
    assert_int_equal(mailbox_put(box, 0, 0, data, 1), STATUS_OK);
    assert_int_equal(mailbox_put(box, 0, 0, data, 0), STATUS_OK);
    assert_int_equal(mailbox_put(box, 0, 0, data, 0), STATUS_LIMIT);
    assert_int_equal(mailbox_refused(box), 3);

    int taken = 0;
    for (struct mail *mail = mailbox_take_all(box); mail != NULL; mail = next_of(mail))
        taken++;
    assert_int_equal(taken, 3);
    assert_int_equal(mailbox_put(box, 0, 0, data, 100), STATUS_OK); /* there is room again */
    assert_int_equal(mailbox_refused(box), 3);
    mailbox_destroy(box);
}

struct writer {
    struct mailbox *box;
    uint32_t number;
    uint64_t refused;
    pthread_t thread;
};

static void *write_messages(void *context) {
    struct writer *writer = context;
    for (uint64_t i = 0; i < MESSAGES_EACH;) {
        if (mailbox_put(writer->box, writer->number, i, &i, sizeof i) == STATUS_OK) {
            i++;
        } else {
            writer->refused++;
            sched_yield();
        }
    }
    return NULL;
}

static void four_writers_lose_and_mix_nothing(void **state) {
    (void)state;
    struct mailbox *box = mailbox_create(64, 400); /* 50 messages */
    struct writer writers[WRITERS];
    for (uint32_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.box = box, .number = i};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_messages, &writers[i]), 0);
    }

    uint64_t next[WRITERS] = {0};
    for (uint64_t taken = 0; taken < (uint64_t)WRITERS * MESSAGES_EACH;) {
        assert_true(has_mail(box, WAIT_MS)); /* a lost wake-up would end the test here */
        uint64_t at_once = 0;
        for (struct mail *mail = mailbox_take_all(box); mail != NULL; mail = next_of(mail)) {
            uint64_t data;
            memcpy(&data, mail->data, sizeof data);
            assert_true(mail->topic < WRITERS);
            assert_true(mail->value == next[mail->topic] && data == mail->value);
            next[mail->topic]++;
            at_once++;
        }
        assert_true(at_once <= 50);
        taken += at_once;
    }

    uint64_t refused = 0;
    for (uint32_t i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
        refused += writers[i].refused;
    }
    assert_null(mailbox_take_all(box));
    assert_true(mailbox_refused(box) == refused);
    mailbox_destroy(box);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_arrives_in_order_and_whole),
        cmocka_unit_test(the_eventfd_is_written_once_for_many),
        cmocka_unit_test(what_does_not_fit_is_refused_and_counted),
        cmocka_unit_test(four_writers_lose_and_mix_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whose address counts, behind proxies and without. */
#include "gateway/client_address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct trusted_proxies proxies_of(const char *text) {
    struct trusted_proxies proxies;
    assert_true(trusted_proxies_read(text, &proxies));
    return proxies;
}

/* The counted address as text; "exempt" when nothing is counted. */
static const char *counted(const char *trusted, const char *peer, const char *forwarded) {
    static char text[INET6_ADDRSTRLEN];
    struct trusted_proxies proxies = proxies_of(trusted);
    struct client_address client = client_address_of(&proxies, peer, forwarded);
    if (client.exempt) {
        return "exempt";
    }
    assert_non_null(inet_ntop(AF_INET6, client.id.bytes, text, sizeof text));
    return text;
}

static void strangers_can_claim_nothing(void **state) {
    (void)state;
    assert_string_equal(counted("", "192.0.2.1", NULL), "::ffff:192.0.2.1");
    assert_string_equal(counted("", "192.0.2.1", "198.51.100.9"), "::ffff:192.0.2.1");
    assert_string_equal(counted("10.0.0.0/8", "192.0.2.1", "10.1.1.1, 127.0.0.1"),
                        "::ffff:192.0.2.1");
    /* A home has a /64. */
    assert_string_equal(counted("", "2001:db8:1:2:3:4:5:6", NULL), "2001:db8:1:2::");
    assert_string_equal(counted("", "2001:db8:1:2:ffff::", NULL), "2001:db8:1:2::");
    assert_string_equal(counted("", "2001:db8:1:3::1", NULL), "2001:db8:1:3::");
}

static void the_right_most_untrusted_counts(void **state) {
    (void)state;
    const char *trusted = "10.0.0.0/8, 2001:db8:ffff::/48";
    assert_string_equal(counted(trusted, "10.1.2.3", "198.51.100.9"), "::ffff:198.51.100.9");
    assert_string_equal(counted(trusted, "10.1.2.3", "203.0.113.1, 198.51.100.9"),
                        "::ffff:198.51.100.9");
    assert_string_equal(counted(trusted, "10.1.2.3", "203.0.113.1,198.51.100.9 , 10.9.9.9"),
                        "::ffff:198.51.100.9");
    assert_string_equal(counted(trusted, "2001:db8:ffff::7", "2001:db8:5:6:7::8"),
                        "2001:db8:5:6::");
    assert_string_equal(counted(trusted, "10.1.2.3", "[2001:db8:5:6:7::8]:443"), "2001:db8:5:6::");
    assert_string_equal(counted(trusted, "10.1.2.3", "198.51.100.9:4711"), "::ffff:198.51.100.9");
    /* All are trusted: the first of them asks. */
    assert_string_equal(counted(trusted, "10.1.2.3", "10.0.0.5, 10.0.0.6"), "::ffff:10.0.0.5");
    assert_string_equal(counted(trusted, "10.1.2.3", NULL), "::ffff:10.1.2.3");
}

static void what_is_no_address_ends_the_search(void **state) {
    (void)state;
    static const char *const odd[] = {"",       ",",        "unknown", "198.51.100.9,",
                                      "[::1",   "1.2.3",    "_hidden", "198.51.100.9, 1.2.3.4.5",
                                      "\t ,  ", "300.1.1.1"};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        assert_string_equal(counted("10.0.0.0/8", "10.1.2.3", odd[i]), "::ffff:10.1.2.3");
    }
    assert_string_equal(counted("10.0.0.0/8", "10.1.2.3", "rubbish, 198.51.100.9"),
                        "::ffff:198.51.100.9");
    char endless[4000];
    memset(endless, '7', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_string_equal(counted("10.0.0.0/8", "10.1.2.3", endless), "::ffff:10.1.2.3");
}

static void this_machine_is_exempt_unless_it_is_a_proxy(void **state) {
    (void)state;
    assert_string_equal(counted("", "127.0.0.1", NULL), "exempt");
    assert_string_equal(counted("", "127.8.8.8", "198.51.100.9"), "exempt");
    assert_string_equal(counted("10.0.0.0/8", "::1", NULL), "exempt");
    assert_string_equal(counted("127.0.0.0/8", "127.0.0.1", "198.51.100.9"), "::ffff:198.51.100.9");
    assert_string_equal(counted("127.0.0.1,::1", "::1", "198.51.100.9"), "::ffff:198.51.100.9");
    assert_string_equal(counted("127.0.0.1", "127.0.0.1", NULL), "::ffff:127.0.0.1");
    /* Nobody gets there by saying so. */
    assert_string_equal(counted("10.0.0.0/8", "10.1.2.3", "127.0.0.1"), "::ffff:127.0.0.1");
}

static void networks_are_read(void **state) {
    (void)state;
    struct trusted_proxies proxies;
    static const char *const bad[] = {
        "10.0.0.0/33", "::/129",      "10.0.0.0/", "10.0.0.0/-1",
        "proxy",       "10.0.0.1/8x", ",",         "10.0.0.1,,10.0.0.2"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(trusted_proxies_read(bad[i], &proxies));
    }
    assert_int_equal(proxies_of("").count, 0);
    assert_int_equal(proxies_of("10.0.0.1 , ::1/128,0.0.0.0/0").count, 3);
    assert_string_equal(counted("0.0.0.0/0", "192.0.2.1", "2001:db8::1"), "2001:db8::");
    assert_string_equal(counted("192.0.2.0/25", "192.0.2.127", "198.51.100.9"),
                        "::ffff:198.51.100.9");
    assert_string_equal(counted("192.0.2.0/25", "192.0.2.128", "198.51.100.9"),
                        "::ffff:192.0.2.128");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_can_claim_nothing),
        cmocka_unit_test(the_right_most_untrusted_counts),
        cmocka_unit_test(what_is_no_address_ends_the_search),
        cmocka_unit_test(this_machine_is_exempt_unless_it_is_a_proxy),
        cmocka_unit_test(networks_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

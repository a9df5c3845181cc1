/* Settings: defaults, bounds, and that a mistyped one does not pass in silence. */
#include "shared/config.h"
#include "shared/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* Every test begins without any USHER_ variable. */
static int clear_settings(void **state) {
    (void)state;
    for (char **variable = environ; *variable != NULL;) {
        if (strncmp(*variable, "USHER_", 6) != 0) {
            variable++;
            continue;
        }
        char name[256];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(*variable, "="), *variable);
        assert_int_equal(unsetenv(name), 0);
        variable = environ;
    }
    return 0;
}

static void set(const char *name, const char *value) {
    assert_int_equal(setenv(name, value, 1), 0);
}

static void expect_refused(const char *name, const char *value) {
    struct config config;
    set(name, value);
    if (config_load(&config))
        fail_msg("%s=%s was taken", name, value);
    assert_int_equal(unsetenv(name), 0);
    assert_true(config_load(&config));
}

static void expect_defaults(const struct config *config) {
    assert_string_equal(config->home, ".usher");
    assert_string_equal(config->process, "usher");
    assert_string_equal(config->database_url, "");
    assert_string_equal(config->read_database_url, "");
    assert_string_equal(config->nats_url, "nats://127.0.0.1:4222");
    assert_string_equal(config->public_url, "");
    assert_string_equal(config->listen_address, "127.0.0.1");
    assert_int_equal(config->port, 8080);
    assert_int_equal(config->ops_port, 0);
    assert_int_equal(config->hold_seconds, 300);
    assert_int_equal(config->handover_seconds, 10);
    assert_int_equal(config->idle_show_seconds, 600);
    assert_int_equal(config->show_memory_mb, 1024);
    assert_int_equal(config->queue_replicas, 1);
    assert_int_equal(config->connections_max, 60000);
    assert_int_equal(config->request_seconds, 10);
    assert_int_equal(config->idle_seconds, 75);
    assert_string_equal(config->log_level, "info");
    assert_string_equal(config->jwt_issuer, "");
    assert_string_equal(config->jwt_audience, "");
    assert_string_equal(config->jwt_algorithm, "");
    assert_string_equal(config->jwt_keys, "");
    assert_string_equal(config->guests, "on");
    assert_string_equal(config->allowed_origins, "");
    assert_string_equal(config->tls_certificate, "");
    assert_string_equal(config->tls_key, "");
}

static void without_settings_the_defaults_hold(void **state) {
    (void)state;
    struct config config;
    memset(&config, 0xff, sizeof config);
    assert_true(config_load(&config));
    expect_defaults(&config);
}

static void an_empty_variable_is_not_set(void **state) {
    (void)state;
    struct config config;
    set("USHER_PORT", "");
    set("USHER_HOME", "");
    set("USHER_LOG_LEVEL", "");
    assert_true(config_load(&config));
    expect_defaults(&config);
}

static void settings_are_read(void **state) {
    (void)state;
    struct config config;
    set("USHER_HOME", "/srv/usher home");
    set("USHER_PROCESS", "worker-7");
    set("USHER_DATABASE_URL", "postgresql://u:p@db/usher");
    set("USHER_NATS_URL", "nats://a:1,nats://b:2");
    set("USHER_PUBLIC_URL", "https://tickets.example");
    set("USHER_LISTEN", "::1");
    set("USHER_PORT", "65535");
    set("USHER_OPS_PORT", "9100");
    set("USHER_HOLD_SECONDS", "1");
    set("USHER_HANDOVER_SECONDS", "0");
    set("USHER_IDLE_SHOW_SECONDS", "2");
    set("USHER_SHOW_MEMORY_MB", "3");
    set("USHER_QUEUE_REPLICAS", "5");
    set("USHER_CONNECTIONS_MAX", "4");
    set("USHER_REQUEST_SECONDS", "5");
    set("USHER_IDLE_SECONDS", "6");
    set("USHER_LOG_LEVEL", "debug");
    set("USHER_GUESTS", "off");
    set("USHER_ALLOWED_ORIGINS", "https://shop.example,*");
    assert_true(config_load(&config));
    assert_string_equal(config.home, "/srv/usher home");
    assert_string_equal(config.process, "worker-7");
    assert_string_equal(config.database_url, "postgresql://u:p@db/usher");
    assert_string_equal(config.read_database_url, config.database_url);
    assert_string_equal(config.nats_url, "nats://a:1,nats://b:2");
    assert_string_equal(config.public_url, "https://tickets.example");
    assert_string_equal(config.listen_address, "::1");
    assert_int_equal(config.port, 65535);
    assert_int_equal(config.ops_port, 9100);
    assert_int_equal(config.hold_seconds, 1);
    assert_int_equal(config.handover_seconds, 0);
    assert_int_equal(config.idle_show_seconds, 2);
    assert_int_equal(config.show_memory_mb, 3);
    assert_int_equal(config.queue_replicas, 5);
    assert_int_equal(config.connections_max, 4);
    assert_int_equal(config.request_seconds, 5);
    assert_int_equal(config.idle_seconds, 6);
    assert_string_equal(config.log_level, "debug");
    assert_string_equal(config.guests, "off");
    assert_string_equal(config.allowed_origins, "https://shop.example,*");

    set("USHER_READ_DATABASE_URL", "postgresql://replica/usher");
    assert_true(config_load(&config));
    assert_string_equal(config.read_database_url, "postgresql://replica/usher");
    assert_string_equal(config.database_url, "postgresql://u:p@db/usher");
}

static void numbers_out_of_bounds_are_refused(void **state) {
    (void)state;
    static const char *const not_numbers[] = {
        "x", "1x", " 1", "1 ", "+1", "-1", "1.5", "0x1f90", "１", "99999999999999999999", "1e3"};
    for (size_t i = 0; i < ARRAY_LEN(not_numbers); i++)
        expect_refused("USHER_PORT", not_numbers[i]);
    expect_refused("USHER_PORT", "0");
    expect_refused("USHER_PORT", "65536");
    expect_refused("USHER_OPS_PORT", "65536");
    expect_refused("USHER_HOLD_SECONDS", "0");
    expect_refused("USHER_HOLD_SECONDS", "86401");
    expect_refused("USHER_CONNECTIONS_MAX", "0");
    expect_refused("USHER_LOG_LEVEL", "loud");
}

static void an_identity_provider_is_set_whole_or_not_at_all(void **state) {
    (void)state;
    static const char *const settings[][2] = {
        {"USHER_JWT_ISSUER", "https://login.example/"},
        {"USHER_JWT_AUDIENCE", "tickets"},
        {"USHER_JWT_ALGORITHM", "EdDSA"},
        {"USHER_JWT_KEYS", "/etc/usher/jwks.json"},
    };
    struct config config;
    for (size_t i = 0; i < ARRAY_LEN(settings); i++)
        set(settings[i][0], settings[i][1]);
    assert_true(config_load(&config));
    assert_string_equal(config.jwt_issuer, "https://login.example/");
    assert_string_equal(config.jwt_audience, "tickets");
    assert_string_equal(config.jwt_algorithm, "EdDSA");
    assert_string_equal(config.jwt_keys, "/etc/usher/jwks.json");
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        assert_int_equal(unsetenv(settings[i][0]), 0);
        assert_false(config_load(&config));
        set(settings[i][0], settings[i][1]);
    }
}

static void certificate_and_key_belong_together(void **state) {
    (void)state;
    struct config config;
    expect_refused("USHER_TLS_CERTIFICATE", "/etc/usher/chain.pem");
    expect_refused("USHER_TLS_KEY", "/etc/usher/key.pem");
    set("USHER_TLS_CERTIFICATE", "/etc/usher/chain.pem");
    set("USHER_TLS_KEY", "/etc/usher/key.pem");
    assert_true(config_load(&config));
    assert_string_equal(config.tls_certificate, "/etc/usher/chain.pem");
    assert_string_equal(config.tls_key, "/etc/usher/key.pem");
}

static void words_that_are_no_choice_are_refused(void **state) {
    (void)state;
    static const char *const algorithms[] = {"none", "HS256", "rs256", "RS512", "RS256,ES256"};
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++)
        expect_refused("USHER_JWT_ALGORITHM", algorithms[i]);
    expect_refused("USHER_GUESTS", "yes");
    expect_refused("USHER_GUESTS", "OFF");
}

static void texts_that_do_not_fit_are_refused(void **state) {
    (void)state;
    struct config config;
    char longest[CONFIG_TEXT_SIZE + 1];
    memset(longest, 'h', sizeof longest);
    longest[CONFIG_TEXT_SIZE] = '\0';
    expect_refused("USHER_HOME", longest);
    longest[CONFIG_TEXT_SIZE - 1] = '\0';
    set("USHER_HOME", longest);
    assert_true(config_load(&config));
    assert_string_equal(config.home, longest);
    longest[sizeof config.process] = '\0';
    expect_refused("USHER_PROCESS", longest);
}

static void unknown_variables_are_refused(void **state) {
    (void)state;
    expect_refused("USHER_PROT", "8080");
    expect_refused("USHER_", "1");
    expect_refused("USHER_POR", "8080");
    expect_refused("USHER_PORTS", "8080");
    expect_refused("USHER_TEST", "1");
    expect_refused("USHER_port", "8080");
}

static void what_belongs_to_others_is_tolerated(void **state) {
    (void)state;
    static const char *const names[] = {
        "USHER_WORKERS",       "USHER_GATEWAYS",      "USHER_TRUSTED_PROXIES",    "USHER_URL",
        "USHER_FAILPOINT_DIR", "USHER_TEST_ANYTHING", "USHER_TEST_CLOCK_SKEW_MS", "USHERX",
    };
    struct config config;
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        set(names[i], "whatever");
    assert_true(config_load(&config));
    expect_defaults(&config);
    assert_int_equal(unsetenv("USHERX"), 0);
}

static void the_table_lists_the_operators_settings(void **state) {
    (void)state;
    char *text = NULL;
    size_t size_bytes = 0;
    FILE *out = open_memstream(&text, &size_bytes);
    assert_non_null(out);
    config_print_markdown(out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "| setting | default | meaning |\n| --- | --- | --- |\n"));
    assert_non_null(strstr(text, "\n| `USHER_PORT` | `8080` | public port (1 to 65535) |\n"));
    assert_non_null(strstr(text, "\n| `USHER_WORKERS` | `2` | "));
    assert_non_null(strstr(text, "\n| `USHER_DATABASE_URL` |  | "));
    assert_null(strstr(text, "USHER_TEST_"));
    assert_null(strstr(text, "USHER_FAILPOINT_DIR"));
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t bars = 0;
        for (const char *at = line; *at != '\n'; at++)
            bars += *at == '|';
        assert_int_equal(bars, 4);
    }
    free(text);
}

int main(void) {
    log_init("config_test", LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(without_settings_the_defaults_hold, clear_settings),
        cmocka_unit_test_setup(an_empty_variable_is_not_set, clear_settings),
        cmocka_unit_test_setup(settings_are_read, clear_settings),
        cmocka_unit_test_setup(numbers_out_of_bounds_are_refused, clear_settings),
        cmocka_unit_test_setup(certificate_and_key_belong_together, clear_settings),
        cmocka_unit_test_setup(an_identity_provider_is_set_whole_or_not_at_all, clear_settings),
        cmocka_unit_test_setup(words_that_are_no_choice_are_refused, clear_settings),
        cmocka_unit_test_setup(texts_that_do_not_fit_are_refused, clear_settings),
        cmocka_unit_test_setup(unknown_variables_are_refused, clear_settings),
        cmocka_unit_test_setup(what_belongs_to_others_is_tolerated, clear_settings),
        cmocka_unit_test_setup(the_table_lists_the_operators_settings, clear_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

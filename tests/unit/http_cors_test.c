/* What browsers are told: whose pages may call, and the headers that every answer has. */
#include "gateway/http/cors.h"
#include "gateway/http/problem.h"
#include "tests/unit/http_fixture.h"

#include <stdio.h>

static const char page[] = "https://shop.example";
static const char other[] = "https://evil.example";

struct asked {
    struct fixture *fixture;
    struct client *client;
    struct answer answer;
};

static struct asked ask(const char *origins, const char *request) {
    struct asked asked = {0};
    struct http_server_config config = fixture_config();
    config.cors = origins ? cors_create(origins) : NULL;
    asked.fixture = fixture_create(&config);
    asked.client = client_create(asked.fixture);
    client_send_text(asked.client, request);
    asked.answer = client_answer(asked.client, strncmp(request, "HEAD", 4) != 0);
    return asked;
}

static void done(struct asked *asked) {
    client_destroy(asked->client);
    cors_destroy((struct cors *)(uintptr_t)asked->fixture->config.cors);
    fixture_destroy(asked->fixture);
}

/* NULL: the header is not there. */
static void expect_header(const struct answer *answer, const char *name, const char *expected) {
    char value[256];
    const char *found = answer_header(answer, name, value);
    if (!expected && found)
        fail_msg("%s: %s is there", name, found);
    if (expected && (!found || strcmp(found, expected) != 0))
        fail_msg("%s is '%s', not '%s'", name, found ? found : "(absent)", expected);
}

struct decision {
    const char *origins;
    const char *method;
    const char *origin; /* NULL: none */
    const char *allowed;
    const char *vary;
};

static void test_decisions(void **state) {
    (void)state;
    static const struct decision decisions[] = {
        {NULL, "GET", page, NULL, NULL},
        {"", "GET", page, NULL, NULL},
        {"", "POST", page, NULL, NULL},
        {page, "GET", page, page, "Origin"},
        {page, "HEAD", page, page, "Origin"},
        {page, "POST", page, page, "Origin"},
        {page, "PATCH", page, page, "Origin"},
        {page, "GET", other, NULL, "Origin"},
        {page, "GET", NULL, NULL, "Origin"},
        {page, "GET", "null", NULL, "Origin"},
        {page, "GET", "https://shop.example:8443", NULL, "Origin"},
        {page, "GET", "http://shop.example", NULL, "Origin"},
        {page, "GET", "https://shop.example.evil.example", NULL, "Origin"},
        {page, "GET", "https://shop.exampl", NULL, "Origin"},
        {page, "GET", "HTTPS://SHOP.EXAMPLE", NULL, "Origin"},
        {"https://a.example , https://shop.example", "POST", page, page, "Origin"},
        {"*", "GET", page, "*", NULL},
        {"*", "HEAD", NULL, "*", NULL},
        {"*", "POST", page, NULL, "Origin"},
        {"*", "DELETE", page, NULL, "Origin"},
        {"https://shop.example,*", "GET", page, "*", NULL},
        {"https://shop.example,*", "POST", page, page, "Origin"},
        {"https://shop.example,*", "POST", other, NULL, "Origin"},
    };
    for (size_t i = 0; i < ARRAY_LEN(decisions); i++) {
        const struct decision *decision = &decisions[i];
        char request[512];
        (void)snprintf(request, sizeof request, "%s /x HTTP/1.1\r\nHost: x\r\n%s%s%s\r\n",
                       decision->method, decision->origin ? "Origin: " : "",
                       decision->origin ? decision->origin : "", decision->origin ? "\r\n" : "");
        struct asked asked = ask(decision->origins, request);
        assert_int_equal(asked.answer.status, 200);
        expect_header(&asked.answer, "Access-Control-Allow-Origin", decision->allowed);
        expect_header(&asked.answer, "Vary", decision->vary);
        expect_header(&asked.answer, "Access-Control-Expose-Headers",
                      decision->allowed
                          ? "Age, Allow, Date, ETag, Idempotent-Replayed, Location, Retry-After, "
                            "WWW-Authenticate, X-Request-Id"
                          : NULL);
        expect_header(&asked.answer, "Access-Control-Allow-Credentials", NULL);
        expect_header(&asked.answer, "Access-Control-Allow-Methods", NULL);
        done(&asked);
    }
}

struct preflight {
    const char *origins;
    const char *headers; /* of the request */
    const char *allowed;
    const char *methods;
    const char *request_headers;
};

static void test_preflights(void **state) {
    (void)state;
    static const char all[] = "Authorization, Content-Type, Idempotency-Key, If-None-Match, "
                              "Usher-Pass, X-Request-Id";
    static const char methods[] = "GET, HEAD, POST, OPTIONS";
    static const struct preflight preflights[] = {
        {page, "Origin: https://shop.example\r\nAccess-Control-Request-Method: POST\r\n", page,
         methods, all},
        {page, "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n", NULL,
         NULL, NULL},
        {page, "Access-Control-Request-Method: POST\r\n", NULL, NULL, NULL},
        {page, "Origin: https://shop.example\r\n", page, NULL, NULL}, /* an ordinary OPTIONS */
        {"*", "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n", "*",
         "GET, HEAD", "If-None-Match, X-Request-Id"},
        {"https://shop.example,*",
         "Origin: https://shop.example\r\nAccess-Control-Request-Method: POST\r\n", page, methods,
         all},
    };
    for (size_t i = 0; i < ARRAY_LEN(preflights); i++) {
        const struct preflight *preflight = &preflights[i];
        char request[512];
        (void)snprintf(request, sizeof request, "OPTIONS /x HTTP/1.1\r\nHost: x\r\n%s\r\n",
                       preflight->headers);
        struct asked asked = ask(preflight->origins, request);
        assert_int_equal(asked.answer.status, 204);
        expect_header(&asked.answer, "Access-Control-Allow-Origin", preflight->allowed);
        expect_header(&asked.answer, "Access-Control-Allow-Methods", preflight->methods);
        expect_header(&asked.answer, "Access-Control-Allow-Headers", preflight->request_headers);
        expect_header(&asked.answer, "Access-Control-Max-Age", preflight->methods ? "7200" : NULL);
        expect_header(&asked.answer, "Vary", "Origin");
        done(&asked);
    }
}

/* A page has to be able to read why it was refused, also by the server itself. */
static void test_refusals_can_be_read(void **state) {
    (void)state;
    struct asked asked = ask(page, "POST /x HTTP/1.1\r\nHost: x\r\nOrigin: https://shop.example\r\n"
                                   "Content-Length: 99999999\r\n\r\n");
    assert_int_equal(asked.answer.status, 413);
    expect_header(&asked.answer, "Access-Control-Allow-Origin", page);
    done(&asked);
}

static void test_lists_that_are_refused(void **state) {
    (void)state;
    static const char *const refused[] = {
        "shop.example",
        "https://",
        "https://shop.example/",
        "https://shop.example/path",
        "https://Shop.example",
        "https://shop.example:443",
        "http://shop.example:80",
        "https://shop.example:",
        "https://shop.example:0",
        "https://shop.example:123456",
        "https://user@shop.example",
        "https://*.shop.example",
        "https://[::1",
        "https://[]",
        "null",
        "**",
        "https://a.example;https://b.example",
        "https://good.example,bad",
    };
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (cors_create(refused[i]))
            fail_msg("%s was taken", refused[i]);
    char long_one[CORS_ORIGIN_MAX_BYTES + 32] = "https://";
    memset(long_one + 8, 'a', CORS_ORIGIN_MAX_BYTES);
    assert_null(cors_create(long_one));
    char many[(CORS_ORIGINS_MAX + 1) * 16];
    size_t used = 0;
    for (int i = 0; i <= CORS_ORIGINS_MAX; i++)
        used += (size_t)snprintf(many + used, sizeof many - used, "http://a%d,", i);
    assert_null(cors_create(many));
}

static void test_lists_that_are_taken(void **state) {
    (void)state;
    static const char *const taken[] = {
        "http://localhost:3000",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "https://[2001:db8::1]",
        "capacitor://localhost",
        "https://xn--bcher-kva.example",
        " * ",
        ",,",
    };
    for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
        struct cors *cors = cors_create(taken[i]);
        assert_non_null(cors);
        cors_destroy(cors);
    }
}

static void test_security_headers(void **state) {
    (void)state;
    static const struct {
        const char *request;
        const char *policy; /* how it begins; NULL: none */
    } answers[] = {
        {"GET /x HTTP/1.1\r\nHost: x\r\n\r\n", "default-src 'none'; frame-ancestors 'none'"},
        {"GET /page HTTP/1.1\r\nHost: x\r\n\r\n",
         "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' "
         "data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", NULL},
        {"GET /same HTTP/1.1\r\nHost: x\r\n\r\n", NULL},
        {"BROKEN\r\n\r\n", "default-src 'none'; frame-ancestors 'none'"},
    };
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        struct asked asked = ask(NULL, answers[i].request);
        expect_header(&asked.answer, "X-Content-Type-Options", "nosniff");
        expect_header(&asked.answer, "Referrer-Policy", "no-referrer");
        expect_header(&asked.answer, "Cross-Origin-Resource-Policy", "same-origin");
        expect_header(&asked.answer, "X-Frame-Options", answers[i].policy ? "DENY" : NULL);
        expect_header(&asked.answer, "Content-Security-Policy", answers[i].policy);
        expect_header(&asked.answer, "Strict-Transport-Security", NULL);
        done(&asked);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_preflights),
        cmocka_unit_test(test_refusals_can_be_read),
        cmocka_unit_test(test_lists_that_are_refused),
        cmocka_unit_test(test_lists_that_are_taken),
        cmocka_unit_test(test_security_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

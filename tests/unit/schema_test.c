/* The schemas' checker, and how an answer is held to the document: what fits, and what does not. */
#include "tests/support/contract.h"
#include "tests/support/expect.h"

struct pair {
    const char *schema;
    const char *value;
    const char *problem; /* NULL: it fits */
};

static const struct pair pairs[] = {
    {"{\"type\":\"integer\",\"minimum\":1}", "1", NULL},
    {"{\"type\":\"integer\",\"minimum\":1}", "0", "outside"},
    {"{\"type\":\"integer\",\"maximum\":5}", "6", "outside"},
    {"{\"type\":\"integer\"}", "1.5", "type"},
    {"{\"type\":\"number\"}", "1", NULL},
    {"{\"type\":\"boolean\"}", "false", NULL},
    {"{\"type\":[\"string\",\"null\"]}", "null", NULL},
    {"{\"type\":[\"string\",\"null\"]}", "1", "type"},
    {"{\"enum\":[\"a\",\"b\"]}", "\"b\"", NULL},
    {"{\"enum\":[\"a\",\"b\"]}", "\"c\"", "listed"},
    {"{\"const\":{\"a\":1}}", "{\"a\":1}", NULL},
    {"{\"const\":\"a\"}", "\"b\"", "constant"},
    {"{\"pattern\":\"^[A-Z]{2}$\"}", "\"NO\"", NULL},
    {"{\"pattern\":\"^[A-Z]{2}$\"}", "\"NOR\"", "not like"},
    {"{\"maxLength\":2}", "\"\xc3\xa9\xc3\xa9\"", NULL},
    {"{\"maxLength\":2}", "\"abc\"", "characters"},
    {"{\"minLength\":1}", "\"\"", "characters"},
    {"{\"items\":{\"type\":\"integer\"},\"minItems\":1}", "[1,2]", NULL},
    {"{\"items\":{\"type\":\"integer\"}}", "[1,\"2\"]", "/1"},
    {"{\"minItems\":1}", "[]", "entries"},
    {"{\"maxItems\":1}", "[1,2]", "entries"},
    {"{\"required\":[\"a\"]}", "{\"b\":1}", "has no \"a\""},
    {"{\"properties\":{\"a\":{\"type\":\"string\"}}}", "{\"a\":1}", "/a"},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"b\":1}", "documented"},
    {"{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"b\":\"1\"}", "/b"},
    {"{\"additionalProperties\":{\"type\":\"integer\"}}", "{\"b\":1}", NULL},
    {"{\"type\":\"object\"}", "{\"b\":1}", NULL},
    {"{\"properties\":{\"a\":{}}}", "{\"a\":1,\"b\":1}", "/b: is not documented"},
    {"{\"items\":{\"properties\":{\"a\":{}}}}", "[{\"a\":1},{\"b\":1}]", "/1/b: is not documented"},
    {"{\"properties\":{\"a\":{}},\"additionalProperties\":true}", "{\"b\":1}", NULL},
    {"{\"allOf\":[{\"properties\":{\"a\":{}}},{\"properties\":{\"b\":{}}}]}", "{\"a\":1,\"b\":1}",
     NULL},
    {"{\"allOf\":[{\"properties\":{\"a\":{}}},{\"properties\":{\"b\":{}}}]}", "{\"a\":1,\"c\":1}",
     "/c: is not documented"},
    {"{\"anyOf\":[{\"properties\":{\"a\":{\"const\":1}}},{\"properties\":{\"b\":{}}}]}",
     "{\"a\":2,\"b\":1}", "/a: is not documented"},
    {"{\"$ref\":\"#/components/schemas/Health\"}", "{\"status\":\"ok\",\"mood\":\"good\"}",
     "/mood: is not documented"},
    {"{\"minProperties\":1}", "{}", "fields"},
    {"{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"null\"}]}", "null", NULL},
    {"{\"oneOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", "1", "2 of the alternatives"},
    {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", "1", NULL},
    {"{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"number\"}]}", "\"1\"", "none"},
    {"{\"allOf\":[{\"minimum\":1},{\"maximum\":3}]}", "4", "outside"},
    {"{\"$ref\":\"#/components/schemas/Currency\"}", "\"EUR\"", NULL},
    {"{\"$ref\":\"#/components/schemas/Currency\"}", "\"euro\"", "not like"},
};

static void values_fit_or_not(void **state) {
    (void)state;
    struct contract *contract = contract_open();
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        char problem[SCHEMA_PROBLEM_SIZE];
        json_t *schema = json_loads(pairs[i].schema, 0, NULL);
        json_t *value = json_loads(pairs[i].value, JSON_DECODE_ANY, NULL);
        /* Patterns are kept compiled by their place, so every schema gets a checker of its own. */
        struct schemas *schemas = schemas_create(contract_document(contract));
        expect(schemas_know(schemas, schema, problem), "%s: %s", pairs[i].schema, problem);
        bool fits = schemas_accept(schemas, schema, value, problem);
        expect(fits == (pairs[i].problem == NULL) &&
                   (fits || strstr(problem, pairs[i].problem) != NULL),
               "%s of %s: %s", pairs[i].value, pairs[i].schema, problem);
        schemas_destroy(schemas);
        json_decref(value);
        json_decref(schema);
    }
    contract_close(contract);
}

static void what_is_not_understood_is_told(void **state) {
    static const char *const schemas_not_known[] = {
        "{\"patternProperties\":{}}",
        "{\"type\":\"float\"}",
        "{\"type\":[]}",
        "{\"pattern\":\"(\"}",
        "{\"items\":7}",
        "{\"oneOf\":[]}",
        "{\"properties\":{\"a\":{\"multipleOf\":2}}}",
        "{\"additionalProperties\":{\"if\":{}}}",
        "{\"$ref\":\"#/components/schemas/Nothing\"}",
        "{\"$ref\":\"other.json\"}",
    };
    (void)state;
    struct contract *contract = contract_open();
    for (size_t i = 0; i < ARRAY_LEN(schemas_not_known); i++) {
        char problem[SCHEMA_PROBLEM_SIZE];
        json_t *schema = json_loads(schemas_not_known[i], 0, NULL);
        expect(!schemas_know(contract_schemas(contract), schema, problem), "%s is understood",
               schemas_not_known[i]);
        json_decref(schema);
    }
    contract_close(contract);
}

#define GENERAL                                                                                    \
    "Date: Fri, 29 May 2099 19:00:00 GMT\r\nX-Content-Type-Options: nosniff\r\n"                   \
    "Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n"
#define UNCACHED GENERAL "Cache-Control: no-store\r\n"
#define HEAD(status) "HTTP/1.1 " status " X\r\nX-Request-Id: a\r\n" UNCACHED
#define JSON "Content-Type: application/json\r\n"
#define PROBLEM "Content-Type: application/problem+json\r\n"
#define GONE                                                                                       \
    "{\"type\":\"/problems/not-found\",\"code\":\"not-found\",\"title\":\"x\",\"status\":404}"

#define BAD                                                                                        \
    "{\"type\":\"/problems/bad-request\",\"code\":\"bad-request\",\"title\":\"x\",\"status\":400}"

struct case_of_answer {
    const char *method; /* NULL: there was no request */
    const char *target;
    int status;
    const char *head;
    const char *body;
    const char *problem; /* NULL: it is allowed */
};

static const struct case_of_answer answers[] = {
    {"GET", "/healthz", 200, HEAD("200") JSON, "{\"status\":\"ok\"}", NULL},
    {"HEAD", "/healthz", 200, HEAD("200") JSON, "", NULL},
    {"GET", "/healthz?x", 200, HEAD("200") JSON, "{\"status\":\"so so\"}", "/status"},
    {"GET", "/healthz", 200, HEAD("200") JSON, "{\"status\"", "not JSON"},
    {"GET", "/healthz", 200, HEAD("200") "Content-Type: text/html\r\n", "hello", "text/html"},
    {"GET", "/healthz", 200, HEAD("200"), "hello", "Content-Type"},
    {"GET", "/healthz", 200, "HTTP/1.1 200 X\r\n" UNCACHED JSON, "{\"status\":\"ok\"}",
     "X-Request-Id"},
    {"GET", "/healthz", 418, HEAD("418") JSON, "{}", "/"},
    {"GET", "/healthz", 404, HEAD("404") PROBLEM, GONE, "not-found"},
    {"GET", "/events/4711", 404, HEAD("404") PROBLEM, GONE, NULL},
    {"GET", "/%65vents/4711?a=b", 404, HEAD("404") PROBLEM, GONE, NULL},
    {"GET", "/events/4711", 410, HEAD("410") PROBLEM, GONE, "not-found"},
    {"GET", "/nowhere", 404, HEAD("404") PROBLEM, GONE, NULL},
    {"GET", "/nowhere", 200, HEAD("200") JSON, "{}", "/"},
    {"PUT", "/events/1", 405, HEAD("405") PROBLEM "Allow: GET\r\n",
     "{\"type\":\"/problems/method-not-allowed\",\"code\":\"method-not-allowed\",\"title\":\"x\","
     "\"status\":405}",
     NULL},
    {"PUT", "/events/1", 405, HEAD("405") PROBLEM, "{}", "Allow"},
    {"POST", "/events/1/queue", 501, HEAD("501") PROBLEM,
     "{\"type\":\"/problems/not-built\",\"code\":\"not-built\",\"title\":\"x\",\"status\":500}",
     "agree"},
    {"GET", "/bookings", 503, HEAD("503") PROBLEM "Retry-After: soon\r\n", "{}", "Retry-After"},
    {"GET", "/events/1/layout", 304, HEAD("304") "ETag: \"a\"\r\nVary: x\r\n", "", NULL},
    {"GET", "/events/1/layout", 304, HEAD("304") "ETag: a\r\nVary: x\r\n", "", "ETag"},
    {"GET", "/events/1/layout", 304, HEAD("304") "ETag: \"a\"\r\nVary: x\r\n", "x", "body"},
    {"GET", "/healthz", 200, HEAD("200") JSON "Access-Control-Allow-Origin: *\r\n",
     "{\"status\":\"ok\"}", NULL},
    {"GET", "/healthz", 200, HEAD("200") JSON "X-Mood: good\r\n", "{\"status\":\"ok\"}",
     "X-Mood is not documented"},
    {"GET", "/healthz", 200, HEAD("200") JSON "Location: /bookings/1\r\n", "{\"status\":\"ok\"}",
     "Location is not documented"},
    {"GET", "/healthz", 200, HEAD("200") JSON, "{\"status\":\"ok\",\"mood\":\"good\"}",
     "/mood: is not documented"},
    {"GET", "/healthz", 200,
     "HTTP/1.1 200 X\r\nX-Request-Id: a\r\nCache-Control: no-store\r\n" JSON, "{\"status\":\"ok\"}",
     "Date"},
    {"OPTIONS", "/healthz", 204,
     "HTTP/1.1 204 X\r\nX-Request-Id: a\r\nAllow: GET\r\n" GENERAL
     "Access-Control-Max-Age: 7200\r\n",
     "", NULL},
    {"GET", "/healthz", 418, HEAD("418") PROBLEM,
     "{\"type\":\"/problems/request-timeout\",\"code\":\"request-timeout\",\"title\":\"x\","
     "\"status\":418}",
     "agree"},
    {NULL, "", 400, HEAD("400") PROBLEM, BAD, NULL},
    {NULL, "", 400, HEAD("400") "Content-Type: text/plain; charset=utf-8\r\n", "HTTPS!", NULL},
    {"GET", "/events", 400, HEAD("400") "Content-Type: text/plain\r\n", "HTTPS!", "text/plain"},
    {NULL, "", 404, HEAD("404") PROBLEM, GONE, "404 is not documented"},
    {NULL, "", 400, HEAD("400") PROBLEM, GONE, "not-found"},
};

static void answers_keep_to_the_document(void **state) {
    (void)state;
    struct contract *contract = contract_open();
    for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
        const struct case_of_answer *is = &answers[i];
        const struct contract_answer answer = {.method = is->method,
                                               .target = is->target,
                                               .status = is->status,
                                               .head = is->head,
                                               .body = is->body,
                                               .body_bytes = strlen(is->body)};
        char problem[CONTRACT_PROBLEM_SIZE] = "";
        bool allowed = contract_allows(contract, &answer, problem);
        expect(allowed == (is->problem == NULL) &&
                   (allowed || strstr(problem, is->problem) != NULL),
               "%s %s %d: %s", is->method != NULL ? is->method : "no request", is->target,
               is->status, problem);
    }
    contract_close(contract);
}

static void the_literal_path_comes_first(void **state) {
    (void)state;
    struct contract *contract = contract_open();
    assert_string_equal(contract_find_path(contract, "/bookings/reserve"), "/bookings/reserve");
    assert_string_equal(contract_find_path(contract, "/bookings/7-a?x=1"), "/bookings/{id}");
    assert_null(contract_find_path(contract, "/bookings/"));
    assert_null(contract_find_path(contract, "/events/%00"));
    assert_null(contract_find_path(contract, "*"));
    contract_close(contract);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_fit_or_not),
        cmocka_unit_test(what_is_not_understood_is_told),
        cmocka_unit_test(answers_keep_to_the_document),
        cmocka_unit_test(the_literal_path_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

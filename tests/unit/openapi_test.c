/* gateway/web/openapi.json is sound, and says the same as the tables of routes and of problems. */
#include "gateway/http/problem.h"
#include "gateway/web/web.h"
#include "tests/support/contract.h"
#include "tests/support/expect.h"

#include <ctype.h>
#include <stdio.h>

struct file {
    struct contract *contract;
    const json_t *document;
    const json_t *components;
};

static int open_file(void **state) {
    struct file *file = calloc(1, sizeof *file);
    ensure(file != NULL);
    file->contract = contract_open();
    file->document = contract_document(file->contract);
    file->components = json_object_get(file->document, "components");
    *state = file;
    return 0;
}

static int close_file(void **state) {
    struct file *file = *state;
    contract_close(file->contract);
    free(file);
    return 0;
}

static const json_t *follow(const struct file *file, const json_t *value) {
    return schemas_follow(contract_schemas(file->contract), value);
}

static bool has_text(const json_t *list, const char *text) {
    size_t index;
    const json_t *one;
    json_array_foreach(list, index, one) {
        if (json_is_string(one) && strcmp(json_string_value(one), text) == 0) {
            return true;
        }
    }
    return false;
}

/* Every value of the document, with the name of its place. */
static void walk(const struct file *file, const json_t *value, const char *place,
                 void (*visit)(const struct file *file, const char *place, const json_t *value)) {
    const char *name;
    json_t *inner;
    size_t index;
    visit(file, place, value);
    json_object_foreach((json_t *)value, name, inner) {
        walk(file, inner, name, visit);
    }
    json_array_foreach(value, index, inner) {
        walk(file, inner, place, visit);
    }
}

typedef void operation_visitor(const struct file *file, const char *path, const char *method,
                               const json_t *operation);

static void each_operation(const struct file *file, operation_visitor *visit) {
    const char *path;
    const char *method;
    json_t *operations;
    json_t *operation;
    json_object_foreach(json_object_get(file->document, "paths"), path, operations) {
        json_object_foreach(operations, method, operation) {
            visit(file, path, method, operation);
        }
    }
}

/* --- the document by itself */

static void visit_reference(const struct file *file, const char *place, const json_t *value) {
    const json_t *reference = json_object_get(value, "$ref");
    expect(reference == NULL || follow(file, value) != NULL, "%s: %s leads to nothing", place,
           json_string_value(reference));
}

static void all_references_lead_somewhere(void **state) {
    const struct file *file = *state;
    assert_string_equal(json_string_value(json_object_get(file->document, "openapi")), "3.1.0");
    walk(file, file->document, "", visit_reference);
}

static void visit_schema(const struct file *file, const char *place, const json_t *value) {
    char problem[SCHEMA_PROBLEM_SIZE];
    const json_t *schema = json_object_get(value, "schema");
    expect(schema == NULL || schemas_know(contract_schemas(file->contract), schema, problem),
           "the schema of %s%s", place, problem);
}

static void all_schemas_are_understood(void **state) {
    const struct file *file = *state;
    const char *name;
    json_t *schema;
    char problem[SCHEMA_PROBLEM_SIZE];
    json_object_foreach(json_object_get(file->components, "schemas"), name, schema) {
        expect(schemas_know(contract_schemas(file->contract), schema, problem), "%s%s", name,
               problem);
    }
    walk(file, json_object_get(file->document, "paths"), "", visit_schema);
    walk(file, json_object_get(file->components, "parameters"), "", visit_schema);
    walk(file, json_object_get(file->components, "headers"), "", visit_schema);
    walk(file, json_object_get(file->components, "responses"), "", visit_schema);
}

static void expect_fits(const struct file *file, const char *place, const json_t *schema,
                        const json_t *value) {
    char problem[SCHEMA_PROBLEM_SIZE];
    expect(schemas_accept(contract_schemas(file->contract), schema, value, problem),
           "the example of %s does not fit %s", place, problem);
}

/* Of what has a schema (parameters, headers, contents), and of schemas themselves. */
static void visit_example(const struct file *file, const char *place, const json_t *value) {
    const json_t *schema = json_object_get(value, "schema");
    const json_t *example = json_object_get(value, "example");
    const json_t *examples = json_object_get(value, "examples");
    const char *name;
    json_t *one;
    if (schema == NULL) {
        return;
    }
    if (example != NULL) {
        expect_fits(file, place, schema, example);
    }
    json_object_foreach((json_t *)examples, name, one) {
        const json_t *inside = json_object_get(follow(file, one), "value");
        expect(inside != NULL, "%s, example %s: no value", place, name);
        expect_fits(file, name, schema, inside);
    }
}

static void all_examples_fit(void **state) {
    const struct file *file = *state;
    const char *name;
    json_t *schema;
    walk(file, file->document, "", visit_example);
    json_object_foreach(json_object_get(file->components, "schemas"), name, schema) {
        const json_t *example = json_object_get(schema, "example");
        if (example != NULL) {
            expect_fits(file, name, schema, example);
        }
    }
}

static void expect_path_parameters(const struct file *file, const char *path,
                                   const json_t *operation) {
    size_t index;
    const json_t *value;
    size_t count = 0;
    for (const char *at = strchr(path, '{'); at != NULL; at = strchr(at + 1, '{')) {
        count++;
    }
    json_array_foreach(json_object_get(operation, "parameters"), index, value) {
        const json_t *parameter = follow(file, value);
        const char *in = json_string_value(json_object_get(parameter, "in"));
        const char *name = json_string_value(json_object_get(parameter, "name"));
        char wanted[64];
        ensure(in != NULL && name != NULL);
        (void)snprintf(wanted, sizeof wanted, "{%s}", name);
        if (strcmp(in, "path") == 0) {
            expect(strstr(path, wanted) != NULL && count-- > 0, "%s has no %s", path, wanted);
        }
    }
    expect(count == 0, "%s: a parameter is not described", path);
}

static void visit_operation(const struct file *file, const char *path, const char *method,
                            const json_t *operation) {
    static const char *const methods[] = {"get", "post", "patch", "delete"};
    const json_t *responses = json_object_get(operation, "responses");
    bool known = false;
    bool succeeds = false;
    const char *status;
    json_t *response;
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        known = known || strcmp(methods[i], method) == 0;
    }
    expect(known, "%s: %s is no method", path, method);
    expect(json_is_string(json_object_get(operation, "operationId")) &&
               json_is_string(json_object_get(operation, "summary")) &&
               json_array_size(json_object_get(operation, "tags")) == 1,
           "%s %s needs operationId, summary and a tag", method, path);
    json_object_foreach((json_t *)responses, status, response) {
        const json_t *headers = json_object_get(follow(file, response), "headers");
        succeeds = succeeds || *status == '1' || *status == '2';
        expect(*status == '1' || json_object_get(headers, "X-Request-Id") != NULL,
               "%s %s %s: no X-Request-Id", method, path, status);
        bool waits = strcmp(status, "429") == 0 || strcmp(status, "503") == 0;
        expect(!waits || json_object_get(headers, "Retry-After") != NULL,
               "%s %s %s: no Retry-After", method, path, status);
    }
    expect(succeeds, "%s %s never succeeds", method, path);
    expect((json_object_get(responses, "401") != NULL) ==
               (json_object_get(operation, "security") != NULL),
           "%s %s: 401 goes with a token", method, path);
    expect_path_parameters(file, path, operation);
}

static void operations_are_whole(void **state) {
    each_operation(*state, visit_operation);
}

static void operation_ids_differ(void **state) {
    const struct file *file = *state;
    json_t *seen = json_object();
    const char *path;
    const char *method;
    json_t *operations;
    json_t *operation;
    json_object_foreach(json_object_get(file->document, "paths"), path, operations) {
        json_object_foreach(operations, method, operation) {
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            expect(json_object_get(seen, id) == NULL, "%s is there twice", id);
            assert_int_equal(json_object_set_new(seen, id, json_true()), 0);
        }
    }
    json_decref(seen);
}

/* What is asked is closed, down to the last object: the server refuses what it does not know. */
static void expect_closed(const struct file *file, const char *place, const json_t *reference) {
    const json_t *schema = follow(file, reference);
    const char *name;
    json_t *inner;
    size_t index;
    if (json_object_get(schema, "properties") != NULL) {
        expect(json_is_false(json_object_get(schema, "additionalProperties")), "%s is open", place);
    }
    json_object_foreach(json_object_get(schema, "properties"), name, inner) {
        expect_closed(file, name, inner);
    }
    json_array_foreach(json_object_get(schema, "oneOf"), index, inner) {
        expect_closed(file, place, inner);
    }
    if (json_object_get(schema, "items") != NULL) {
        expect_closed(file, place, json_object_get(schema, "items"));
    }
}

static void visit_request(const struct file *file, const char *path, const char *method,
                          const json_t *operation) {
    (void)method;
    const json_t *content = json_object_get(json_object_get(operation, "requestBody"), "content");
    if (content != NULL) {
        const json_t *media = json_object_get(content, "application/json");
        expect_closed(file, path, json_object_get(media, "schema"));
    }
}

static void requests_are_closed(void **state) {
    each_operation(*state, visit_request);
}

/* --- the table of routes */

/* Reads `    {HTTP_METHOD_GET, "/events/{id}", route_event_get, 0},`; false when the line is none.
 */
static bool read_route(const char *line, char method[16], char path[64], char handler[64]) {
    static const char start[] = "    {HTTP_METHOD_";
    if (strncmp(line, start, sizeof start - 1) != 0) {
        return false;
    }
    line += sizeof start - 1;
    size_t size = strcspn(line, ",");
    ensure(size < 16);
    for (size_t i = 0; i < size; i++) {
        method[i] = (char)tolower((unsigned char)line[i]);
    }
    method[size] = '\0';
    const char *quote = strchr(line, '"');
    expect(quote != NULL, "a route on more than one line: %s", line);
    size = strcspn(quote + 1, "\"");
    (void)snprintf(path, 64, "%.*s", (int)size, quote + 1);
    const char *name = quote + size + 1 + strspn(quote + size + 1, "\", ");
    (void)snprintf(handler, 64, "%.*s", (int)strcspn(name, ",}"), name);
    return true;
}

static void the_routes_are_those_of_the_table(void **state) {
    const struct file *file = *state;
    json_t *left = json_deep_copy(json_object_get(file->document, "paths"));
    char line[256];
    char method[16];
    char path[64];
    char handler[64];
    size_t routes = 0;
    FILE *table = fopen(USHER_ROUTES, "r");
    ensure(table != NULL && left != NULL);
    while (fgets(line, sizeof line, table) != NULL) {
        if (!read_route(line, method, path, handler)) {
            continue;
        }
        json_t *operations = json_object_get(left, path);
        const json_t *operation = json_object_get(operations, method);
        expect(operation != NULL, "%s %s is not documented", method, path);
        expect((strcmp(handler, "route_not_built") == 0) ==
                   json_is_true(json_object_get(operation, "x-not-built")),
               "%s %s: x-not-built has to say what the table says", method, path);
        assert_int_equal(json_object_del(operations, method), 0);
        routes++;
    }
    (void)fclose(table);
    expect(routes > 20, "only %zu routes were read", routes);
    const char *name;
    json_t *operations;
    json_object_foreach(left, name, operations) {
        expect(json_object_size(operations) == 0, "%s has a method that no route has", name);
    }
    json_decref(left);
}

/* --- the table of problems */

static void the_problems_are_those_of_the_table(void **state) {
    const struct file *file = *state;
    const json_t *schema = json_object_get(json_object_get(file->components, "schemas"), "Problem");
    const json_t *codes =
        json_object_get(json_object_get(json_object_get(schema, "properties"), "code"), "enum");
    const json_t *examples = json_object_get(file->components, "examples");
    assert_int_equal(json_array_size(codes), PROBLEM_COUNT);
    assert_int_equal(json_object_size(examples), PROBLEM_COUNT);
    for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
        const char *code = problem_code((enum problem)i);
        const json_t *example = json_object_get(examples, code);
        const json_t *value = json_object_get(example, "value");
        expect(has_text(codes, code) && value != NULL, "%s is not documented", code);
        expect(json_integer_value(json_object_get(value, "status")) ==
                   problem_status((enum problem)i),
               "%s has another status", code);
        assert_string_equal(json_string_value(json_object_get(value, "title")),
                            problem_title((enum problem)i));
        assert_string_equal(json_string_value(json_object_get(value, "code")), code);
        expect(json_is_string(json_object_get(example, "summary")), "%s: what to do?", code);
        expect_fits(file, code, schema, value);
    }
}

/* A response's codes are listed twice, for programs and with examples; both of its status. */
static void visit_problems(const struct file *file, const char *place, const json_t *value) {
    const json_t *media = json_object_get(value, "application/problem+json");
    const json_t *parts = json_object_get(json_object_get(media, "schema"), "allOf");
    const json_t *fields = json_object_get(json_array_get(parts, 1), "properties");
    const json_t *codes = json_object_get(json_object_get(fields, "code"), "enum");
    const json_t *examples = json_object_get(media, "examples");
    const char *code;
    json_t *example;
    int64_t status = 0;
    bool is_server = false;
    if (media == NULL) {
        return;
    }
    expect(json_array_size(codes) > 0 && json_array_size(codes) == json_object_size(examples),
           "%s: codes and examples differ", place);
    is_server = has_text(codes, "version-not-supported");
    json_object_foreach((json_t *)examples, code, example) {
        const json_t *one = json_object_get(follow(file, example), "value");
        int64_t its = json_integer_value(json_object_get(one, "status"));
        expect(has_text(codes, code), "%s: %s is an example only", place, code);
        expect(is_server || status == 0 || status == its, "%s: %s is of another status", place,
               code);
        status = its;
    }
}

static void visit_statuses(const struct file *file, const char *path, const char *method,
                           const json_t *operation) {
    const char *status;
    json_t *response;
    json_object_foreach(json_object_get(operation, "responses"), status, response) {
        const json_t *content = json_object_get(follow(file, response), "content");
        const json_t *media = json_object_get(content, "application/problem+json");
        void *first = json_object_iter(json_object_get(media, "examples"));
        if (first != NULL && strcmp(status, "default") != 0) {
            const json_t *example = follow(file, json_object_iter_value(first));
            const json_t *its = json_object_get(json_object_get(example, "value"), "status");
            expect(json_integer_value(its) == strtoll(status, NULL, 10),
                   "%s %s: the codes of %s are of another status", method, path, status);
        }
    }
}

static void every_response_lists_its_codes(void **state) {
    walk(*state, ((struct file *)*state)->document, "", visit_problems);
    each_operation(*state, visit_statuses);
}

/* --- the pages */

static bool body_has(const struct body *body, const char *text) {
    return memmem(body->data, body->size_bytes, text, strlen(text)) != NULL;
}

static void expect_page(const struct body *page) {
    assert_true(body_has(page, "<!doctype html>"));
    assert_true(body_has(page, "</html>\n"));
    assert_false(body_has(page, "<script"));
    assert_false(body_has(page, "src="));
    assert_false(body_has(page, "href=\"http"));
    assert_false(body_has(page, "@import"));
    assert_false(body_has(page, " style=\""));
}

static void the_pages_tell_all_of_it(void **state) {
    const struct file *file = *state;
    struct web *web = web_create();
    const char *path;
    const char *method;
    json_t *operations;
    json_t *operation;
    char text[128];
    assert_non_null(web);
    expect_page(web_docs(web));
    json_object_foreach(json_object_get(file->document, "paths"), path, operations) {
        json_object_foreach(operations, method, operation) {
            (void)snprintf(text, sizeof text, "<article id=\"%s\">",
                           json_string_value(json_object_get(operation, "operationId")));
            expect(body_has(web_docs(web), text), "%s %s is not on the page", method, path);
        }
    }
    for (unsigned i = 0; i < PROBLEM_COUNT; i++) {
        expect_page(web_problem(web, (enum problem)i));
        (void)snprintf(text, sizeof text, "<title>%s</title>", problem_code((enum problem)i));
        assert_true(body_has(web_problem(web, (enum problem)i), text));
    }
    assert_true(body_has(web_problem(web, PROBLEM_SEAT_TAKEN), "href=\"/docs#reserve\""));
    assert_false(body_has(web_problem(web, PROBLEM_SEAT_TAKEN), "href=\"/docs#confirm\""));
    json_t *served = json_loadb(web_openapi(web)->data, web_openapi(web)->size_bytes, 0, NULL);
    assert_true(json_equal(served, file->document));
    json_decref(served);
    web_destroy(web);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_references_lead_somewhere),
        cmocka_unit_test(all_schemas_are_understood),
        cmocka_unit_test(all_examples_fit),
        cmocka_unit_test(operations_are_whole),
        cmocka_unit_test(operation_ids_differ),
        cmocka_unit_test(requests_are_closed),
        cmocka_unit_test(the_routes_are_those_of_the_table),
        cmocka_unit_test(the_problems_are_those_of_the_table),
        cmocka_unit_test(every_response_lists_its_codes),
        cmocka_unit_test(the_pages_tell_all_of_it),
    };
    return cmocka_run_group_tests(tests, open_file, close_file);
}

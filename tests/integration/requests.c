#include "tests/integration/requests.h"

#include "tests/integration/values.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KNOWN_MAX = 200 };

/* --- chance */

static uint64_t next_random(struct requests *requests) { /* splitmix64 */
    uint64_t x = requests->random += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

size_t requests_below(struct requests *requests, size_t count) {
    ensure(count > 0);
    return (size_t)(next_random(requests) % count);
}

bool requests_chance(struct requests *requests, unsigned percent) {
    return requests_below(requests, 100) < percent;
}

const char *requests_one_of(struct requests *requests, const char *const *texts, size_t count) {
    return texts[requests_below(requests, count)];
}

/* --- what is known */

void requests_open(struct requests *requests, uint64_t seed) {
    const char *path;
    const char *method;
    json_t *operations;
    json_t *operation;
    *requests =
        (struct requests){.contract = contract_open(), .random = seed, .known = json_object()};
    ensure(requests->known != NULL);
    json_object_foreach(json_object_get(contract_document(requests->contract), "paths"), path,
                        operations) {
        json_object_foreach(operations, method, operation) {
            ensure(requests->operation_count < REQUESTS_OPERATIONS_MAX);
            requests->operations[requests->operation_count++] =
                (struct operation){.path = path, .method = method, .told = operation};
        }
    }
}

void requests_close(struct requests *requests) {
    contract_close(requests->contract);
    json_decref(requests->known);
}

void requests_know(struct requests *requests, const char *schema, json_t *value) {
    json_t *values = json_object_get(requests->known, schema);
    if (values == NULL) {
        values = json_array();
        ensure(json_object_set_new(requests->known, schema, values) == 0);
    }
    if (json_array_size(values) < KNOWN_MAX) {
        ensure(json_array_append_new(values, value) == 0);
    } else {
        ensure(json_array_set_new(values, requests_below(requests, KNOWN_MAX), value) == 0);
    }
}

/* --- requests */

static void put_encoded(FILE *out, const char *text) {
    for (; *text != '\0'; text++) {
        if (isalnum((unsigned char)*text) || strchr("-._~", *text) != NULL) {
            (void)fputc(*text, out);
        } else {
            (void)fprintf(out, "%%%02X", (unsigned char)*text);
        }
    }
}

/* A parameter's value as text; the caller's, free. */
static char *fitting_text(struct requests *requests, const char *path, const json_t *parameter) {
    const json_t *example = json_object_get(parameter, "example");
    json_t *value = example != NULL && requests_chance(requests, 50)
                        ? json_deep_copy(example)
                        : values_fitting(requests, path, json_object_get(parameter, "schema"));
    char *text = json_is_string(value) ? strdup(json_string_value(value))
                                       : json_dumps(value, JSON_ENCODE_ANY);
    ensure(text != NULL);
    json_decref(value);
    return text;
}

/* As it goes over the wire; may be no valid escape. */
static const char *odd_text(struct requests *requests) {
    static const char *const texts[] = {"0",
                                        "-1",
                                        "01",
                                        "1.0",
                                        "abc",
                                        "%00",
                                        "%2F",
                                        "%zz",
                                        "%",
                                        "..",
                                        "%C3%28",
                                        "%F0%9F%8E%AD",
                                        "9223372036854775807",
                                        "9223372036854775808",
                                        "99999999999999999999999",
                                        "%27%3B--",
                                        "1-00000000000000000000000000000000",
                                        "a%20b",
                                        "+",
                                        "%7B%22a%22%3A1%7D"};
    return requests_one_of(requests, texts, ARRAY_LEN(texts));
}

/* The parameter of this name and place; NULL: the operation has none. */
static const json_t *find_parameter(struct requests *requests, const json_t *operation,
                                    const char *in, const char *name, size_t name_size) {
    size_t index;
    const json_t *value;
    json_array_foreach(json_object_get(operation, "parameters"), index, value) {
        const json_t *parameter = schemas_follow(contract_schemas(requests->contract), value);
        const char *its = json_string_value(json_object_get(parameter, "name"));
        if (strcmp(json_string_value(json_object_get(parameter, "in")), in) == 0 &&
            strlen(its) == name_size && strncmp(its, name, name_size) == 0) {
            return parameter;
        }
    }
    return NULL;
}

static void put_path(struct requests *requests, struct made_request *made, FILE *out) {
    const struct operation *operation = made->operation;
    for (const char *at = operation->path; *at != '\0';) {
        if (*at != '{') {
            (void)fputc(*at++, out);
            continue;
        }
        size_t size = strcspn(at + 1, "}");
        if (requests_chance(requests, 12)) {
            made->changed = true;
            (void)fputs(odd_text(requests), out);
        } else {
            const json_t *parameter =
                find_parameter(requests, operation->told, "path", at + 1, size);
            char *text = fitting_text(requests, operation->path, parameter);
            put_encoded(out, text);
            free(text);
        }
        at += size + 2;
    }
}

static void put_query(struct requests *requests, struct made_request *made, FILE *out) {
    size_t index;
    const json_t *value;
    char before = '?';
    json_array_foreach(json_object_get(made->operation->told, "parameters"), index, value) {
        const json_t *parameter = schemas_follow(contract_schemas(requests->contract), value);
        if (strcmp(json_string_value(json_object_get(parameter, "in")), "query") != 0 ||
            !requests_chance(requests, 35)) {
            continue;
        }
        (void)fprintf(out, "%c%s=", before, json_string_value(json_object_get(parameter, "name")));
        before = '&';
        if (requests_chance(requests, 25)) {
            made->changed = true;
            (void)fputs(odd_text(requests), out);
        } else {
            char *text = fitting_text(requests, made->operation->path, parameter);
            put_encoded(out, text);
            free(text);
        }
    }
    if (requests_chance(requests, 4)) {
        (void)fprintf(out, "%c%s", before, "utm_source=poster&&=&x");
    }
}

static void put_headers(struct requests *requests, struct made_request *made, FILE *out) {
    static const char *const odd[] = {"Idempotency-Key: \r\n",
                                      "Idempotency-Key: two words\r\n",
                                      "Idempotency-Key: \xc3\xa9\r\n",
                                      "X-Request-Id: has spaces and \"quotes\"\r\n",
                                      "X-Request-Id: ffffffffffffffffffffffffffffffff\r\n",
                                      "Accept: text/html\r\n",
                                      "Accept-Encoding: gzip;q=0, identity\r\n",
                                      "If-None-Match: *\r\n",
                                      "If-None-Match: \"x\", W/\"y\r\n",
                                      "Origin: https://elsewhere.example\r\n",
                                      "Origin: null\r\nAccess-Control-Request-Method: POST\r\n",
                                      "Range: bytes=0-10\r\n",
                                      "Cookie: a=b\r\n",
                                      "Expect: wonders\r\n",
                                      "Usher-Pass: p.forged\r\n",
                                      "X-Forwarded-For: 203.0.113.9, junk\r\n",
                                      "Connection: close\r\n",
                                      "Upgrade: websocket\r\nConnection: Upgrade\r\n"};
    static const char key[] = "Idempotency-Key";
    if (find_parameter(requests, made->operation->told, "header", key, sizeof key - 1) != NULL &&
        requests_chance(requests, 50)) {
        (void)fprintf(out, "%s: key-%zu\r\n", key, requests_below(requests, 400));
    } else if (requests_chance(requests, 15)) {
        made->changed = true;
        (void)fputs(requests_one_of(requests, odd, ARRAY_LEN(odd)), out);
    }
    if (requests_chance(requests, 20)) {
        (void)fputs("Accept-Encoding: gzip\r\n", out);
    }
}

static void make_body(struct requests *requests, struct made_request *made) {
    static const char *const types[] = {"application/json; charset=utf-8",   "text/plain",
                                        "application/merge-patch+json",      "application/xml",
                                        "application/x-www-form-urlencoded", "json"};
    const json_t *told = json_object_get(made->operation->told, "requestBody");
    const json_t *media = json_object_get(json_object_get(told, "content"), "application/json");
    (void)snprintf(made->content_type, sizeof made->content_type, "application/json");
    if (media == NULL || requests_chance(requests, 4)) {
        made->changed = made->changed || media != NULL;
        made->body =
            media == NULL && requests_chance(requests, 4) ? values_odd_body(requests) : NULL;
        return;
    }
    if (requests_chance(requests, 6)) {
        made->changed = true;
        made->body = values_odd_body(requests);
        return;
    }
    json_t *body =
        values_fitting(requests, made->operation->path, json_object_get(media, "schema"));
    if (requests_chance(requests, 30)) {
        made->changed = true;
        values_spoil(requests, body);
    }
    if (requests_chance(requests, 4)) {
        made->changed = true;
        (void)snprintf(made->content_type, sizeof made->content_type, "%s",
                       requests_one_of(requests, types, ARRAY_LEN(types)));
    }
    made->body = json_dumps(body, JSON_COMPACT);
    ensure(made->body != NULL);
    json_decref(body);
}

/* What is not built has one answer only, and is asked seldom. */
static const struct operation *pick_operation(struct requests *requests) {
    const struct operation *picked = NULL;
    do {
        picked = &requests->operations[requests_below(requests, requests->operation_count)];
    } while (json_is_true(json_object_get(picked->told, "x-not-built")) &&
             requests_chance(requests, 80));
    return picked;
}

void requests_make(struct requests *requests, struct made_request *made) {
    static const char *const methods[] = {"GET",    "HEAD",    "POST",  "PUT",
                                          "DELETE", "OPTIONS", "PATCH", "BREW"};
    size_t size = 0;
    *made = (struct made_request){.operation = pick_operation(requests)};
    for (size_t i = 0; made->operation->method[i] != '\0'; i++) {
        made->method[i] = (char)toupper((unsigned char)made->operation->method[i]);
    }
    FILE *out = open_memstream(&made->target, &size);
    ensure(out != NULL);
    put_path(requests, made, out);
    put_query(requests, made, out);
    ensure(fclose(out) == 0);
    out = open_memstream(&made->headers, &size);
    ensure(out != NULL);
    put_headers(requests, made, out);
    ensure(fclose(out) == 0);
    make_body(requests, made);
    if (requests_chance(requests, 5)) {
        made->changed = true;
        (void)snprintf(made->method, sizeof made->method, "%s",
                       requests_one_of(requests, methods, ARRAY_LEN(methods)));
    }
}

void made_request_free(struct made_request *made) {
    free(made->target);
    free(made->headers);
    free(made->body);
    *made = (struct made_request){0};
}

#include "tests/integration/requests.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KNOWN_MAX = 200, SLOTS_MAX = 256, LONG_BYTES = 70000, DEPTH_MAX = 12 };

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

static const char *one_of(struct requests *requests, const char *const *texts, size_t count) {
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

/* NULL when nothing is known of this name. */
static const json_t *known_value(struct requests *requests, const char *path, const char *name) {
    char special[64];
    (void)snprintf(special, sizeof special, "/admin %s", name);
    const json_t *values =
        strncmp(path, "/admin/", 7) == 0 ? json_object_get(requests->known, special) : NULL;
    if (values == NULL) {
        values = json_object_get(requests->known, name);
    }
    size_t count = json_array_size(values);
    return count > 0 ? json_array_get(values, requests_below(requests, count)) : NULL;
}

/* --- values that fit */

static json_t *fitting(struct requests *requests, const char *path, const json_t *schema);

static json_t *fitting_integer(struct requests *requests, const json_t *schema) {
    const json_t *least = json_object_get(schema, "minimum");
    const json_t *most = json_object_get(schema, "maximum");
    json_int_t from = least != NULL ? json_integer_value(least) : 0;
    json_int_t to = most != NULL ? json_integer_value(most) : from + 1000;
    /* The greatest hall takes seconds to store. */
    if (requests_chance(requests, 10) && to <= 100000) {
        return json_integer(to);
    }
    size_t span = to - from > 20 ? 20 : (size_t)(to - from + 1);
    return json_integer(from + (json_int_t)requests_below(requests, span));
}

static json_t *fitting_string(struct requests *requests, const json_t *schema) {
    static const char *const words[] = {
        "Ada",       "evening",          "Nuit d'\xc3\xa9t\xc3\xa9",
        "BAR",       "\xf0\x9f\x8e\xad", "a b c",
        "O'Brien\"", "<b>&amp;",         "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"};
    const json_t *most = json_object_get(schema, "maxLength");
    if (json_object_get(schema, "example") != NULL) {
        return json_deep_copy(json_object_get(schema, "example"));
    }
    if (most != NULL && json_integer_value(most) <= 600 && requests_chance(requests, 5)) {
        char text[601];
        size_t size = (size_t)json_integer_value(most);
        memset(text, 'x', size);
        return json_stringn(text, size);
    }
    return json_string(one_of(requests, words, ARRAY_LEN(words)));
}

static json_t *fitting_array(struct requests *requests, const char *path, const json_t *schema) {
    json_int_t least = json_integer_value(json_object_get(schema, "minItems"));
    size_t count = (size_t)least + requests_below(requests, 3);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        ensure(json_array_append_new(
                   array, fitting(requests, path, json_object_get(schema, "items"))) == 0);
    }
    return array;
}

static json_t *fitting_object(struct requests *requests, const char *path, const json_t *schema) {
    json_t *object = json_object();
    const char *name;
    json_t *field;
    json_object_foreach(json_object_get(schema, "properties"), name, field) {
        bool required = false;
        size_t index;
        const json_t *one;
        json_array_foreach(json_object_get(schema, "required"), index, one) {
            required = required || strcmp(json_string_value(one), name) == 0;
        }
        if (required || requests_chance(requests, 40)) {
            ensure(json_object_set_new(object, name, fitting(requests, path, field)) == 0);
        }
    }
    return object;
}

static json_t *fitting_type(struct requests *requests, const char *path, const json_t *schema,
                            const char *type) {
    if (strcmp(type, "object") == 0) {
        return fitting_object(requests, path, schema);
    }
    if (strcmp(type, "array") == 0) {
        return fitting_array(requests, path, schema);
    }
    if (strcmp(type, "integer") == 0) {
        return fitting_integer(requests, schema);
    }
    if (strcmp(type, "number") == 0) {
        return json_real((double)requests_below(requests, 1000) / 10);
    }
    if (strcmp(type, "boolean") == 0) {
        return json_boolean(requests_chance(requests, 50));
    }
    return strcmp(type, "null") == 0 ? json_null() : fitting_string(requests, schema);
}

static json_t *fitting(struct requests *requests, const char *path, const json_t *schema) {
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference != NULL) {
        const json_t *known = known_value(requests, path, strrchr(reference, '/') + 1);
        return known != NULL
                   ? json_deep_copy(known)
                   : fitting(requests, path,
                             schemas_follow(contract_schemas(requests->contract), schema));
    }
    const json_t *constant = json_object_get(schema, "const");
    const json_t *list = json_object_get(schema, "enum");
    const json_t *either = json_object_get(schema, "oneOf");
    const json_t *type = json_object_get(schema, "type");
    if (constant != NULL) {
        return json_deep_copy(constant);
    }
    if (list != NULL) {
        return json_deep_copy(
            json_array_get(list, requests_below(requests, json_array_size(list))));
    }
    if (either != NULL) {
        return fitting(requests, path,
                       json_array_get(either, requests_below(requests, json_array_size(either))));
    }
    if (json_is_array(type)) {
        type = json_array_get(type, requests_below(requests, json_array_size(type)));
    }
    ensure(json_is_string(type));
    return fitting_type(requests, path, schema, json_string_value(type));
}

/* --- values that don't */

static json_t *odd_value(struct requests *requests) {
    static const char *const texts[] = {"null",
                                        "true",
                                        "0",
                                        "-1",
                                        "1.5",
                                        "1e300",
                                        "9223372036854775807",
                                        "\"\"",
                                        "\" \"",
                                        "[]",
                                        "{}",
                                        "[[[[]]]]",
                                        "{\"a\":{\"b\":[]}}",
                                        "\"\\u0001\"",
                                        "\"\\u202eabc\"",
                                        "\"2030-13-45T99:99:99Z\"",
                                        "\"'; --\"",
                                        "[1,2,3,4,5,6,7,8,9,10,11,12]",
                                        "[null,null]"};
    if (requests_chance(requests, 5)) {
        char text[5000];
        memset(text, 'w', sizeof text);
        return json_stringn(text, sizeof text);
    }
    json_t *value = json_loads(one_of(requests, texts, ARRAY_LEN(texts)), JSON_DECODE_ANY, NULL);
    ensure(value != NULL);
    return value;
}

/* A member of an object, or an entry of a list. */
struct slot {
    json_t *container;
    const char *name; /* NULL: an entry */
    size_t index;
};

static void collect(json_t *value, struct slot *slots, size_t *count, unsigned depth) {
    const char *name;
    json_t *inner;
    size_t index;
    if (depth > DEPTH_MAX) {
        return;
    }
    json_object_foreach(value, name, inner) {
        if (*count < SLOTS_MAX) {
            slots[(*count)++] = (struct slot){.container = value, .name = name};
            collect(inner, slots, count, depth + 1);
        }
    }
    json_array_foreach(value, index, inner) {
        if (*count < SLOTS_MAX) {
            slots[(*count)++] = (struct slot){.container = value, .index = index};
            collect(inner, slots, count, depth + 1);
        }
    }
}

static void spoil(struct requests *requests, json_t *body) {
    struct slot slots[SLOTS_MAX];
    size_t count = 0;
    collect(body, slots, &count, 0);
    if (count == 0 || requests_chance(requests, 15)) {
        ensure(json_object_set_new(body, "unexpected", odd_value(requests)) == 0);
        return;
    }
    const struct slot *slot = &slots[requests_below(requests, count)];
    bool remove = requests_chance(requests, 25);
    if (slot->name == NULL) {
        json_t *entry = requests_chance(requests, 30)
                            ? json_deep_copy(json_array_get(slot->container, slot->index))
                            : odd_value(requests);
        ensure(remove ? json_array_remove(slot->container, slot->index) == 0
                      : json_array_append(slot->container, entry) == 0);
        json_decref(entry);
    } else if (remove) {
        ensure(json_object_del(slot->container, slot->name) == 0);
    } else {
        ensure(json_object_set_new(slot->container, slot->name, odd_value(requests)) == 0);
    }
}

static char *odd_body(struct requests *requests) {
    static const char *const texts[] = {"",
                                        "[]",
                                        "null",
                                        "7",
                                        "{",
                                        "}",
                                        "not json",
                                        "{}}",
                                        "{\"eventId\":1,\"eventId\":2}",
                                        "\xff\xfe{}",
                                        "{\"a\":\"\\ud800\"}",
                                        "<a/>",
                                        "eventId=1",
                                        "{\"eventId\":01}"};
    if (requests_chance(requests, 3)) {
        char *text = malloc(LONG_BYTES + 1);
        ensure(text != NULL);
        memset(text, ' ', LONG_BYTES);
        text[LONG_BYTES] = '\0';
        return text;
    }
    return strdup(one_of(requests, texts, ARRAY_LEN(texts)));
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
                        : fitting(requests, path, json_object_get(parameter, "schema"));
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
    return one_of(requests, texts, ARRAY_LEN(texts));
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
    static const char *const odd[] = {
        "Idempotency-Key: \r\n",
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
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"};
    static const char key[] = "Idempotency-Key";
    if (find_parameter(requests, made->operation->told, "header", key, sizeof key - 1) != NULL &&
        requests_chance(requests, 50)) {
        (void)fprintf(out, "%s: key-%zu\r\n", key, requests_below(requests, 400));
    } else if (requests_chance(requests, 15)) {
        made->changed = true;
        (void)fputs(one_of(requests, odd, ARRAY_LEN(odd)), out);
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
        made->body = media == NULL && requests_chance(requests, 4) ? odd_body(requests) : NULL;
        return;
    }
    if (requests_chance(requests, 6)) {
        made->changed = true;
        made->body = odd_body(requests);
        return;
    }
    json_t *body = fitting(requests, made->operation->path, json_object_get(media, "schema"));
    if (requests_chance(requests, 30)) {
        made->changed = true;
        spoil(requests, body);
    }
    if (requests_chance(requests, 4)) {
        made->changed = true;
        (void)snprintf(made->content_type, sizeof made->content_type, "%s",
                       one_of(requests, types, ARRAY_LEN(types)));
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
                       one_of(requests, methods, ARRAY_LEN(methods)));
    }
}

void made_request_free(struct made_request *made) {
    free(made->target);
    free(made->headers);
    free(made->body);
    *made = (struct made_request){0};
}

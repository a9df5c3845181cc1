#include "tests/integration/values.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOTS_MAX = 256, LONG_BYTES = 70000, DEPTH_MAX = 12 };

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
    return json_string(requests_one_of(requests, words, ARRAY_LEN(words)));
}

static json_t *fitting_array(struct requests *requests, const char *path, const json_t *schema) {
    json_int_t least = json_integer_value(json_object_get(schema, "minItems"));
    size_t count = (size_t)least + requests_below(requests, 3);
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        ensure(json_array_append_new(
                   array, values_fitting(requests, path, json_object_get(schema, "items"))) == 0);
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
            ensure(json_object_set_new(object, name, values_fitting(requests, path, field)) == 0);
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

json_t *values_fitting(struct requests *requests, const char *path, const json_t *schema) {
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference != NULL) {
        const json_t *known = known_value(requests, path, strrchr(reference, '/') + 1);
        return known != NULL
                   ? json_deep_copy(known)
                   : values_fitting(requests, path,
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
        return values_fitting(
            requests, path,
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
    json_t *value =
        json_loads(requests_one_of(requests, texts, ARRAY_LEN(texts)), JSON_DECODE_ANY, NULL);
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

void values_spoil(struct requests *requests, json_t *body) {
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

char *values_odd_body(struct requests *requests) {
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
    return strdup(requests_one_of(requests, texts, ARRAY_LEN(texts)));
}

#include "tests/support/schema.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATTERNS_MAX = 64, DEPTH_MAX = 32, PARTS_MAX = 16, PLACE_SIZE = 256 };

struct schemas {
    const json_t *document;
    size_t pattern_count;
    struct {
        const json_t *text;
        regex_t compiled;
    } patterns[PATTERNS_MAX];
};

/* Where in the value we are, and where to say what is wrong. */
struct look {
    struct schemas *schemas;
    char *problem;
    unsigned depth;
    char place[PLACE_SIZE];
};

struct schemas *schemas_create(const json_t *document) {
    struct schemas *schemas = calloc(1, sizeof *schemas);
    ensure(schemas != NULL);
    schemas->document = document;
    return schemas;
}

void schemas_destroy(struct schemas *schemas) {
    for (size_t i = 0; schemas != NULL && i < schemas->pattern_count; i++) {
        regfree(&schemas->patterns[i].compiled);
    }
    free(schemas);
}

static bool PRINTF_LIKE(2, 3) wrong(const struct look *look, const char *format, ...) {
    char words[SCHEMA_PROBLEM_SIZE / 2];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    (void)snprintf(look->problem, SCHEMA_PROBLEM_SIZE, "%.200s: %s",
                   look->place[0] != '\0' ? look->place : "/", words);
    return false;
}

static struct look look_into(const struct look *look, const char *name) {
    struct look inner = *look;
    inner.depth++;
    (void)snprintf(inner.place, sizeof inner.place, "%.180s/%.60s", look->place, name);
    return inner;
}

const json_t *schemas_follow(const struct schemas *schemas, const json_t *value) {
    const char *at = json_string_value(json_object_get(value, "$ref"));
    if (at == NULL) {
        return value;
    }
    const json_t *found = *at == '#' ? schemas->document : NULL;
    for (at++; found != NULL && *at == '/';) {
        char part[80];
        size_t size = strcspn(++at, "/");
        (void)snprintf(part, sizeof part, "%.*s", (int)size, at);
        found = json_object_get(found, part);
        at += size;
    }
    return found;
}

/* NULL when it can't be compiled. */
static const regex_t *compiled(struct schemas *schemas, const json_t *text) {
    for (size_t i = 0; i < schemas->pattern_count; i++) {
        if (schemas->patterns[i].text == text) {
            return &schemas->patterns[i].compiled;
        }
    }
    size_t at = schemas->pattern_count;
    ensure(at < PATTERNS_MAX);
    const char *pattern = json_string_value(text);
    if (pattern == NULL ||
        regcomp(&schemas->patterns[at].compiled, pattern, REG_EXTENDED | REG_NOSUB) != 0) {
        return NULL;
    }
    schemas->patterns[at].text = text;
    schemas->pattern_count++;
    return &schemas->patterns[at].compiled;
}

/* --- types */

static bool is_of_type(const json_t *value, const char *type) {
    static const char *const names[] = {"object", "array",   "string",  "integer",
                                        "number", "boolean", "boolean", "null"};
    const char *name = names[json_typeof(value)];
    return strcmp(type, name) == 0 || (strcmp(type, "number") == 0 && json_is_integer(value));
}

static bool fits_type(const json_t *value, const json_t *type) {
    size_t index;
    const json_t *name;
    if (json_is_string(type)) {
        return is_of_type(value, json_string_value(type));
    }
    json_array_foreach(type, index, name) {
        if (is_of_type(value, json_string_value(name))) {
            return true;
        }
    }
    return false;
}

static bool is_listed(const json_t *value, const json_t *list) {
    size_t index;
    const json_t *one;
    json_array_foreach(list, index, one) {
        if (json_equal(one, value)) {
            return true;
        }
    }
    return false;
}

/* --- a value's own keywords */

static size_t length_of(const char *text) {
    size_t length = 0;
    for (; *text != '\0'; text++) {
        length += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return length;
}

static bool is_outside(const json_t *schema, const char *least, const char *most, double number) {
    const json_t *from = json_object_get(schema, least);
    const json_t *to = json_object_get(schema, most);
    return (from != NULL && number < json_number_value(from)) ||
           (to != NULL && number > json_number_value(to));
}

static bool check_scalar(const struct look *look, const json_t *schema, const json_t *value) {
    const json_t *pattern = json_object_get(schema, "pattern");
    const json_t *constant = json_object_get(schema, "const");
    const json_t *list = json_object_get(schema, "enum");
    if (constant != NULL && !json_equal(constant, value)) {
        return wrong(look, "is not the constant");
    }
    if (list != NULL && !is_listed(value, list)) {
        return wrong(look, "\"%.60s\" is not listed",
                     json_is_string(value) ? json_string_value(value) : "(no text)");
    }
    if (json_is_number(value) &&
        is_outside(schema, "minimum", "maximum", json_number_value(value))) {
        return wrong(look, "%g is outside its limits", json_number_value(value));
    }
    if (!json_is_string(value)) {
        return true;
    }
    const char *text = json_string_value(value);
    if (is_outside(schema, "minLength", "maxLength", (double)length_of(text))) {
        return wrong(look, "a text of %zu characters", length_of(text));
    }
    if (pattern != NULL && regexec(compiled(look->schemas, pattern), text, 0, NULL, 0) != 0) {
        return wrong(look, "\"%.60s\" is not like %.80s", text, json_string_value(pattern));
    }
    return true;
}

/* --- what is inside */

/* One of the schemas that a value has to fit, and all of them. */
static bool check(const struct look *look, const json_t *schema, const json_t *value);
static bool check_whole(const struct look *look, const json_t *schema, const json_t *value);

static bool check_array(const struct look *look, const json_t *schema, const json_t *value) {
    const json_t *items = json_object_get(schema, "items");
    size_t index;
    const json_t *item;
    if (is_outside(schema, "minItems", "maxItems", (double)json_array_size(value))) {
        return wrong(look, "%zu entries", json_array_size(value));
    }
    json_array_foreach(value, index, item) {
        char name[24];
        (void)snprintf(name, sizeof name, "%zu", index);
        const struct look inner = look_into(look, name);
        if (items != NULL && !check_whole(&inner, items, item)) {
            return false;
        }
    }
    return true;
}

static bool check_object(const struct look *look, const json_t *schema, const json_t *value) {
    const json_t *fields = json_object_get(schema, "properties");
    const json_t *others = json_object_get(schema, "additionalProperties");
    size_t index;
    const json_t *required;
    const char *name;
    json_t *field;
    json_array_foreach(json_object_get(schema, "required"), index, required) {
        if (json_object_get(value, json_string_value(required)) == NULL) {
            return wrong(look, "has no \"%s\"", json_string_value(required));
        }
    }
    if (is_outside(schema, "minProperties", "maxProperties", (double)json_object_size(value))) {
        return wrong(look, "%zu fields", json_object_size(value));
    }
    json_object_foreach((json_t *)value, name, field) {
        const json_t *known = json_object_get(fields, name);
        const struct look inner = look_into(look, name);
        if (known == NULL && json_is_false(others)) {
            return wrong(&inner, "is not documented");
        }
        const json_t *rule = known != NULL ? known : others;
        if (json_is_object(rule) && !check_whole(&inner, rule, field)) {
            return false;
        }
    }
    return true;
}

static size_t count_fitting(const struct look *look, const json_t *schemas, const json_t *value) {
    size_t count = 0;
    size_t index;
    const json_t *schema;
    json_array_foreach(schemas, index, schema) {
        count += check(look, schema, value);
    }
    return count;
}

static bool check_combined(const struct look *look, const json_t *schema, const json_t *value) {
    const json_t *one = json_object_get(schema, "oneOf");
    const json_t *any = json_object_get(schema, "anyOf");
    const json_t *reference = json_object_get(schema, "$ref");
    size_t index;
    const json_t *part;
    if (reference != NULL && !check(look, schemas_follow(look->schemas, schema), value)) {
        return false;
    }
    json_array_foreach(json_object_get(schema, "allOf"), index, part) {
        if (!check(look, part, value)) {
            return false;
        }
    }
    if (one != NULL) {
        size_t fitting = count_fitting(look, one, value);
        if (fitting != 1) {
            return wrong(look, "fits %zu of the alternatives", fitting);
        }
    }
    return any == NULL || count_fitting(look, any, value) > 0 ||
           wrong(look, "fits none of the alternatives");
}

static bool check(const struct look *look, const json_t *schema, const json_t *value) {
    const json_t *type = json_object_get(schema, "type");
    ensure(schema != NULL && look->depth < DEPTH_MAX);
    if (type != NULL && !fits_type(value, type)) {
        return wrong(look, "is of the wrong type");
    }
    return check_scalar(look, schema, value) &&
           (!json_is_array(value) || check_array(look, schema, value)) &&
           (!json_is_object(value) || check_object(look, schema, value)) &&
           check_combined(look, schema, value);
}

/* --- members that no schema names */

/* The schemas that say what an object's members are: those that its own is combined of. */
struct parts {
    const json_t *schemas[PARTS_MAX];
    size_t count;
};

static void collect(const struct look *look, const json_t *schema, const json_t *value,
                    struct parts *parts) {
    static const char *const combinations[] = {"allOf", "oneOf", "anyOf"};
    if (json_object_get(schema, "properties") != NULL ||
        json_object_get(schema, "additionalProperties") != NULL) {
        ensure(parts->count < PARTS_MAX);
        parts->schemas[parts->count++] = schema;
    }
    if (json_object_get(schema, "$ref") != NULL) {
        collect(look, schemas_follow(look->schemas, schema), value, parts);
    }
    for (size_t i = 0; i < ARRAY_LEN(combinations); i++) {
        size_t index;
        const json_t *part;
        json_array_foreach(json_object_get(schema, combinations[i]), index, part) {
            if (check(look, part, value)) {
                collect(look, part, value, parts);
            }
        }
    }
}

static bool is_named(const struct parts *parts, const char *member) {
    for (size_t i = 0; i < parts->count; i++) {
        const json_t *others = json_object_get(parts->schemas[i], "additionalProperties");
        if ((others != NULL && !json_is_false(others)) ||
            json_object_get(json_object_get(parts->schemas[i], "properties"), member) != NULL) {
            return true;
        }
    }
    return false;
}

static bool check_whole(const struct look *look, const json_t *schema, const json_t *value) {
    struct parts parts = {.count = 0};
    const char *member;
    json_t *field;
    if (!check(look, schema, value)) {
        return false;
    }
    if (json_is_object(value)) {
        collect(look, schema, value, &parts);
    }
    json_object_foreach((json_t *)value, member, field) {
        const struct look inner = look_into(look, member);
        if (parts.count > 0 && !is_named(&parts, member)) {
            return wrong(&inner, "is not documented");
        }
    }
    return true;
}

bool schemas_accept(struct schemas *schemas, const json_t *schema, const json_t *value,
                    char problem[SCHEMA_PROBLEM_SIZE]) {
    const struct look look = {.schemas = schemas, .problem = problem};
    problem[0] = '\0';
    return check_whole(&look, schema, value);
}

/* --- whether a schema is understood */

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names != NULL; names++) {
        if (strcmp(*names, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool know(const struct look *look, const json_t *schema);

static bool know_each(const struct look *look, const json_t *list) {
    size_t index;
    const json_t *schema;
    bool fine = json_array_size(list) > 0 || wrong(look, "has to be a list of schemas");
    json_array_foreach(list, index, schema) {
        fine = fine && know(look, schema);
    }
    return fine;
}

static bool know_named(const struct look *look, const json_t *fields) {
    const char *name;
    json_t *schema;
    bool fine = json_is_object(fields) || wrong(look, "has to be an object of schemas");
    json_object_foreach((json_t *)fields, name, schema) {
        const struct look inner = look_into(look, name);
        fine = fine && know(&inner, schema);
    }
    return fine;
}

static bool know_types(const struct look *look, const json_t *type) {
    static const char *const types[] = {"object", "array",   "string", "integer",
                                        "number", "boolean", "null",   NULL};
    size_t index;
    const json_t *name;
    bool fine = json_is_string(type) ? is_one_of(json_string_value(type), types)
                                     : json_array_size(type) > 0;
    json_array_foreach(type, index, name) {
        fine = fine && json_is_string(name) && is_one_of(json_string_value(name), types);
    }
    return fine || wrong(look, "is no type");
}

static bool know_keyword(const struct look *look, const json_t *schema, const char *keyword,
                         const json_t *value) {
    static const char *const numbers[] = {"minimum",  "maximum",  "minLength",     "maxLength",
                                          "minItems", "maxItems", "minProperties", NULL};
    static const char *const lists[] = {"enum", "required", NULL};
    static const char *const texts[] = {"description", NULL};
    static const char *const anything[] = {"const", "example", "default", NULL};
    static const char *const combinations[] = {"oneOf", "anyOf", "allOf", NULL};
    if (is_one_of(keyword, anything)) {
        return true;
    }
    if (is_one_of(keyword, numbers)) {
        return json_is_number(value) || wrong(look, "has to be a number");
    }
    if (is_one_of(keyword, lists)) {
        return json_array_size(value) > 0 || wrong(look, "has to be a list");
    }
    if (is_one_of(keyword, texts)) {
        return json_is_string(value) || wrong(look, "has to be a text");
    }
    if (is_one_of(keyword, combinations)) {
        return know_each(look, value);
    }
    if (strcmp(keyword, "properties") == 0) {
        return know_named(look, value);
    }
    if (strcmp(keyword, "items") == 0) {
        return know(look, value);
    }
    if (strcmp(keyword, "additionalProperties") == 0) {
        return json_is_boolean(value) || know(look, value);
    }
    if (strcmp(keyword, "type") == 0) {
        return know_types(look, value);
    }
    if (strcmp(keyword, "pattern") == 0) {
        return compiled(look->schemas, value) != NULL || wrong(look, "can't be compiled");
    }
    if (strcmp(keyword, "$ref") == 0) {
        return schemas_follow(look->schemas, schema) != NULL || wrong(look, "leads to nothing");
    }
    return wrong(look, "is no keyword that is understood here");
}

static bool know(const struct look *look, const json_t *schema) {
    const char *keyword;
    json_t *value;
    bool fine = json_is_object(schema) || wrong(look, "has to be a schema");
    json_object_foreach((json_t *)schema, keyword, value) {
        const struct look inner = look_into(look, keyword);
        fine = fine && know_keyword(&inner, schema, keyword, value);
    }
    return fine;
}

bool schemas_know(struct schemas *schemas, const json_t *schema,
                  char problem[SCHEMA_PROBLEM_SIZE]) {
    const struct look look = {.schemas = schemas, .problem = problem};
    problem[0] = '\0';
    return know(&look, schema);
}

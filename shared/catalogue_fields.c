#include "shared/catalogue_fields.h"

#include "shared/clock.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

_Static_assert(sizeof((struct catalogue_problems *)NULL)->items[0].field == CATALOGUE_PATH_SIZE,
               "a path fits a problem's field");

/* snprintf may have cut a character of several bytes in two; takes away what is left of it. */
static void text_end_whole(char *text) {
    size_t length = strlen(text);
    size_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start == 0 || (unsigned char)text[start - 1] < 0xC0) {
        return; /* ASCII at the end */
    }
    unsigned char lead = (unsigned char)text[start - 1];
    size_t needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (length - (start - 1) < needed) {
        text[start - 1] = '\0';
    }
}

static void path_join(char path[CATALOGUE_PATH_SIZE], const char *parent, const char *field) {
    const char *dot = parent[0] && field[0] ? "." : "";
    if (snprintf(path, CATALOGUE_PATH_SIZE, "%s%s%s", parent, dot, field) >= CATALOGUE_PATH_SIZE) {
        text_end_whole(path);
    }
}

void problem_add(const struct fields *at, const char *field, const char *format, ...) {
    struct catalogue_problems *problems = at->problems;
    if (problems->count == CATALOGUE_PROBLEMS_MAX) {
        return;
    }
    char *problem = problems->items[problems->count].problem;
    path_join(problems->items[problems->count].field, at->path, field);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem, sizeof problems->items[0].problem, format, arguments);
    va_end(arguments);
    text_end_whole(problem);
    problems->count++;
}

static bool is_known(const char *name, const char *const known[]) {
    for (; *known; known++) {
        if (strcmp(name, *known) == 0) {
            return true;
        }
    }
    return false;
}

/* The path has been set. */
static bool open_object(struct fields *fields, const char *const known[]) {
    if (!json_is_object(fields->object)) {
        problem_add(fields, "", "must be an object");
        return false;
    }
    if (!known) {
        return true;
    }
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)fields->object, name, value) {
        if (!is_known(name, known)) {
            fields->problems->unknown_field |= fields->problems->count == 0;
            problem_add(fields, name, "is not a field of this request");
        }
    }
    return true;
}

bool fields_open(struct fields *fields, struct catalogue_problems *problems, const json_t *value,
                 const char *path, const char *const known[]) {
    fields->problems = problems;
    fields->object = value;
    path_join(fields->path, "", path);
    return open_object(fields, known);
}

bool fields_open_inside(struct fields *fields, const struct fields *parent, const json_t *value,
                        const char *const known[], const char *field_format, ...) {
    char field[CATALOGUE_PATH_SIZE];
    va_list arguments;
    va_start(arguments, field_format);
    vsnprintf(field, sizeof field, field_format, arguments);
    va_end(arguments);
    fields->problems = parent->problems;
    fields->object = value;
    path_join(fields->path, parent->path, field);
    return open_object(fields, known);
}

/* The field's value; NULL when it is not there, which is a problem when it has to be. */
static const json_t *field_get(const struct fields *fields, const char *name, unsigned rules) {
    const json_t *value = json_object_get(fields->object, name);
    if (!value && (rules & FIELD_REQUIRED)) {
        problem_add(fields, name, "is required");
    }
    return value;
}

static bool has_control_characters(const char *text, bool lines_allowed) {
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < 0x20 || c == 0x7F) && !(lines_allowed && (c == '\n' || c == '\t'))) {
            return true;
        }
    }
    return false;
}

bool value_is_text(const struct fields *at, const char *field, const json_t *value,
                   size_t max_bytes, unsigned rules, const char **text) {
    if (!json_is_string(value)) {
        problem_add(at, field, "must be a text");
        return false;
    }
    const char *bytes = json_string_value(value);
    size_t length = json_string_length(value);
    if (length > max_bytes) {
        problem_add(at, field, "must be at most %zu bytes", max_bytes);
    } else if (strlen(bytes) != length ||
               has_control_characters(bytes, (rules & FIELD_MAY_HAVE_LINES) != 0)) {
        problem_add(at, field, "must not contain control characters");
    } else if (!(rules & FIELD_MAY_BE_EMPTY) && strspn(bytes, " ") == length) {
        problem_add(at, field, "must not be blank");
    } else {
        *text = bytes;
        return true;
    }
    return false;
}

bool fields_text(const struct fields *fields, const char *name, size_t max_bytes, unsigned rules,
                 const char **text) {
    const json_t *value = field_get(fields, name, rules);
    return value && value_is_text(fields, name, value, max_bytes, rules, text);
}

bool fields_integer(const struct fields *fields, const char *name, int64_t min, int64_t max,
                    unsigned rules, int64_t *value) {
    const json_t *field = field_get(fields, name, rules);
    if (!field) {
        return false;
    }
    int64_t number = json_integer_value(field);
    if (!json_is_integer(field) || number < min || number > max) {
        problem_add(fields, name, "must be an integer from %lld to %lld", (long long)min,
                    (long long)max);
        return false;
    }
    *value = number;
    return true;
}

bool fields_number(const struct fields *fields, const char *name, double limit, double *value) {
    const json_t *field = field_get(fields, name, FIELD_OPTIONAL);
    if (!field) {
        return false;
    }
    double number = json_number_value(field);
    if (!json_is_number(field) || fabs(number) > limit) {
        problem_add(fields, name, "must be a number from %.0f to %.0f", -limit, limit);
        return false;
    }
    *value = number;
    return true;
}

bool fields_boolean(const struct fields *fields, const char *name, bool *value) {
    const json_t *field = field_get(fields, name, FIELD_OPTIONAL);
    if (!field) {
        return false;
    }
    if (!json_is_boolean(field)) {
        problem_add(fields, name, "must be true or false");
        return false;
    }
    *value = json_is_true(field);
    return true;
}

bool fields_time(const struct fields *fields, const char *name, unsigned rules, int64_t *time_us) {
    const json_t *field = field_get(fields, name, rules);
    if (!field) {
        return false;
    }
    if (json_is_null(field) && !(rules & FIELD_REQUIRED)) {
        *time_us = 0;
        return true;
    }
    int64_t time;
    if (!json_is_string(field) || !time_from_text(json_string_value(field), &time) || time <= 0) {
        problem_add(fields, name, "must be an RFC 3339 time after 1970, like 2030-05-17T19:30:00Z");
        return false;
    }
    *time_us = time;
    return true;
}

bool fields_currency(const struct fields *fields, const char *name, char currency[CURRENCY_SIZE]) {
    const json_t *field = field_get(fields, name, FIELD_REQUIRED);
    if (!field) {
        return false;
    }
    const char *text = json_is_string(field) ? json_string_value(field) : "";
    if (strlen(text) != CURRENCY_SIZE - 1 ||
        strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != CURRENCY_SIZE - 1) {
        problem_add(fields, name, "must be a currency of ISO 4217, like EUR");
        return false;
    }
    memcpy(currency, text, CURRENCY_SIZE);
    return true;
}

const json_t *fields_array(const struct fields *fields, const char *name, size_t min, size_t max,
                           unsigned rules) {
    const json_t *field = field_get(fields, name, rules);
    if (!field) {
        return NULL;
    }
    if (!json_is_array(field) || json_array_size(field) < min || json_array_size(field) > max) {
        problem_add(fields, name, "must be a list of %zu to %zu entries", min, max);
        return NULL;
    }
    return field;
}

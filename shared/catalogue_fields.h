/*
 * catalogue_fields: reads the fields of one JSON object by rule, and lists what breaks a rule.
 * Internal to the catalogue modules. Every reader returns true when the field is there and good;
 * when it is there and bad, or missing though required, a problem is added.
 */
#ifndef USHER_SHARED_CATALOGUE_FIELDS_H
#define USHER_SHARED_CATALOGUE_FIELDS_H

#include "shared/catalogue_input.h"

enum { CATALOGUE_PATH_SIZE = 120 };

/* An object under reading; plain data on the reader's stack. */
struct fields {
    struct catalogue_problems *problems;
    const json_t *object;
    char path[CATALOGUE_PATH_SIZE]; /* "" at the top, "sections[2]" below */
};

enum field_rule {
    FIELD_OPTIONAL = 0,
    FIELD_REQUIRED = 1,
    FIELD_MAY_BE_EMPTY = 2,   /* a text of no or only blank characters is good */
    FIELD_MAY_HAVE_LINES = 4, /* line feeds and tabs are good */
};

void problem_add(const struct fields *at, const char *field, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Starts reading `value`. False, with a problem, when it is no object. Fields that `known`
 * (NULL-terminated) does not list become problems at once, before any other; NULL: any names are
 * good. */
MUST_CHECK bool fields_open(struct fields *fields, struct catalogue_problems *problems,
                            const json_t *value, const char *path, const char *const known[]);
/* The same for a value inside of `parent`: field "prices" or "rows[3]". */
MUST_CHECK bool fields_open_inside(struct fields *fields, const struct fields *parent,
                                   const json_t *value, const char *const known[],
                                   const char *field_format, ...) PRINTF_LIKE(5, 6);

/* *text belongs to the document. `at`, `field` name the value in problems. */
bool value_is_text(const struct fields *at, const char *field, const json_t *value,
                   size_t max_bytes, unsigned rules, const char **text);

bool fields_text(const struct fields *fields, const char *name, size_t max_bytes, unsigned rules,
                 const char **text);
bool fields_integer(const struct fields *fields, const char *name, int64_t min, int64_t max,
                    unsigned rules, int64_t *value);
bool fields_number(const struct fields *fields, const char *name, double limit, double *value);
bool fields_boolean(const struct fields *fields, const char *name, bool *value);
/* RFC 3339, after 1970; an optional time may be null, which reads as 0. Unix µs. */
bool fields_time(const struct fields *fields, const char *name, unsigned rules, int64_t *time_us);
/* Three capital letters (ISO 4217). */
bool fields_currency(const struct fields *fields, const char *name, char currency[CURRENCY_SIZE]);
/* An array of min … max values; NULL when there is none that is good. */
const json_t *fields_array(const struct fields *fields, const char *name, size_t min, size_t max,
                           unsigned rules);

#endif

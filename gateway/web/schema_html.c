#include "gateway/web/schema_html.h"

#include "gateway/web/html.h"
#include "gateway/web/openapi.h"

#include <stdlib.h>

static void put_link(struct text *text, const char *name) {
    text_put(text, "<a href=\"#schema-");
    html_text(text, name);
    text_put(text, "\">");
    html_text(text, name);
    text_put(text, "</a>");
}

static void put_value(struct text *text, const json_t *value) {
    char *json = json_dumps(value, JSON_ENCODE_ANY);
    text->failed = text->failed || json == NULL;
    text_put(text, "<code>");
    html_text(text, json_is_string(value) ? json_string_value(value) : json);
    text_put(text, "</code>");
    free(json);
}

static void put_limits(struct text *text, const json_t *schema) {
    static const struct {
        const char *keyword;
        const char *words;
    } limits[] = {{"minimum", "from "},
                  {"maximum", "to "},
                  {"minLength", "characters, at least "},
                  {"maxLength", "characters, at most "},
                  {"minItems", "entries, at least "},
                  {"maxItems", "entries, at most "},
                  {"minProperties", "fields, at least "},
                  {"pattern", "like "},
                  {"default", "when absent "}};
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        const json_t *value = json_object_get(schema, limits[i].keyword);
        if (value != NULL) {
            text_put(text, ", ");
            text_put(text, limits[i].words);
            put_value(text, value);
        }
    }
}

static void put_alternatives(struct text *text, const json_t *list, const char *between) {
    size_t index;
    const json_t *schema;
    json_array_foreach(list, index, schema) {
        text_put(text, index > 0 ? between : "");
        schema_html_type(text, schema);
    }
}

static void put_values(struct text *text, const json_t *values) {
    size_t index;
    const json_t *value;
    json_array_foreach(values, index, value) {
        text_put(text, index > 0 ? " | " : "");
        put_value(text, value);
    }
}

/* The keyword `type`: one name, or several. */
static void put_type_names(struct text *text, const json_t *type) {
    size_t index;
    const json_t *name;
    html_text(text, json_string_value(type));
    json_array_foreach(type, index, name) {
        text_put(text, index > 0 ? " or " : "");
        html_text(text, json_string_value(name));
    }
}

void schema_html_type(struct text *text, const json_t *schema) {
    const char *type = openapi_text(schema, "type");
    const json_t *values = json_object_get(schema, "enum");
    const json_t *others = json_object_get(schema, "additionalProperties");
    if (openapi_name(schema) != NULL) {
        put_link(text, openapi_name(schema));
    } else if (json_object_get(schema, "oneOf") != NULL) {
        put_alternatives(text, json_object_get(schema, "oneOf"), " or ");
    } else if (json_object_get(schema, "allOf") != NULL) {
        put_alternatives(text, json_object_get(schema, "allOf"), " with ");
    } else if (values != NULL) {
        put_values(text, values);
    } else if (json_object_get(schema, "const") != NULL) {
        put_value(text, json_object_get(schema, "const"));
    } else if (type != NULL && strcmp(type, "array") == 0) {
        text_put(text, "list of ");
        schema_html_type(text, json_object_get(schema, "items"));
        put_limits(text, schema);
    } else if (json_is_object(others)) {
        text_put(text, "object of ");
        schema_html_type(text, others);
        put_limits(text, schema);
    } else {
        put_type_names(text, json_object_get(schema, "type"));
        put_limits(text, schema);
    }
}

static bool is_required(const json_t *schema, const char *name) {
    size_t index;
    const json_t *required;
    json_array_foreach(json_object_get(schema, "required"), index, required) {
        if (strcmp(json_string_value(required), name) == 0) {
            return true;
        }
    }
    return false;
}

/* The object whose fields are told in place: the schema itself, or a list's entries. */
static const json_t *inner_object(const json_t *schema) {
    while (json_object_get(schema, "items") != NULL) {
        schema = json_object_get(schema, "items");
    }
    return json_object_get(schema, "properties") != NULL ? schema : NULL;
}

static void put_fields(struct text *text, const json_t *schema) {
    const char *name;
    json_t *field;
    text_put(text, "<table class=\"fields\">\n");
    json_object_foreach(json_object_get(schema, "properties"), name, field) {
        text_put(text, "<tr><th><code>");
        html_text(text, name);
        text_put(text, is_required(schema, name) ? "</code> <i>required</i></th><td>"
                                                 : "</code></th><td>");
        schema_html_type(text, field);
        if (openapi_text(field, "description") != NULL) {
            text_put(text, "<br><small>");
            html_prose(text, openapi_text(field, "description"));
            text_put(text, "</small>");
        }
        if (inner_object(field) != NULL) {
            put_fields(text, inner_object(field));
        }
        text_put(text, "</td></tr>\n");
    }
    text_put(text, "</table>\n");
}

void schema_html_put(struct text *text, const char *name, const json_t *schema) {
    size_t index;
    const json_t *part;
    text_put(text, "<section class=\"schema\" id=\"schema-");
    html_text(text, name);
    text_put(text, "\">\n<h3>");
    html_text(text, name);
    text_put(text, "</h3>\n<p>");
    schema_html_type(text, schema);
    if (openapi_text(schema, "description") != NULL) {
        text_put(text, ": ");
        html_prose(text, openapi_text(schema, "description"));
    }
    text_put(text, "</p>\n");
    if (inner_object(schema) != NULL) {
        put_fields(text, inner_object(schema));
    }
    json_array_foreach(json_object_get(schema, "allOf"), index, part) {
        if (inner_object(part) != NULL) {
            put_fields(text, inner_object(part));
        }
    }
    text_put(text, "</section>\n");
}

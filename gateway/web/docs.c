#include "gateway/web/docs.h"

#include "gateway/web/html.h"
#include "gateway/web/openapi.h"
#include "gateway/web/schema_html.h"

struct docs {
    struct text *text;
    const json_t *document;
    const char *tag; /* whose operations are written now */
};

static bool has_tag(const json_t *operation, const char *tag) {
    const char *first = json_string_value(json_array_get(json_object_get(operation, "tags"), 0));
    return first != NULL && strcmp(first, tag) == 0;
}

static void put_method(struct text *text, const char *method) {
    text_format(text, "<b class=\"method %s\">%s</b> ", method, method);
}

/* --- the list at the side */

static void put_link(void *context, const char *path, const char *method, const json_t *operation) {
    struct docs *docs = context;
    if (!has_tag(operation, docs->tag)) {
        return;
    }
    text_put(docs->text, "<li><a href=\"#");
    html_text(docs->text, openapi_text(operation, "operationId"));
    text_put(docs->text, "\">");
    put_method(docs->text, method);
    text_put(docs->text, "<span>");
    html_text(docs->text, path);
    text_put(docs->text, "</span></a></li>\n");
}

static void put_contents(struct docs *docs) {
    size_t index;
    const json_t *tag;
    text_put(docs->text, "<nav>\n<p class=\"name\"><a href=\"#\">usher</a></p>\n");
    json_array_foreach(json_object_get(docs->document, "tags"), index, tag) {
        docs->tag = openapi_text(tag, "name");
        text_put(docs->text, "<h2>");
        html_text(docs->text, docs->tag);
        text_put(docs->text, "</h2>\n<ul>\n");
        openapi_each_operation(docs->document, put_link, docs);
        text_put(docs->text, "</ul>\n");
    }
    text_put(docs->text, "<h2>More</h2>\n<ul><li><a href=\"#schemas\">Schemas</a></li>"
                         "<li><a href=\"#headers\">Headers</a></li>"
                         "<li><a href=\"#codes\">Problems</a></li>"
                         "<li><a href=\"/openapi.json\">openapi.json</a></li></ul>\n</nav>\n");
}

/* --- one operation */

static void put_parameters(struct docs *docs, const json_t *parameters) {
    size_t index;
    const json_t *value;
    text_put(docs->text, "<h4>Asked with</h4>\n<table>\n");
    json_array_foreach(parameters, index, value) {
        const json_t *parameter = openapi_follow(docs->document, value);
        text_put(docs->text, "<tr><th><code>");
        html_text(docs->text, openapi_text(parameter, "name"));
        text_put(docs->text, "</code> <i>");
        html_text(docs->text, openapi_text(parameter, "in"));
        text_put(docs->text, "</i></th><td>");
        html_prose(docs->text, openapi_text(parameter, "description"));
        text_put(docs->text, " <small>");
        schema_html_type(docs->text, json_object_get(parameter, "schema"));
        text_put(docs->text, "</small></td></tr>\n");
    }
    text_put(docs->text, "</table>\n");
}

static void put_example(struct text *text, const char *title, const json_t *value) {
    text_put(text, "<details><summary>");
    html_text(text, title);
    text_put(text, "</summary>\n");
    html_json(text, value);
    text_put(text, "</details>\n");
}

static void put_examples(struct text *text, const json_t *media) {
    const char *name;
    json_t *example;
    if (json_object_get(media, "example") != NULL) {
        put_example(text, "example", json_object_get(media, "example"));
    }
    json_object_foreach(json_object_get(media, "examples"), name, example) {
        put_example(text, name, json_object_get(example, "value"));
    }
}

static void put_body(struct docs *docs, const json_t *body) {
    const json_t *media = json_object_get(json_object_get(body, "content"), "application/json");
    text_put(docs->text, "<h4>Body</h4>\n<p>");
    schema_html_type(docs->text, json_object_get(media, "schema"));
    text_put(docs->text,
             json_is_true(json_object_get(body, "required")) ? "</p>\n" : ", or none</p>\n");
    put_examples(docs->text, media);
}

static void put_codes(struct text *text, const json_t *problems) {
    const char *code;
    json_t *example;
    json_object_foreach((json_t *)problems, code, example) {
        (void)example;
        text_put(text, " <a class=\"code\" href=\"/problems/");
        html_text(text, code);
        text_put(text, "\">");
        html_text(text, code);
        text_put(text, "</a>");
    }
}

static void put_header_names(struct text *text, const json_t *headers) {
    const char *name;
    json_t *header;
    const char *before = "<br><small>headers ";
    bool any = false;
    json_object_foreach((json_t *)headers, name, header) {
        if (strcmp(name, "X-Request-Id") == 0 || strcmp(name, "Cache-Control") == 0) {
            continue; /* which every answer has */
        }
        any = true;
        text_put(text, before);
        text_put(text, "<a href=\"#header-");
        html_text(text, name);
        text_put(text, "\">");
        html_text(text, name);
        text_put(text, "</a>");
        before = ", ";
    }
    text_put(text, any ? "</small>" : "");
}

static void put_response(struct docs *docs, const char *status, const json_t *value) {
    const json_t *response = openapi_follow(docs->document, value);
    const json_t *content = json_object_get(response, "content");
    const json_t *media = json_object_get(content, "application/json");
    text_format(docs->text, "<tr><th class=\"s%c\">", status[0]);
    html_text(docs->text, strcmp(status, "default") == 0 ? "other" : status);
    text_put(docs->text, "</th><td>");
    html_prose(docs->text, openapi_text(response, "description"));
    if (media != NULL) {
        text_put(docs->text, " ");
        schema_html_type(docs->text, json_object_get(media, "schema"));
    }
    put_codes(docs->text, openapi_problems(docs->document, response));
    put_header_names(docs->text, json_object_get(response, "headers"));
    put_examples(docs->text, media);
    text_put(docs->text, "</td></tr>\n");
}

static void put_who(struct text *text, const json_t *operation) {
    const json_t *scheme = json_array_get(json_object_get(operation, "security"), 0);
    if (json_object_get(scheme, "user") != NULL) {
        text_put(text, " <span class=\"badge\">visitor's token</span>");
    } else if (json_object_get(scheme, "adminKey") != NULL) {
        text_put(text, " <span class=\"badge\">admin key</span>");
    }
    if (json_is_true(json_object_get(operation, "x-not-built"))) {
        text_put(text, " <span class=\"badge later\">not built yet: 501</span>");
    }
}

static void put_operation(void *context, const char *path, const char *method,
                          const json_t *operation) {
    struct docs *docs = context;
    struct text *text = docs->text;
    const char *status;
    json_t *response;
    if (!has_tag(operation, docs->tag)) {
        return;
    }
    text_put(text, "<article id=\"");
    html_text(text, openapi_text(operation, "operationId"));
    text_put(text, "\">\n<h3>");
    html_text(text, openapi_text(operation, "summary"));
    put_who(text, operation);
    text_put(text, "</h3>\n<p class=\"path\">");
    put_method(text, method);
    text_put(text, "<code>");
    html_text(text, path);
    text_put(text, "</code></p>\n");
    html_paragraphs(text, openapi_text(operation, "description"));
    put_parameters(docs, json_object_get(operation, "parameters"));
    if (json_object_get(operation, "requestBody") != NULL) {
        put_body(docs, json_object_get(operation, "requestBody"));
    }
    text_put(text, "<h4>Answers</h4>\n<table class=\"answers\">\n");
    json_object_foreach(json_object_get(operation, "responses"), status, response) {
        put_response(docs, status, response);
    }
    text_put(text, "</table>\n</article>\n");
}

/* --- the rest */

static void put_headers(struct text *text, const json_t *headers) {
    const char *name;
    json_t *header;
    text_put(text, "<h2 id=\"headers\">Headers</h2>\n<table>\n");
    json_object_foreach((json_t *)headers, name, header) {
        text_put(text, "<tr id=\"header-");
        html_text(text, name);
        text_put(text, "\"><th><code>");
        html_text(text, name);
        text_put(text, "</code></th><td>");
        html_prose(text, openapi_text(header, "description"));
        text_put(text, " <small>");
        schema_html_type(text, json_object_get(header, "schema"));
        text_put(text, "</small></td></tr>\n");
    }
    text_put(text, "</table>\n");
}

static void put_problems(struct text *text, const json_t *examples) {
    const char *code;
    json_t *example;
    text_put(text, "<h2 id=\"codes\">Problems</h2>\n<table>\n");
    json_object_foreach((json_t *)examples, code, example) {
        const json_t *value = json_object_get(example, "value");
        text_format(text, "<tr><th>%" JSON_INTEGER_FORMAT " <a href=\"/problems/",
                    json_integer_value(json_object_get(value, "status")));
        html_text(text, code);
        text_put(text, "\"><code>");
        html_text(text, code);
        text_put(text, "</code></a></th><td>");
        html_text(text, openapi_text(value, "title"));
        text_put(text, ". <small>");
        html_prose(text, openapi_text(example, "summary"));
        text_put(text, "</small></td></tr>\n");
    }
    text_put(text, "</table>\n");
}

void docs_put(struct text *text, const json_t *document) {
    struct docs docs = {.text = text, .document = document};
    const json_t *info = json_object_get(document, "info");
    const json_t *components = json_object_get(document, "components");
    const json_t *entry;
    const char *name;
    json_t *schema;
    size_t index;
    html_begin(text, "usher: the interface");
    put_contents(&docs);
    text_put(text, "<main>\n<h1>");
    html_text(text, openapi_text(info, "title"));
    text_put(text, " <small>");
    html_text(text, openapi_text(info, "version"));
    text_put(text, "</small></h1>\n<p class=\"lead\">");
    html_text(text, openapi_text(info, "summary"));
    text_put(text, "</p>\n");
    html_paragraphs(text, openapi_text(info, "description"));
    json_array_foreach(json_object_get(document, "tags"), index, entry) {
        docs.tag = openapi_text(entry, "name");
        text_put(text, "<h2>");
        html_text(text, docs.tag);
        text_put(text, "</h2>\n");
        html_paragraphs(text, openapi_text(entry, "description"));
        openapi_each_operation(document, put_operation, &docs);
    }
    text_put(text, "<h2 id=\"schemas\">Schemas</h2>\n");
    json_object_foreach(json_object_get(components, "schemas"), name, schema) {
        schema_html_put(text, name, schema);
    }
    put_headers(text, json_object_get(components, "headers"));
    put_problems(text, json_object_get(components, "examples"));
    text_put(text, "</main>\n");
    html_end(text);
}

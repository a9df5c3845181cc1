#include "gateway/web/html.h"

#include "gateway/web/files.h"

#include <stdlib.h>

void html_begin(struct text *text, const char *title) {
    text_put(text, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                   "<title>");
    html_text(text, title);
    text_put(text, "</title>\n<style>\n");
    text_put(text, web_page_css.text);
    text_put(text, "</style>\n</head>\n<body>\n");
}

void html_end(struct text *text) {
    text_put(text, "</body>\n</html>\n");
}

static void put_escaped(struct text *text, char c) {
    switch (c) {
    case '&':
        text_put(text, "&amp;");
        break;
    case '<':
        text_put(text, "&lt;");
        break;
    case '>':
        text_put(text, "&gt;");
        break;
    case '"':
        text_put(text, "&quot;");
        break;
    default:
        text_add(text, &c, 1);
    }
}

void html_text(struct text *text, const char *plain) {
    for (const char *at = plain != NULL ? plain : ""; *at != '\0'; at++) {
        put_escaped(text, *at);
    }
}

/* Up to `end`. */
static void put_prose(struct text *text, const char *plain, const char *end) {
    bool in_code = false;
    for (const char *at = plain; at < end; at++) {
        if (*at != '`') {
            put_escaped(text, *at);
            continue;
        }
        in_code = !in_code;
        text_put(text, in_code ? "<code>" : "</code>");
    }
    text_put(text, in_code ? "</code>" : "");
}

void html_prose(struct text *text, const char *plain) {
    if (plain != NULL) {
        put_prose(text, plain, plain + strlen(plain));
    }
}

void html_paragraphs(struct text *text, const char *plain) {
    while (plain != NULL && *plain != '\0') {
        const char *gap = strstr(plain, "\n\n");
        const char *end = gap != NULL ? gap : plain + strlen(plain);
        text_put(text, "<p>");
        put_prose(text, plain, end);
        text_put(text, "</p>\n");
        plain = gap != NULL ? gap + 2 : NULL;
    }
}

void html_json(struct text *text, const json_t *value) {
    char *json = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
    text_put(text, "<pre><code>");
    if (json == NULL) {
        text->failed = true;
    }
    html_text(text, json);
    text_put(text, "</code></pre>\n");
    free(json);
}

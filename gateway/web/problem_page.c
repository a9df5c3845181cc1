#include "gateway/web/problem_page.h"

#include "gateway/web/html.h"
#include "gateway/web/openapi.h"

struct page {
    struct text *text;
    const json_t *document;
    const char *code;
    size_t answering;
};

static void put_answering(void *context, const char *path, const char *method,
                          const json_t *operation) {
    struct page *page = context;
    const char *status;
    json_t *response;
    bool answers = false;
    json_object_foreach(json_object_get(operation, "responses"), status, response) {
        const json_t *problems = openapi_problems(page->document, response);
        answers = answers || json_object_get(problems, page->code) != NULL;
    }
    if (!answers) {
        return;
    }
    page->answering++;
    text_put(page->text, "<li><a href=\"/docs#");
    html_text(page->text, openapi_text(operation, "operationId"));
    text_format(page->text, "\"><b class=\"method %s\">%s</b> <code>", method, method);
    html_text(page->text, path);
    text_put(page->text, "</code></a></li>\n");
}

void problem_page_put(struct text *text, const json_t *document, enum problem problem) {
    struct page page = {.text = text, .document = document, .code = problem_code(problem)};
    const json_t *components = json_object_get(document, "components");
    const json_t *example = json_object_get(json_object_get(components, "examples"), page.code);
    html_begin(text, page.code);
    text_put(text, "<main class=\"problem\">\n<p class=\"crumbs\"><a href=\"/docs\">usher</a> / "
                   "problems</p>\n<h1><code>");
    html_text(text, page.code);
    text_format(text, "</code> <span class=\"status\">%d</span></h1>\n<p class=\"lead\">",
                problem_status(problem));
    html_text(text, problem_title(problem));
    text_put(text, ".</p>\n<p>");
    html_prose(text, openapi_text(example, "summary"));
    text_put(text, "</p>\n<h2>How it looks</h2>\n");
    html_json(text, json_object_get(example, "value"));
    text_put(text, "<p>The answer's <code>detail</code> says more, and its "
                   "<code>X-Request-Id</code> is in usher's log.</p>\n"
                   "<h2>Who answers with it</h2>\n<ul class=\"routes\">\n");
    openapi_each_operation(document, put_answering, &page);
    text_put(text, "</ul>\n");
    if (page.answering == 0) {
        text_put(text, "<p>No route by itself: the server answers so before a route is found, or "
                       "the route comes later.</p>\n");
    }
    text_put(text, "</main>\n");
    html_end(text);
}

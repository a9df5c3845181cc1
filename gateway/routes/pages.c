/* GET /openapi.json, /docs and /problems/CODE: texts of the program itself. */
#include "gateway/answers.h"
#include "gateway/routes/routes.h"

static const struct looking json = {.is_page = true};
static const struct looking html = {.is_page = true, .content_type = "text/html; charset=utf-8"};

void route_openapi(void *context, struct http_request *request, const struct route_match *match) {
    (void)match;
    const struct gateway *gateway = context;
    answer_looking(request, web_openapi(gateway->web), &json);
}

void route_docs(void *context, struct http_request *request, const struct route_match *match) {
    (void)match;
    const struct gateway *gateway = context;
    answer_looking(request, web_docs(gateway->web), &html);
}

/* What an error's `type` leads to. */
void route_problem_page(void *context, struct http_request *request,
                        const struct route_match *match) {
    const struct gateway *gateway = context;
    char code[64];
    enum problem problem = PROBLEM_INTERNAL;
    if (!route_match_text(match, 0, code, sizeof code) || !problem_find(code, &problem)) {
        answer_refuse(request, PROBLEM_NOT_FOUND, NULL, NULL);
        return;
    }
    answer_looking(request, web_problem(gateway->web, problem), &html);
}

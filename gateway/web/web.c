#include "gateway/web/web.h"

#include "gateway/web/docs.h"
#include "gateway/web/files.h"
#include "gateway/web/problem_page.h"
#include "shared/log.h"

#include <stdlib.h>

struct web {
    struct body *openapi;
    struct body *docs;
    struct body *problems[PROBLEM_COUNT];
};

static bool make_pages(struct web *web, const json_t *document) {
    struct text text = {0};
    text_add(&text, web_openapi_json.text, web_openapi_json.size_bytes);
    web->openapi = body_create_take(&text, NULL);
    docs_put(&text, document);
    web->docs = body_create_take(&text, NULL);
    bool fine = web->openapi != NULL && web->docs != NULL;
    for (unsigned problem = 0; fine && problem < PROBLEM_COUNT; problem++) {
        problem_page_put(&text, document, (enum problem)problem);
        web->problems[problem] = body_create_take(&text, NULL);
        fine = web->problems[problem] != NULL;
    }
    return fine;
}

struct web *web_create(void) {
    struct web *web = calloc(1, sizeof *web);
    json_error_t error = {.text = "no memory"};
    json_t *document = json_loadb(web_openapi_json.text, web_openapi_json.size_bytes, 0, &error);
    if (web == NULL || document == NULL || !make_pages(web, document)) {
        log_write(LOG_ERROR, "pages-unusable", "The pages about the interface can't be made.",
                  LOG_TEXT("why", error.text));
        web_destroy(web);
        web = NULL;
    }
    json_decref(document);
    return web;
}

void web_destroy(struct web *web) {
    if (web == NULL) {
        return;
    }
    body_release(web->openapi);
    body_release(web->docs);
    for (size_t i = 0; i < PROBLEM_COUNT; i++) {
        body_release(web->problems[i]);
    }
    free(web);
}

struct body *web_openapi(const struct web *web) {
    return web->openapi;
}

struct body *web_docs(const struct web *web) {
    return web->docs;
}

struct body *web_problem(const struct web *web, enum problem problem) {
    return web->problems[problem];
}

#include "gateway/answers.h"

#include "shared/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

static void release_text(void *context) {
    free(context);
}

void answer_json_take(struct http_request *request, int status, struct text *text) {
    if (text->failed) {
        text_free(text);
        answer_refuse(request, PROBLEM_INTERNAL, NULL, NULL);
        return;
    }
    http_answer_header(request, "Cache-Control", "no-store");
    http_respond_shared(request, status, "application/json", text->data, text->size_bytes,
                        release_text, text->data);
    *text = (struct text){0};
}

void answer_refuse(struct http_request *request, enum problem problem, const char *detail,
                   const char *members) {
    if (problem_status(problem) >= 500 && problem != PROBLEM_NOT_BUILT) {
        log_write(LOG_INFO, "request-refused", "A request could not be served.",
                  LOG_TEXT("request", http_request_id(request)),
                  LOG_TEXT("code", problem_code(problem)));
    }
    uint32_t retry_after_seconds = problem_status(problem) == 503 ? RETRY_AFTER_SECONDS : 0;
    problem_respond(request, problem, detail, members, retry_after_seconds);
}

/* One element of the list, without its parameters; *at moves behind it. Returns its length. */
static size_t next_element(const char **at, const char **element, const char **parameters) {
    *at += strspn(*at, " \t,");
    *element = *at;
    *at += strcspn(*at, ",");
    size_t size = (size_t)(*at - *element);
    *parameters = memchr(*element, ';', size);
    if (*parameters != NULL) {
        size = (size_t)(*parameters - *element);
    }
    while (size > 0 && ((*element)[size - 1] == ' ' || (*element)[size - 1] == '\t')) {
        size--;
    }
    return size;
}

static bool quality_is_zero(const char *parameters) {
    if (parameters == NULL) {
        return false;
    }
    parameters += strspn(parameters, "; \t");
    if (strncasecmp(parameters, "q=", 2) != 0) {
        return false;
    }
    parameters += 2;
    size_t digits = strspn(parameters, "0.");
    return digits > 0 && strchr(", \t", parameters[digits]) != NULL;
}

bool accepts_gzip(const char *accept_encoding) {
    const char *at = accept_encoding != NULL ? accept_encoding : "";
    bool any = false;
    while (*at != '\0') {
        const char *element = NULL;
        const char *parameters = NULL;
        size_t size = next_element(&at, &element, &parameters);
        if (size == 4 && strncasecmp(element, "gzip", size) == 0) {
            return !quality_is_zero(parameters);
        }
        if (size == 1 && *element == '*') {
            any = !quality_is_zero(parameters);
        }
    }
    return any;
}

/* Whether If-None-Match names this entity tag, compared weakly; the gzip variant counts as the
 * same. */
static bool caller_has_it(const char *if_none_match, const char *etag) {
    const char *at = if_none_match != NULL ? if_none_match : "";
    size_t etag_size = strlen(etag);
    while (*at != '\0') {
        const char *element = NULL;
        const char *parameters = NULL;
        size_t size = next_element(&at, &element, &parameters);
        if (size == 1 && *element == '*') {
            return true;
        }
        if (size > 2 && strncmp(element, "W/", 2) == 0) {
            element += 2;
            size -= 2;
        }
        if (size < etag_size + 2 || *element != '"' || strncmp(element + 1, etag, etag_size) != 0) {
            continue;
        }
        const char *rest = element + 1 + etag_size;
        size_t rest_size = size - 1 - etag_size;
        if ((rest_size == 1 && *rest == '"') ||
            (rest_size == 6 && strncmp(rest, "-gzip\"", rest_size) == 0)) {
            return true;
        }
    }
    return false;
}

static void release_body(void *context) {
    body_release(context);
}

static size_t write_lines(char lines[BODY_LINES_SIZE], const struct body *body,
                          const struct looking *looking, bool gzip) {
    bool strong = looking->immutable || looking->is_page;
    int size = snprintf(
        lines, BODY_LINES_SIZE,
        "ETag: %s\"%s%s\"\r\nVary: Accept-Encoding\r\nCache-Control: public, max-age=%s\r\n",
        strong ? "" : "W/", body->etag, strong && gzip ? "-gzip" : "",
        looking->immutable ? "31536000, immutable"
        : looking->is_page ? "300"
                           : "1, stale-if-error=600");
    ensure(size > 0 && size < BODY_LINES_SIZE);
    return (size_t)size;
}

/* Written once for all who look at the same. */
static void put_lines(struct http_request *request, struct body *body,
                      const struct looking *looking, bool gzip) {
    char lines[BODY_LINES_SIZE];
    if (looking->immutable || looking->is_page) {
        http_answer_lines(request, lines, write_lines(lines, body, looking, gzip));
        return;
    }
    if (body->lines_bytes == 0) {
        body->lines_bytes = write_lines(body->lines, body, looking, gzip);
    }
    http_answer_lines(request, body->lines, body->lines_bytes);
}

void answer_looking(struct http_request *request, struct body *body,
                    const struct looking *looking) {
    bool gzip =
        accepts_gzip(http_request_header(request, "Accept-Encoding")) && body_compress(body);
    put_lines(request, body, looking, gzip);
    if (looking->is_stale) {
        char seconds[24];
        (void)snprintf(seconds, sizeof seconds, "%" PRId64, looking->age_us / 1000000);
        http_answer_header(request, "Age", seconds);
    }
    if (caller_has_it(http_request_header(request, "If-None-Match"), body->etag)) {
        http_respond(request, 304, NULL, NULL, 0);
        return;
    }
    if (gzip) {
        http_answer_header(request, "Content-Encoding", "gzip");
    }
    http_respond_shared(request, 200,
                        looking->content_type != NULL ? looking->content_type : "application/json",
                        gzip ? (void *)body->gzip : body->data,
                        gzip ? body->gzip_bytes : body->size_bytes, release_body, body_keep(body));
}

#include "gateway/input.h"

#include "gateway/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { LIST_LIMIT_DEFAULT = 20, LIST_LIMIT_MAX = 100, FIELD_NAME_MAX_BYTES = 80 };

static bool is_json(const char *content_type) {
    size_t size = strcspn(content_type, "; \t");
    return (size == 16 && strncasecmp(content_type, "application/json", size) == 0) ||
           (size > 5 && strncasecmp(content_type + size - 5, "+json", 5) == 0);
}

json_t *input_read(struct http_request *request, bool may_be_empty) {
    size_t size = 0;
    const char *body = http_request_body(request, &size);
    const char *content_type = http_request_header(request, "Content-Type");
    if (size == 0 && may_be_empty) {
        json_t *empty = json_object();
        if (empty == NULL) {
            answer_refuse(request, PROBLEM_INTERNAL, NULL, NULL);
        }
        return empty;
    }
    if (content_type != NULL && !is_json(content_type)) {
        answer_refuse(request, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "Send application/json.", NULL);
        return NULL;
    }
    json_error_t error;
    json_t *document = json_loadb(body, size, JSON_REJECT_DUPLICATES, &error);
    if (document == NULL) {
        char detail[JSON_ERROR_TEXT_LENGTH + 64];
        (void)snprintf(detail, sizeof detail,
                       "The body is not JSON that can be read: %s (line %d).", error.text,
                       error.line);
        answer_refuse(request, PROBLEM_BAD_REQUEST, detail, NULL);
        return NULL;
    }
    if (!json_is_object(document)) {
        json_decref(document);
        input_refuse_field(request, "", "has to be an object");
        return NULL;
    }
    return document;
}

void input_problem(struct catalogue_problems *problems, const char *field, const char *problem) {
    if (problems->count < CATALOGUE_PROBLEMS_MAX) {
        uint32_t at = problems->count++;
        (void)snprintf(problems->items[at].field, sizeof problems->items[at].field, "%s", field);
        (void)snprintf(problems->items[at].problem, sizeof problems->items[at].problem, "%s",
                       problem);
    }
}

void input_known_fields(const json_t *object, const char *path, const char *const *known,
                        struct catalogue_problems *problems) {
    for (void *at = json_object_iter((json_t *)object); at != NULL;
         at = json_object_iter_next((json_t *)object, at)) {
        const char *name = json_object_iter_key(at);
        const char *const *match = known;
        while (*match != NULL && strcmp(*match, name) != 0) {
            match++;
        }
        if (*match == NULL) {
            char field[sizeof problems->items[0].field];
            (void)snprintf(field, sizeof field, "%s%s%s", path, *path != '\0' ? "." : "",
                           strlen(name) <= FIELD_NAME_MAX_BYTES ? name : "(a long name)");
            problems->unknown_field = problems->unknown_field || problems->count == 0;
            input_problem(problems, field, "is not known");
        }
    }
}

void input_refuse(struct http_request *request, const struct catalogue_problems *problems) {
    struct text members = {0};
    text_put(&members, "\"errors\":[");
    for (uint32_t i = 0; i < problems->count; i++) {
        text_put(&members, i > 0 ? ",{\"field\":" : "{\"field\":");
        text_json(&members, problems->items[i].field);
        text_put(&members, ",\"problem\":");
        text_json(&members, problems->items[i].problem);
        text_put(&members, "}");
    }
    text_add(&members, "]", sizeof "]");
    answer_refuse(request, problems->unknown_field ? PROBLEM_UNKNOWN_FIELD : PROBLEM_INVALID, NULL,
                  members.failed ? NULL : members.data);
    text_free(&members);
}

void input_refuse_field(struct http_request *request, const char *field, const char *problem) {
    struct catalogue_problems problems = {0};
    input_problem(&problems, field, problem);
    input_refuse(request, &problems);
}

bool input_nothing(struct http_request *request) {
    static const char *const no_fields[] = {NULL};
    struct catalogue_problems problems = {0};
    json_t *document = input_read(request, true);
    if (document == NULL) {
        return false;
    }
    input_known_fields(document, "", no_fields, &problems);
    json_decref(document);
    if (problems.count > 0) {
        input_refuse(request, &problems);
    }
    return problems.count == 0;
}

bool input_idempotency_key(struct http_request *request, const char **key) {
    *key = http_request_header(request, "Idempotency-Key");
    if (*key == NULL) {
        return true;
    }
    size_t size = strlen(*key);
    bool visible = size >= 1 && size <= INPUT_KEY_MAX_BYTES;
    for (size_t i = 0; i < size && visible; i++) {
        visible = (*key)[i] > 0x20 && (*key)[i] < 0x7f;
    }
    if (!visible) {
        input_refuse_field(request, "Idempotency-Key",
                           "has to be 1 to 128 visible ASCII characters");
    }
    return visible;
}

bool input_u64(const char *text, uint64_t *value) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 19 || text[digits] != '\0' || text[0] == '0') {
        return false;
    }
    *value = strtoull(text, NULL, 10);
    return *value <= INT64_MAX;
}

bool input_limit(struct http_request *request, uint32_t *limit) {
    const char *text = http_request_query(request, "limit");
    uint64_t value = LIST_LIMIT_DEFAULT;
    if (text != NULL && (!input_u64(text, &value) || value > LIST_LIMIT_MAX)) {
        input_refuse_field(request, "limit", "has to be 1 to 100");
        return false;
    }
    *limit = (uint32_t)value;
    return true;
}

#include "gateway/web/openapi.h"

const json_t *openapi_follow(const json_t *document, const json_t *value) {
    const char *at = openapi_text(value, "$ref");
    if (at == NULL) {
        return value;
    }
    const json_t *found = document;
    at += strcspn(at, "/");
    while (*at == '/') {
        char part[64];
        size_t size = strcspn(++at, "/");
        if (size >= sizeof part) {
            return NULL;
        }
        memcpy(part, at, size);
        part[size] = '\0';
        found = json_object_get(found, part);
        at += size;
    }
    return found;
}

const char *openapi_name(const json_t *value) {
    const char *reference = openapi_text(value, "$ref");
    const char *slash = reference != NULL ? strrchr(reference, '/') : NULL;
    return slash != NULL ? slash + 1 : NULL;
}

const char *openapi_text(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

void openapi_each_operation(const json_t *document,
                            void (*each)(void *context, const char *path, const char *method,
                                         const json_t *operation),
                            void *context) {
    const char *path;
    const char *method;
    json_t *methods;
    json_t *operation;
    json_object_foreach(json_object_get(document, "paths"), path, methods) {
        json_object_foreach(methods, method, operation) {
            each(context, path, method, operation);
        }
    }
}

const json_t *openapi_problems(const json_t *document, const json_t *response) {
    const json_t *content = json_object_get(openapi_follow(document, response), "content");
    return json_object_get(json_object_get(content, "application/problem+json"), "examples");
}

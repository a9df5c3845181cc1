#include "tests/support/contract.h"

#include "tests/support/expect.h"
#include "tests/support/http_message.h"

#include <stdio.h>
#include <strings.h>
#include <zlib.h>

enum { PATH_SIZE = 1024, HEADER_SIZE = 512, UNPACKED_MAX_BYTES = 64 << 20 };

struct contract {
    json_t *document;
    struct schemas *schemas;
};

struct contract *contract_open(void) {
    struct contract *contract = calloc(1, sizeof *contract);
    json_error_t error;
    ensure(contract != NULL);
    contract->document = json_load_file(USHER_OPENAPI, JSON_REJECT_DUPLICATES, &error);
    expect(contract->document != NULL, "%s, line %d: %s", USHER_OPENAPI, error.line, error.text);
    contract->schemas = schemas_create(contract->document);
    return contract;
}

void contract_close(struct contract *contract) {
    if (contract != NULL) {
        schemas_destroy(contract->schemas);
        json_decref(contract->document);
        free(contract);
    }
}

const json_t *contract_document(const struct contract *contract) {
    return contract->document;
}

struct schemas *contract_schemas(const struct contract *contract) {
    return contract->schemas;
}

/* --- which operation */

/* Without its query, percent-decoded; false when usher would not take it for a path. */
static bool read_path(const char *target, char path[PATH_SIZE]) {
    size_t size = 0;
    for (const char *at = target; *at != '\0' && *at != '?'; at++) {
        char c = *at;
        if (c == '%') {
            unsigned byte = 0;
            int used = 0;
            char digits[3] = {at[1], at[1] != '\0' ? at[2] : '\0', '\0'};
            char *end = NULL;
            byte = (unsigned)strtoul(digits, &end, 16);
            used = (int)(end - digits);
            if (used != 2 || byte == 0 || byte == '/') {
                return false;
            }
            c = (char)byte;
            at += 2;
        }
        if (size + 1 >= PATH_SIZE) {
            return false;
        }
        path[size++] = c;
    }
    path[size] = '\0';
    return path[0] == '/';
}

static bool path_fits(const char *pattern, const char *path) {
    while (*pattern == '/' && *path == '/') {
        size_t pattern_size = strcspn(++pattern, "/");
        size_t size = strcspn(++path, "/");
        bool same = size == pattern_size && strncmp(pattern, path, size) == 0;
        if (!same && (*pattern != '{' || size == 0)) {
            return false;
        }
        pattern += pattern_size;
        path += size;
    }
    return *pattern == '\0' && *path == '\0';
}

const char *contract_find_path(const struct contract *contract, const char *target) {
    char path[PATH_SIZE];
    const char *pattern;
    const char *found = NULL;
    json_t *operations;
    if (!read_path(target, path)) {
        return NULL;
    }
    json_object_foreach(json_object_get(contract->document, "paths"), pattern, operations) {
        if (strcmp(pattern, path) == 0) {
            return pattern; /* what is literal comes before what fits */
        }
        if (found == NULL && path_fits(pattern, path)) {
            found = pattern;
        }
    }
    return found;
}

/* As the router does: a method that the literal path does not have may be another's that fits (GET
 * /bookings/reserve asks for a booking). */
static const json_t *find_operation(const struct contract *contract, const char *target,
                                    const char *method) {
    const char *literal = contract_find_path(contract, target);
    const json_t *paths = json_object_get(contract->document, "paths");
    const json_t *operation =
        literal != NULL ? json_object_get(json_object_get(paths, literal), method) : NULL;
    char path[PATH_SIZE];
    const char *pattern;
    json_t *operations;
    if (operation != NULL || literal == NULL || !read_path(target, path)) {
        return operation;
    }
    json_object_foreach((json_t *)paths, pattern, operations) {
        if (operation == NULL && path_fits(pattern, path)) {
            operation = json_object_get(operations, method);
        }
    }
    return operation;
}

static const json_t *find_responses(const struct contract *contract,
                                    const struct contract_answer *answer) {
    char method[HTTP_MESSAGE_METHOD_SIZE];
    size_t size = 0;
    if (answer->method == NULL) {
        return json_object_get(contract->document, "x-unread");
    }
    for (; answer->method[size] != '\0' && size + 1 < sizeof method; size++) {
        method[size] = (char)(answer->method[size] | 0x20);
    }
    method[size] = '\0';
    const json_t *operation =
        find_operation(contract, answer->target, strcmp(method, "head") == 0 ? "get" : method);
    return operation != NULL ? json_object_get(operation, "responses")
                             : json_object_get(contract->document, "x-unrouted");
}

static const json_t *find_response(const struct contract *contract,
                                   const struct contract_answer *answer) {
    char status[16];
    (void)snprintf(status, sizeof status, "%d", answer->status);
    const json_t *responses = find_responses(contract, answer);
    const json_t *response = json_object_get(responses, status);
    return schemas_follow(contract->schemas,
                          response != NULL ? response : json_object_get(responses, "default"));
}

/* --- headers */

static bool read_header(const char *head, const char *name, char value[HEADER_SIZE]) {
    size_t size = 0;
    const char *text = http_message_header(head, name, &size);
    if (text != NULL) {
        (void)snprintf(value, HEADER_SIZE, "%.*s", (int)size, text);
    }
    return text != NULL;
}

/* A header's text as the JSON value that its schema speaks of. */
static json_t *header_value(const json_t *schema, const char *text) {
    const char *type = json_string_value(json_object_get(schema, "type"));
    char *end = NULL;
    long long number = strtoll(text, &end, 10);
    bool is_number = type != NULL && strcmp(type, "integer") == 0 && *text != '\0' && *end == '\0';
    return is_number ? json_integer(number) : json_string(text);
}

/* Those that are told are there, where they have to be, and as told. */
static bool check_told_headers(struct contract *contract, const json_t *told, const char *head,
                               char problem[CONTRACT_PROBLEM_SIZE]) {
    const char *name;
    json_t *reference;
    json_object_foreach((json_t *)told, name, reference) {
        const json_t *header = schemas_follow(contract->schemas, reference);
        char text[HEADER_SIZE];
        char why[SCHEMA_PROBLEM_SIZE];
        if (!read_header(head, name, text)) {
            if (json_is_true(json_object_get(header, "required"))) {
                (void)snprintf(problem, CONTRACT_PROBLEM_SIZE, "there is no header %s", name);
                return false;
            }
            continue;
        }
        const json_t *schema = json_object_get(header, "schema");
        json_t *value = header_value(schema, text);
        bool fits = schemas_accept(contract->schemas, schema, value, why);
        json_decref(value);
        if (!fits) {
            (void)snprintf(problem, CONTRACT_PROBLEM_SIZE, "header %s%s", name, why);
            return false;
        }
    }
    return true;
}

static bool is_told(const json_t *told, const char *line, size_t name_size) {
    const char *name;
    json_t *header;
    json_object_foreach((json_t *)told, name, header) {
        if (strlen(name) == name_size && strncasecmp(name, line, name_size) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_headers(struct contract *contract, const json_t *response, const char *head,
                          char problem[CONTRACT_PROBLEM_SIZE]) {
    const json_t *own = json_object_get(response, "headers");
    const json_t *general =
        json_object_get(json_object_get(contract->document, "x-every-answer"), "headers");
    for (const char *end = strstr(head, "\r\n"); end != NULL; end = strstr(end + 2, "\r\n")) {
        const char *line = end + 2;
        size_t size = strcspn(line, ":\r");
        if (size > 0 && !is_told(own, line, size) && !is_told(general, line, size)) {
            (void)snprintf(problem, CONTRACT_PROBLEM_SIZE, "header %.*s is not documented",
                           (int)size, line);
            return false;
        }
    }
    return check_told_headers(contract, own, head, problem) &&
           check_told_headers(contract, general, head, problem);
}

/* --- bodies */

/* The caller's, free. */
static char *unpack(const char *packed, size_t packed_bytes, size_t *size_bytes) {
    size_t capacity = packed_bytes * 4 + 1024;
    char *plain = NULL;
    int result = Z_BUF_ERROR;
    z_stream stream = {.next_in = (Bytef *)packed, .avail_in = (uInt)packed_bytes};
    expect(inflateInit2(&stream, 15 + 16) == Z_OK, "zlib has no memory");
    while (result != Z_STREAM_END && capacity <= UNPACKED_MAX_BYTES) {
        plain = realloc(plain, capacity);
        ensure(plain != NULL);
        stream.next_out = (Bytef *)plain + stream.total_out;
        stream.avail_out = (uInt)(capacity - stream.total_out);
        result = inflate(&stream, Z_NO_FLUSH);
        expect(result == Z_OK || result == Z_BUF_ERROR || result == Z_STREAM_END,
               "an answer's gzip can't be read");
        capacity *= 2;
    }
    *size_bytes = stream.total_out;
    (void)inflateEnd(&stream);
    return plain;
}

static json_t *read_json(const struct contract_answer *answer) {
    char encoding[HEADER_SIZE];
    json_t *value = NULL;
    /* A client may have unpacked it. */
    bool is_packed = answer->body_bytes > 2 && memcmp(answer->body, "\x1f\x8b", 2) == 0;
    if (is_packed && read_header(answer->head, "Content-Encoding", encoding)) {
        size_t size = 0;
        char *plain = unpack(answer->body, answer->body_bytes, &size);
        value = json_loadb(plain, size, JSON_REJECT_DUPLICATES, NULL);
        free(plain);
    } else {
        value = json_loadb(answer->body, answer->body_bytes, JSON_REJECT_DUPLICATES, NULL);
    }
    return value;
}

/* A code has one status, which its example shows. */
static bool check_problem(const struct contract *contract, const json_t *body, int status) {
    const char *type = json_string_value(json_object_get(body, "type"));
    const char *code = json_string_value(json_object_get(body, "code"));
    const json_t *components = json_object_get(contract->document, "components");
    const json_t *example = json_object_get(json_object_get(components, "examples"), code);
    const json_t *shown = json_object_get(json_object_get(example, "value"), "status");
    return type != NULL && code != NULL && strncmp(type, "/problems/", 10) == 0 &&
           strcmp(type + 10, code) == 0 && json_integer_value(shown) == status &&
           json_integer_value(json_object_get(body, "status")) == status;
}

static bool check_json(struct contract *contract, const json_t *media, const char *type,
                       const struct contract_answer *answer, char problem[CONTRACT_PROBLEM_SIZE]) {
    json_t *body = read_json(answer);
    bool fits = body != NULL;
    if (!fits) {
        (void)snprintf(problem, CONTRACT_PROBLEM_SIZE, "the body is not JSON");
    } else if (!schemas_accept(contract->schemas, json_object_get(media, "schema"), body,
                               problem)) {
        fits = false;
    } else if (strcmp(type, "application/problem+json") == 0 &&
               !check_problem(contract, body, answer->status)) {
        (void)snprintf(problem, CONTRACT_PROBLEM_SIZE, "type, code and status don't agree");
        fits = false;
    }
    json_decref(body);
    return fits;
}

static bool check_body(struct contract *contract, const json_t *response,
                       const struct contract_answer *answer, char problem[CONTRACT_PROBLEM_SIZE]) {
    const json_t *content = json_object_get(response, "content");
    char type[HEADER_SIZE];
    bool is_head = answer->method != NULL && strcmp(answer->method, "HEAD") == 0;
    if (json_object_size(content) == 0 || (is_head && answer->body_bytes == 0)) {
        (void)snprintf(problem, CONTRACT_PROBLEM_SIZE, "there is a body of %zu bytes",
                       answer->body_bytes);
        return answer->body_bytes == 0;
    }
    if (!read_header(answer->head, "Content-Type", type)) {
        (void)snprintf(problem, CONTRACT_PROBLEM_SIZE, "there is no Content-Type");
        return false;
    }
    type[strcspn(type, ";")] = '\0';
    const json_t *media = json_object_get(content, type);
    if (media == NULL) {
        (void)snprintf(problem, CONTRACT_PROBLEM_SIZE, "a body of %.100s", type);
        return false;
    }
    return strstr(type, "json") == NULL || check_json(contract, media, type, answer, problem);
}

bool contract_allows(struct contract *contract, const struct contract_answer *answer,
                     char problem[CONTRACT_PROBLEM_SIZE]) {
    const json_t *response = find_response(contract, answer);
    if (response == NULL) {
        (void)snprintf(problem, CONTRACT_PROBLEM_SIZE, "status %d is not documented",
                       answer->status);
        return false;
    }
    return check_headers(contract, response, answer->head, problem) &&
           check_body(contract, response, answer, problem);
}

/* The document is read once, by the first answer. */
static struct contract *the_contract(void) {
    static struct contract *contract;
    if (contract == NULL) {
        contract = contract_open();
    }
    return contract;
}

void contract_expect(const struct contract_answer *answer) {
    char problem[CONTRACT_PROBLEM_SIZE];
    expect(contract_allows(the_contract(), answer, problem),
           "not as documented: %s %.200s answers %d: %s\n%.600s",
           answer->method != NULL ? answer->method : "no request", answer->target, answer->status,
           problem, answer->body);
}

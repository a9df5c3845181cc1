#include "gateway/http/request.h"

#include "shared/ids.h"

#include <stdlib.h>
#include <strings.h>

/* --- what the parser library says ------------------------------------------------------------ */

/* The library reads our copy of the head, so its pieces are places in it; pieces of one text are
 * neighbours. */
static char *own(struct http_request *request, const char *at) {
    return request->texts.data + (at - request->texts.data);
}

static void take_target(void *context, const char *at, size_t size_bytes) {
    struct http_request *request = context;
    if (!request->target)
        request->target = own(request, at);
    request->target_size = (size_t)(at + size_bytes - request->target);
}

static void take_name(void *context, const char *at, size_t size_bytes) {
    struct http_request *request = context;
    struct http_field *field = NULL;
    if (request->field_count)
        field = &request->fields[request->field_count - 1];
    if (!field || field->name + field->name_size != at) {
        ensure(request->field_count < HTTP_HEADERS_MAX); /* the guard has counted them */
        field = &request->fields[request->field_count++];
        *field = (struct http_field){.name = own(request, at), .lines = 1};
    }
    field->name_size = (uint16_t)(field->name_size + size_bytes);
}

static void take_value(void *context, const char *at, size_t size_bytes) {
    struct http_request *request = context;
    ensure(request->field_count > 0);
    struct http_field *field = &request->fields[request->field_count - 1];
    if (size_bytes == 0) /* http-parser places an empty value in the next line */
        return;
    if (!field->value)
        field->value = own(request, at);
    field->value_size = (uint16_t)(at + size_bytes - field->value);
}

static bool take_body(void *context, const char *at, size_t size_bytes) {
    struct http_request *request = context;
    request->body_refused = size_bytes > request->body_max - request->body.size_bytes;
    if (request->body_refused)
        return false;
    request->no_memory = !http_buffer_reserve(&request->body, size_bytes + 1);
    if (request->no_memory)
        return false;
    http_buffer_put(&request->body, at, size_bytes);
    request->body.data[request->body.size_bytes] = '\0';
    return true;
}

static const struct http_parse_events parse_events = {
    .on_target = take_target,
    .on_name = take_name,
    .on_value = take_value,
    .on_body = take_body,
};

/* --- life ------------------------------------------------------------------------------------ */

struct http_request *http_request_create(void) {
    struct http_request *request = calloc(1, sizeof *request);
    if (!request)
        return NULL;
    request->parse = http_parse_create(&parse_events, request);
    if (!request->parse) {
        free(request);
        return NULL;
    }
    request->own_id = id128_random();
    http_request_reset(request);
    return request;
}

void http_request_destroy(struct http_request *request) {
    if (!request)
        return;
    http_parse_destroy(request->parse);
    http_buffer_reset(&request->texts, 0);
    http_buffer_reset(&request->body, 0);
    http_buffer_reset(&request->answer, 0);
    free(request);
}

static void make_id(struct http_request *request) {
    for (size_t i = sizeof request->own_id.bytes; i-- > 0;)
        if (++request->own_id.bytes[i] != 0)
            break;
    id128_to_text(&request->own_id, request->id);
    request->id_is_callers = false;
}

void http_request_reset(struct http_request *request) {
    request->connection = NULL;
    request->next_free = NULL;
    request->chunk = (struct http_chunk_guard){0};
    request->method = HTTP_METHOD_OTHER;
    request->keep_alive = false;
    request->is_http_1_0 = false;
    request->is_chunked = false;
    request->expects_continue = false;
    request->body_refused = false;
    request->no_memory = false;
    request->is_parsed = false;
    request->left_bytes = 0;
    request->body_max = HTTP_BODY_MAX_BYTES;
    request->target = NULL;
    request->target_size = 0;
    request->path = "";
    request->query = "";
    request->field_count = 0;
    request->pair_count = 0;
    request->tag = NULL;
    request->context = NULL;
    request->on_gone = NULL;
    request->on_taken = NULL;
    http_buffer_reset(&request->texts, HTTP_REQUEST_KEEP_BYTES);
    http_buffer_reset(&request->body, HTTP_REQUEST_KEEP_BYTES);
    http_buffer_reset(&request->answer, HTTP_REQUEST_KEEP_BYTES);
    make_id(request);
}

/* --- the head -------------------------------------------------------------------------------- */

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* Puts a NUL behind every text: over the separator that follows it. */
static void end_texts(struct http_request *request) {
    if (request->target)
        request->target[request->target_size] = '\0';
    for (uint32_t i = 0; i < request->field_count; i++) {
        struct http_field *field = &request->fields[i];
        field->name[field->name_size] = '\0';
        if (!field->value)
            continue;
        while (field->value_size && is_blank(field->value[field->value_size - 1]))
            field->value_size--;
        field->value[field->value_size] = '\0';
    }
}

static const char *value_of(const struct http_field *field) {
    return field->value ? field->value : "";
}

/* Fields of one name become one, in order, joined by ", " (RFC 9110, 5.3). */
static void join_fields(struct http_request *request) {
    for (uint32_t i = 0; i < request->field_count; i++) {
        struct http_field *field = &request->fields[i];
        for (uint32_t j = i + 1; j < request->field_count && field->lines; j++) {
            struct http_field *other = &request->fields[j];
            if (!other->lines || other->name_size != field->name_size ||
                strcasecmp(other->name, field->name) != 0)
                continue;
            if (field->lines++ == 1) {
                const char *first = value_of(field);
                field->value = request->texts.data + request->texts.size_bytes;
                http_buffer_put_text(&request->texts, first);
            }
            http_buffer_put_text(&request->texts, ", ");
            http_buffer_put_text(&request->texts, value_of(other));
            other->lines = 0;
        }
        if (field->lines > 1)
            http_buffer_put(&request->texts, "", 1);
    }
}

static const struct http_field *find_field(const struct http_request *request, const char *name) {
    size_t size = strlen(name);
    for (uint32_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (field->lines && field->name_size == size && strcasecmp(field->name, name) == 0)
            return field;
    }
    return NULL;
}

/* RFC 9112, 3.2: an HTTP/1.1 request names its host exactly once. The characters are those of RFC
 * 3986, 3.2.2. */
static int check_host(const struct http_request *request) {
    const struct http_field *host = find_field(request, "host");
    if (!host)
        return request->is_http_1_0 ? 0 : 400;
    for (const char *c = value_of(host); *c; c++)
        if (*c <= ' ' || *c == 0x7f || strchr("/?#@\\,\"<>^`{|}", *c))
            return 400;
    return host->lines > 1 ? 400 : 0;
}

static bool read_length(const char *text, uint64_t *length) {
    *length = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || *length >= UINT64_MAX / 10)
            return false;
        *length = *length * 10 + (uint64_t)(*c - '0');
    }
    return *text != '\0';
}

static int check_framing(struct http_request *request) {
    const struct http_field *length = find_field(request, "content-length");
    if (length && (length->lines > 1 || !read_length(value_of(length), &request->left_bytes)))
        return 400;
    const struct http_field *coding = find_field(request, "transfer-encoding");
    if (!coding)
        return 0;
    if (length || request->is_http_1_0)
        return 400;
    if (strcasecmp(value_of(coding), "chunked") != 0)
        return 501;
    request->is_chunked = true;
    return 0;
}

static int check_expect(struct http_request *request) {
    const struct http_field *expect = find_field(request, "expect");
    if (!expect || request->is_http_1_0)
        return 0;
    request->expects_continue = strcasecmp(value_of(expect), "100-continue") == 0;
    return request->expects_continue ? 0 : 417;
}

static bool has_option(const char *list, const char *option) {
    size_t size = strlen(option);
    while (*list) {
        list += strspn(list, " \t,");
        size_t length = strcspn(list, " \t,");
        if (length == size && strncasecmp(list, option, size) == 0)
            return true;
        list += length;
    }
    return false;
}

static void read_connection(struct http_request *request) {
    const struct http_field *connection = find_field(request, "connection");
    const char *options = connection ? value_of(connection) : "";
    bool may = !request->is_http_1_0 || has_option(options, "keep-alive");
    request->keep_alive = may && !has_option(options, "close");
}

static void read_id(struct http_request *request) {
    static const char sane[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const struct http_field *field = find_field(request, "x-request-id");
    const char *id = field ? value_of(field) : "";
    size_t size = strspn(id, sane);
    if (size == 0 || size >= HTTP_REQUEST_ID_SIZE || id[size] != '\0')
        return;
    memcpy(request->id, id, size + 1);
    request->id_is_callers = true;
}

static enum http_method method_of(const char *text) {
    static const struct {
        const char *text;
        enum http_method method;
    } methods[] = {
        {"GET", HTTP_METHOD_GET},       {"POST", HTTP_METHOD_POST},
        {"HEAD", HTTP_METHOD_HEAD},     {"PATCH", HTTP_METHOD_PATCH},
        {"DELETE", HTTP_METHOD_DELETE}, {"OPTIONS", HTTP_METHOD_OPTIONS},
    };
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        if (strcmp(text, methods[i].text) == 0)
            return methods[i].method;
    return HTTP_METHOD_OTHER;
}

static int read_target(struct http_request *request) {
    if (!request->target || !http_target_read(request->target, &request->path, &request->query))
        return 400;
    if (*request->path == '*')
        return request->method == HTTP_METHOD_OPTIONS ? 0 : 400;
    if (*request->query == '\0')
        return 0;
    char *copy = request->texts.data + request->texts.size_bytes;
    http_buffer_put(&request->texts, request->query, strlen(request->query) + 1);
    return http_query_read(copy, request->pairs, HTTP_QUERY_MAX, &request->pair_count) ? 0 : 400;
}

int http_request_take_head(struct http_request *request, const char *head, size_t size_bytes) {
    /* Room for the head, for values joined and for the query decoded: neither is longer than the
     * head. */
    if (!http_buffer_reserve(&request->texts, 3 * size_bytes + 2))
        return 503;
    http_buffer_put(&request->texts, head, size_bytes);
    http_parse_begin(request->parse);
    enum http_parse_result result =
        http_parse_feed(request->parse, request->texts.data, size_bytes);
    if (result == HTTP_PARSE_UNKNOWN_METHOD)
        return 501;
    request->is_http_1_0 = http_parse_minor_version(request->parse) == 0;
    request->is_parsed = result == HTTP_PARSE_COMPLETE;
    end_texts(request);
    join_fields(request);
    read_id(request);
    int refusal = check_host(request);
    if (!refusal)
        refusal = check_framing(request);
    if (!refusal)
        refusal = check_expect(request);
    if (refusal)
        return refusal;
    if (result == HTTP_PARSE_INVALID)
        return 400;
    const char *method = http_parse_method(request->parse);
    if (strcmp(method, "CONNECT") == 0)
        return 501;
    request->method = method_of(method);
    read_connection(request);
    return read_target(request);
}

/* --- the body -------------------------------------------------------------------------------- */

int http_guard_refusal(enum http_guard_result result) {
    switch (result) {
    case HTTP_GUARD_MORE:
    case HTTP_GUARD_END:
        return 0;
    case HTTP_GUARD_TOO_LARGE:
        return 431;
    case HTTP_GUARD_VERSION:
        return 505;
    case HTTP_GUARD_INVALID:
        break;
    }
    return 400;
}

bool http_request_has_body(const struct http_request *request) {
    return request->is_chunked || request->left_bytes > 0;
}

int http_request_limit_body(struct http_request *request, size_t max_bytes) {
    request->body_max = max_bytes;
    return request->left_bytes > max_bytes ? 413 : 0;
}

int http_request_take_body(struct http_request *request, const char *data, size_t size_bytes,
                           size_t *used_bytes, bool *whole) {
    *whole = false;
    if (request->is_chunked) {
        enum http_guard_result result =
            http_chunk_guard_scan(&request->chunk, data, size_bytes, used_bytes);
        int refusal = http_guard_refusal(result);
        if (refusal)
            return refusal;
        *whole = result == HTTP_GUARD_END;
    } else {
        *used_bytes = size_bytes < request->left_bytes ? size_bytes : (size_t)request->left_bytes;
        request->left_bytes -= *used_bytes;
        *whole = request->left_bytes == 0;
    }
    if (*used_bytes) {
        enum http_parse_result result = http_parse_feed(request->parse, data, *used_bytes);
        if (request->body_refused)
            return 413;
        if (request->no_memory)
            return 503;
        if (result != HTTP_PARSE_MORE && result != HTTP_PARSE_COMPLETE)
            return 400;
        request->is_parsed = result == HTTP_PARSE_COMPLETE;
    }
    /* Guard and library must agree on where the message ends. */
    return *whole == request->is_parsed ? 0 : 400;
}

/* --- what users see -------------------------------------------------------------------------- */

enum http_method http_request_method(const struct http_request *request) {
    return request->method;
}

const char *http_request_path(const struct http_request *request) {
    return request->path;
}

const char *http_request_query(const struct http_request *request, const char *name) {
    for (uint32_t i = 0; i < request->pair_count; i++)
        if (strcmp(request->pairs[i].name, name) == 0)
            return request->pairs[i].value;
    return NULL;
}

const char *http_request_query_string(const struct http_request *request) {
    return request->query;
}

const char *http_request_header(const struct http_request *request, const char *name) {
    const struct http_field *field = find_field(request, name);
    return field ? value_of(field) : NULL;
}

const char *http_request_body(const struct http_request *request, size_t *size_bytes) {
    *size_bytes = request->body.size_bytes;
    return request->body.size_bytes ? request->body.data : "";
}

const char *http_request_id(const struct http_request *request) {
    return request->id;
}

const struct id128 *http_request_own_id(const struct http_request *request) {
    return request->id_is_callers ? NULL : &request->own_id;
}

bool http_request_lists(const struct http_request *request, const char *name, const char *token) {
    const struct http_field *field = find_field(request, name);
    return field && has_option(value_of(field), token);
}

bool http_request_is_http_1_0(const struct http_request *request) {
    return request->is_http_1_0;
}

void http_request_set_context(struct http_request *request, void *context,
                              void (*on_gone)(void *context, struct http_request *request)) {
    request->context = context;
    request->on_gone = on_gone;
}

void *http_request_context(const struct http_request *request) {
    return request->context;
}

void http_request_set_tag(struct http_request *request, const void *tag) {
    request->tag = tag;
}

const void *http_request_tag(const struct http_request *request) {
    return request->tag;
}

#include "ops/benchmarks/answer.h"

#include <ctype.h>
#include <strings.h>

static const char version[] = "HTTP/1.1 ";
static const char length_name[] = "Content-Length:";
enum { STATUS_DIGITS = 3, LENGTH_DIGITS_MAX = 9, NO_CONTENT = 204 };

static bool read_number(const char *text, const char *end, size_t *number) {
    const char *start = text;
    for (*number = 0; text < end && isdigit((unsigned char)*text); text++)
        *number = *number * 10 + (size_t)(*text - '0');
    return text > start && text - start <= LENGTH_DIGITS_MAX && text == end;
}

/* `head` ends behind the line feed of its last line. */
static bool find_length(const char *head, const char *end, size_t *length) {
    while (head < end) {
        const char *line_end = memchr(head, '\r', (size_t)(end - head));
        if (line_end == NULL)
            return false;
        if ((size_t)(line_end - head) > sizeof length_name - 1 &&
            strncasecmp(head, length_name, sizeof length_name - 1) == 0) {
            const char *value = head + sizeof length_name - 1;
            while (value < line_end && *value == ' ')
                value++;
            return read_number(value, line_end, length);
        }
        head = line_end + 2;
    }
    return false;
}

enum answer_state answer_read(const char *bytes, size_t size_bytes, struct answer *answer) {
    const char *head_end = memmem(bytes, size_bytes, "\r\n\r\n", 4);
    if (head_end == NULL)
        return ANSWER_PARTIAL;
    const char *status = bytes + sizeof version - 1;
    size_t number;
    if (status + STATUS_DIGITS > head_end || memcmp(bytes, version, sizeof version - 1) != 0 ||
        !read_number(status, status + STATUS_DIGITS, &number))
        return ANSWER_STRANGE;
    answer->body_bytes = 0;
    if (number != NO_CONTENT && !find_length(status, head_end + 2, &answer->body_bytes))
        return ANSWER_STRANGE;
    answer->status = (int)number;
    answer->body = head_end + 4;
    size_t received = size_bytes - (size_t)(answer->body - bytes);
    if (received < answer->body_bytes)
        return ANSWER_PARTIAL;
    return received == answer->body_bytes ? ANSWER_WHOLE : ANSWER_STRANGE;
}

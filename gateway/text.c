#include "gateway/text.h"

#include "shared/clock.h"
#include "shared/decimal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_FIRST_BYTES = 512, TEXT_FORMAT_MAX_BYTES = 512 };

void text_free(struct text *text) {
    free(text->data);
    *text = (struct text){0};
}

void text_reserve(struct text *text, size_t size_bytes) {
    if (text->failed || text->capacity_bytes - text->size_bytes >= size_bytes) {
        return;
    }
    size_t capacity = text->capacity_bytes > 0 ? text->capacity_bytes : TEXT_FIRST_BYTES;
    while (capacity - text->size_bytes < size_bytes) {
        capacity *= 2;
    }
    char *data = realloc(text->data, capacity);
    if (data == NULL) {
        text->failed = true;
        return;
    }
    text->data = data;
    text->capacity_bytes = capacity;
}

void text_add(struct text *text, const char *data, size_t size_bytes) {
    text_reserve(text, size_bytes);
    if (!text->failed && size_bytes > 0) {
        memcpy(text->data + text->size_bytes, data, size_bytes);
        text->size_bytes += size_bytes;
    }
}

void text_put(struct text *text, const char *string) {
    text_add(text, string, strlen(string));
}

void text_number(struct text *text, int64_t number) {
    char digits[DECIMAL_MAX_BYTES];
    uint64_t size = number < 0 ? -(uint64_t)number : (uint64_t)number;
    text_put(text, number < 0 ? "-" : "");
    text_add(text, digits, (size_t)(decimal_put(digits, size, 1) - digits));
}

void text_format(struct text *text, const char *format, ...) {
    char line[TEXT_FORMAT_MAX_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    ensure(size >= 0 && size < (int)sizeof line);
    text_add(text, line, (size_t)size);
}

static bool is_plain(char c) {
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

void text_json(struct text *text, const char *string) {
    text_add(text, "\"", 1);
    while (*string != '\0') {
        size_t plain = 0;
        while (is_plain(string[plain])) {
            plain++;
        }
        text_add(text, string, plain);
        string += plain;
        if (*string == '"' || *string == '\\') {
            text_format(text, "\\%c", *string++);
        } else if (*string != '\0') {
            text_format(text, "\\u%04x", (unsigned char)*string++);
        }
    }
    text_add(text, "\"", 1);
}

void text_time(struct text *text, int64_t unix_us) {
    char time[TIME_TEXT_SIZE];
    text_put(text, "\"");
    text_put(text, time_to_text(unix_us, time));
    text_put(text, "\"");
}

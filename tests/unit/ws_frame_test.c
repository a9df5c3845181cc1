/* The framing of WebSockets: what the Autobahn test suite asks of a server in its groups 1 to 7 and
 * 9, each whole, byte by byte and cut in two at every place. */
#include "gateway/ws/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { STREAM_MAX_BYTES = 16 * 1024, SEEN_MAX_BYTES = 32 * 1024 };

/* --- what a client sends --------------------------------------------------------------------- */

struct stream {
    char bytes[STREAM_MAX_BYTES];
    size_t size_bytes;
};

static void put(struct stream *stream, const void *bytes, size_t size_bytes) {
    assert_true(size_bytes <= sizeof stream->bytes - stream->size_bytes);
    memcpy(stream->bytes + stream->size_bytes, bytes, size_bytes);
    stream->size_bytes += size_bytes;
}

/* A masked frame with its length written in `length_bytes` more bytes. */
static void put_frame_as(struct stream *stream, uint8_t first, const char *payload,
                         size_t size_bytes, size_t length_bytes) {
    static const uint8_t mask[4] = {0xa5, 0x00, 0x5a, 0xff};
    uint8_t header[10] = {first, (uint8_t)size_bytes};
    if (length_bytes)
        header[1] = length_bytes == 2 ? 126 : 127;
    header[1] |= 0x80;
    for (size_t i = 0; i < length_bytes; i++)
        header[2 + i] = (uint8_t)((uint64_t)size_bytes >> (8 * (length_bytes - 1 - i)));
    put(stream, header, 2 + length_bytes);
    put(stream, mask, sizeof mask);
    for (size_t i = 0; i < size_bytes; i++) {
        char byte = (char)(payload[i] ^ mask[i % 4]);
        put(stream, &byte, 1);
    }
}

static void put_frame(struct stream *stream, uint8_t first, const char *payload,
                      size_t size_bytes) {
    put_frame_as(stream, first, payload, size_bytes, size_bytes < 126 ? 0 : 2);
}

/* --- what the decoder makes of it ------------------------------------------------------------ */

struct seen {
    char text[SEEN_MAX_BYTES];
    size_t size_bytes;
    bool is_over;
};

static void note(struct seen *seen, const struct ws_received *received) {
    static const char *const names[] = {
        [WS_RECEIVED_TEXT] = "text",         [WS_RECEIVED_PING] = "ping",
        [WS_RECEIVED_PONG] = "pong",         [WS_RECEIVED_CLOSE] = "close",
        [WS_RECEIVED_VIOLATION] = "refused",
    };
    char code[16] = "";
    if (received->code)
        (void)snprintf(code, sizeof code, " %d", received->code);
    int size = snprintf(seen->text + seen->size_bytes, SEEN_MAX_BYTES - seen->size_bytes,
                        "%s%s%s <%.*s>", seen->size_bytes ? ", " : "", names[received->kind], code,
                        (int)received->size_bytes, received->size_bytes ? received->data : "");
    seen->size_bytes += (size_t)size;
    assert_in_range(seen->size_bytes, 0, SEEN_MAX_BYTES - 1);
    seen->is_over = received->kind == WS_RECEIVED_CLOSE || received->kind == WS_RECEIVED_VIOLATION;
}

static void feed(struct ws_decoder *decoder, const char *bytes, size_t size_bytes,
                 struct seen *seen) {
    struct ws_received received = {.kind = WS_RECEIVED_TEXT};
    char *copy = malloc(size_bytes + 1); /* the sanitizer watches its end */
    assert_non_null(copy);
    memcpy(copy, bytes, size_bytes);
    size_t used = 0;
    while (!seen->is_over && received.kind != WS_RECEIVED_NOTHING) {
        used += ws_decoder_take(decoder, copy + used, size_bytes - used, &received);
        assert_in_range(used, 0, size_bytes);
        if (received.kind != WS_RECEIVED_NOTHING)
            note(seen, &received);
        else
            assert_int_equal(used, size_bytes);
    }
    free(copy);
}

/* The stream in pieces of at most `piece` bytes, the first of them `first` bytes long. */
static void decode(const struct stream *stream, size_t first, size_t piece, struct seen *seen) {
    struct ws_decoder decoder = {0};
    size_t at = 0;
    *seen = (struct seen){0};
    for (size_t now = first; at < stream->size_bytes && !seen->is_over; now = piece) {
        now = now < stream->size_bytes - at ? now : stream->size_bytes - at;
        feed(&decoder, stream->bytes + at, now, seen);
        at += now;
    }
    bool is_partial = decoder.in_message || decoder.in_payload;
    if (!is_partial && !seen->is_over)
        assert_null(decoder.kept.data);
    ws_decoder_free(&decoder);
}

static void expect_seen(const char *name, const struct stream *stream, const char *expected) {
    struct seen *seen = malloc(sizeof *seen);
    assert_non_null(seen);
    decode(stream, stream->size_bytes, stream->size_bytes, seen);
    if (strcmp(seen->text, expected) != 0)
        fail_msg("%s: %s instead of %s", name, seen->text, expected);
    decode(stream, 1, 1, seen);
    if (strcmp(seen->text, expected) != 0)
        fail_msg("%s, byte by byte: %s instead of %s", name, seen->text, expected);
    size_t step = stream->size_bytes / 200 + 1;
    for (size_t cut = 1; cut < stream->size_bytes; cut += step) {
        decode(stream, cut, stream->size_bytes, seen);
        if (strcmp(seen->text, expected) != 0)
            fail_msg("%s, cut at %zu: %s instead of %s", name, cut, seen->text, expected);
    }
    free(seen);
}

/* --- frames ---------------------------------------------------------------------------------- */

struct piece {
    uint8_t first;
    const char *payload;
    size_t size_bytes;
};

#define FRAME(first, payload)                                                                      \
    { first, payload, sizeof(payload) - 1 }
/* FIN and opcode of the frames below. */
#define TEXT 0x81
#define BEGIN 0x01
#define GO_ON 0x00
#define END 0x80
#define CLOSE 0x88
#define PING 0x89
#define PONG 0x8a
#define UTF8 "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"

static const struct {
    const char *name;
    struct piece pieces[9]; /* up to one without a payload */
    const char *seen;
} cases[] = {
    {"1: texts", {FRAME(TEXT, ""), FRAME(TEXT, "Hello")}, "text <>, text <Hello>"},
    {"1: binary", {FRAME(0x82, "x")}, "refused 1003 <>"},
    {"1: empty binary", {FRAME(0x82, "")}, "refused 1003 <>"},
    {"2: pings", {FRAME(PING, ""), FRAME(PING, "a\xff")}, "ping <>, ping <a\xff>"},
    {"2: pongs",
     {FRAME(PONG, ""), FRAME(PONG, "b"), FRAME(PING, "c")},
     "pong <>, pong <b>, ping <c>"},
    {"3: reserved bit 1", {FRAME(TEXT, "a"), FRAME(0xc1, "b")}, "text <a>, refused 1002 <>"},
    {"3: reserved bit 2", {FRAME(0xa1, "b")}, "refused 1002 <>"},
    {"3: reserved bit 3", {FRAME(0x99, "")}, "refused 1002 <>"},
    {"4: opcode 3", {FRAME(0x83, "")}, "refused 1002 <>"},
    {"4: opcode 7", {FRAME(0x07, "x")}, "refused 1002 <>"},
    {"4: opcode 11", {FRAME(0x8b, "")}, "refused 1002 <>"},
    {"4: opcode 15", {FRAME(TEXT, "a"), FRAME(0x8f, "x")}, "text <a>, refused 1002 <>"},
    {"5: a ping in fragments", {FRAME(0x09, "a"), FRAME(END, "b")}, "refused 1002 <>"},
    {"5: a pong in fragments", {FRAME(0x0a, "a"), FRAME(END, "b")}, "refused 1002 <>"},
    {"5: a close in fragments", {FRAME(0x08, ""), FRAME(END, "")}, "refused 1002 <>"},
    {"5: two fragments", {FRAME(BEGIN, "He"), FRAME(END, "llo")}, "text <Hello>"},
    {"5: a ping between",
     {FRAME(BEGIN, "He"), FRAME(PING, "p"), FRAME(END, "llo")},
     "ping <p>, text <Hello>"},
    {"5: much between",
     {FRAME(BEGIN, "a"), FRAME(PING, "1"), FRAME(GO_ON, "b"), FRAME(PONG, "2"), FRAME(GO_ON, ""),
      FRAME(PING, ""), FRAME(END, "c"), FRAME(TEXT, "d")},
     "ping <1>, pong <2>, ping <>, text <abc>, text <d>"},
    {"5: a close between",
     {FRAME(BEGIN, "a"), FRAME(CLOSE, "\x03\xe8"), FRAME(END, "b")},
     "close 1000 <>"},
    {"5: nothing to go on with", {FRAME(END, "x")}, "refused 1002 <>"},
    {"5: nothing to go on with any more",
     {FRAME(BEGIN, "a"), FRAME(END, "b"), FRAME(GO_ON, "c")},
     "text <ab>, refused 1002 <>"},
    {"5: a text in a text", {FRAME(BEGIN, "a"), FRAME(TEXT, "b")}, "refused 1002 <>"},
    {"5: another begins in a text", {FRAME(BEGIN, "a"), FRAME(BEGIN, "b")}, "refused 1002 <>"},
    {"5: binary in a text", {FRAME(BEGIN, "a"), FRAME(0x82, "b")}, "refused 1002 <>"},
    {"6: empty fragments", {FRAME(BEGIN, ""), FRAME(GO_ON, ""), FRAME(END, "")}, "text <>"},
    {"6: one of them is not", {FRAME(BEGIN, ""), FRAME(GO_ON, "x"), FRAME(END, "")}, "text <x>"},
    {"6: only the last is not", {FRAME(BEGIN, ""), FRAME(END, "xy")}, "text <xy>"},
    {"6: UTF-8", {FRAME(TEXT, UTF8)}, "text <" UTF8 ">"},
    {"6: a character in two fragments",
     {FRAME(BEGIN, "\xce"), FRAME(END, "\xba")},
     "text <\xce\xba>"},
    {"6: and a ping in the character",
     {FRAME(BEGIN, "\xf4\x8f"), FRAME(PING, "\xff"), FRAME(GO_ON, "\xbf"), FRAME(END, "\xbf")},
     "ping <\xff>, text <\xf4\x8f\xbf\xbf>"},
    {"6: a character without its end", {FRAME(TEXT, "a\xce")}, "refused 1007 <>"},
    {"6: … in fragments", {FRAME(BEGIN, "a\xce"), FRAME(END, "")}, "refused 1007 <>"},
    {"6: an early refusal",
     {FRAME(BEGIN, "a\xce"
                   "a")},
     "refused 1007 <>"},
    {"6: a surrogate", {FRAME(TEXT, "\xed\xa0\x80")}, "refused 1007 <>"},
    {"6: longer than need be", {FRAME(TEXT, "\xc0\xaf")}, "refused 1007 <>"},
    {"6: … of three", {FRAME(TEXT, "\xe0\x9f\xbf")}, "refused 1007 <>"},
    {"6: … of four", {FRAME(TEXT, "\xf0\x8f\xbf\xbf")}, "refused 1007 <>"},
    {"6: beyond Unicode", {FRAME(TEXT, "\xf4\x90\x80\x80")}, "refused 1007 <>"},
    {"6: five bytes", {FRAME(TEXT, "\xf8\x88\x80\x80\x80")}, "refused 1007 <>"},
    {"6: 0xff", {FRAME(TEXT, "a\xff")}, "refused 1007 <>"},
    {"6: a continuation byte", {FRAME(TEXT, "\x80")}, "refused 1007 <>"},
    {"6: the borders",
     {FRAME(TEXT, "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xed\x9f\xbf")},
     "text <\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xed\x9f\xbf>"},
    {"7: close", {FRAME(CLOSE, ""), FRAME(TEXT, "late")}, "close 1005 <>"},
    {"7: one byte", {FRAME(CLOSE, "\x03")}, "refused 1002 <>"},
    {"7: a code", {FRAME(CLOSE, "\x03\xe8")}, "close 1000 <>"},
    {"7: a reason",
     {FRAME(CLOSE, "\x03\xe9"
                   "bye " UTF8)},
     "close 1001 <bye " UTF8 ">"},
    {"7: a reason that is not UTF-8", {FRAME(CLOSE, "\x03\xe8\xce\x61")}, "refused 1007 <>"},
    {"7: a reason that is cut",
     {FRAME(CLOSE, "\x03\xe8"
                   "a\xce")},
     "refused 1007 <>"},
};

static void test_cases(void **state UNUSED) {
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stream stream = {.size_bytes = 0};
        for (const struct piece *piece = cases[i].pieces; piece->payload; piece++)
            put_frame(&stream, piece->first, piece->payload, piece->size_bytes);
        expect_seen(cases[i].name, &stream, cases[i].seen);
    }
}

static void test_close_codes(void **state UNUSED) {
    for (unsigned code = 0; code <= UINT16_MAX; code++) {
        bool may = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                   (code >= 3000 && code <= 4999);
        const char payload[2] = {(char)(code >> 8), (char)code};
        char expected[32];
        struct stream stream = {.size_bytes = 0};
        struct seen seen;
        put_frame(&stream, CLOSE, payload, sizeof payload);
        decode(&stream, stream.size_bytes, 1, &seen);
        (void)snprintf(expected, sizeof expected, may ? "close %u <>" : "refused 1002 <>", code);
        assert_string_equal(seen.text, expected);
    }
}

/* --- lengths --------------------------------------------------------------------------------- */

static char letters[WS_MESSAGE_MAX_BYTES + 1];

static void expect_length(uint8_t first, size_t size_bytes, size_t length_bytes,
                          const char *refusal) {
    char expected[WS_MESSAGE_MAX_BYTES + 32];
    struct stream *stream = calloc(1, sizeof *stream);
    assert_non_null(stream);
    put_frame_as(stream, first, letters, size_bytes, length_bytes);
    (void)snprintf(expected, sizeof expected, "%s <%.*s>", first == TEXT ? "text" : "ping",
                   (int)size_bytes, letters);
    expect_seen("a length", stream, refusal ? refusal : expected);
    free(stream);
}

static void test_lengths(void **state UNUSED) {
    static const size_t sizes[] = {0, 1, 65, 124, 125, 126, 127, 128, 255, 256, 4095, 4096};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        expect_length(TEXT, sizes[i], sizes[i] < 126 ? 0 : 2, NULL);
    expect_length(TEXT, 4097, 2, "refused 1009 <>");
    expect_length(PING, 125, 0, NULL);
    expect_length(PING, 126, 2, "refused 1002 <>");
    /* not the shortest way */
    expect_length(TEXT, 0, 2, "refused 1002 <>");
    expect_length(TEXT, 125, 2, "refused 1002 <>");
    expect_length(TEXT, 126, 8, "refused 1002 <>");
    expect_length(TEXT, 4096, 8, "refused 1002 <>");
    expect_length(PING, 1, 2, "refused 1002 <>");
}

/* Refused by what the header says, whatever follows. */
static void test_headers(void **state UNUSED) {
    static const struct {
        const char *bytes;
        size_t size_bytes;
        const char *seen;
    } headers[] = {
        {"\x81\x05Hello", 7, "refused 1002 <>"}, /* no mask */
        {"\x89\x00", 2, "refused 1002 <>"},
        {"\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff", 10, "refused 1002 <>"},
        {"\x81\xff\x00\x00\x00\x00\x00\x01\x00\x00", 10, "refused 1009 <>"},
        {"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10, "refused 1009 <>"},
        {"\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00", 10, "refused 1002 <>"},
        {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, "refused 1002 <>"},
        {"\x81\xfe\x10\x01", 4, "refused 1009 <>"},
        {"\x81\xfe\x10\x00", 4, ""},
        {"\x88\xfe", 2, "refused 1002 <>"},
        {"GET / HTTP/1.1", 14, "refused 1002 <>"},
    };
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct stream stream = {.size_bytes = 0};
        put(&stream, headers[i].bytes, headers[i].size_bytes);
        expect_seen("a header", &stream, headers[i].seen);
    }
}

static void test_the_limit_over_fragments(void **state UNUSED) {
    struct stream stream = {.size_bytes = 0};
    char expected[WS_MESSAGE_MAX_BYTES + 256];
    put_frame(&stream, BEGIN, letters, 2000);
    put_frame(&stream, PING, letters, 125); /* does not count */
    put_frame(&stream, GO_ON, letters + 2000, 2000);
    struct stream full = stream;
    put_frame(&full, END, letters + 4000, 96);
    (void)snprintf(expected, sizeof expected, "ping <%.125s>, text <%.4096s>", letters, letters);
    expect_seen("a full message", &full, expected);
    put_frame(&stream, END, letters + 4000, 97);
    (void)snprintf(expected, sizeof expected, "ping <%.125s>, refused 1009 <>", letters);
    expect_seen("one byte more", &stream, expected);
}

/* --- encoding -------------------------------------------------------------------------------- */

static void test_encoded_headers(void **state UNUSED) {
    static const struct {
        size_t size_bytes;
        const char *header;
        size_t header_bytes;
    } headers[] = {
        {0, "\x81\x00", 2},
        {125, "\x81\x7d", 2},
        {126, "\x81\x7e\x00\x7e", 4},
        {65535, "\x81\x7e\xff\xff", 4},
        {65536, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10},
    };
    char *text = calloc(1, 65536);
    assert_non_null(text);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct ws_frame *frame = ws_frame_create(WS_OPCODE_TEXT, text, headers[i].size_bytes);
        assert_non_null(frame);
        assert_int_equal(frame->size_bytes, headers[i].header_bytes + headers[i].size_bytes);
        assert_memory_equal(frame->bytes, headers[i].header, headers[i].header_bytes);
        assert_memory_equal(frame->bytes + headers[i].header_bytes, text, headers[i].size_bytes);
        ws_frame_release(frame);
    }
    free(text);
}

static void expect_frame(struct ws_frame *frame, const char *bytes, size_t size_bytes) {
    assert_non_null(frame);
    assert_int_equal(frame->size_bytes, size_bytes);
    assert_memory_equal(frame->bytes, bytes, size_bytes);
    ws_frame_release(frame);
}

static void test_encoded_control_frames(void **state UNUSED) {
    expect_frame(ws_frame_create(WS_OPCODE_PING, NULL, 0), "\x89\x00", 2);
    expect_frame(ws_frame_create(WS_OPCODE_PONG, "ab", 2),
                 "\x8a\x02"
                 "ab",
                 4);
    expect_frame(ws_frame_create_close(WS_CLOSE_NO_CODE, ""), "\x88\x00", 2);
    expect_frame(ws_frame_create_close(1001, ""), "\x88\x02\x03\xe9", 4);
    expect_frame(ws_frame_create_close(1013, "later"), "\x88\x07\x03\xf5later", 9);
}

static void test_shared_frames(void **state UNUSED) {
    struct ws_frame *frame = ws_frame_create(WS_OPCODE_TEXT, "a", 1);
    assert_non_null(frame);
    assert_ptr_equal(ws_frame_hold(frame), frame);
    ws_frame_release(frame);
    assert_int_equal(frame->bytes[2], 'a'); /* still held once */
    ws_frame_release(frame);
    ws_frame_release(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_close_codes),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_the_limit_over_fragments),
        cmocka_unit_test(test_encoded_headers),
        cmocka_unit_test(test_encoded_control_frames),
        cmocka_unit_test(test_shared_frames),
    };
    for (size_t i = 0; i < sizeof letters; i++)
        letters[i] = (char)('a' + i % 26);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

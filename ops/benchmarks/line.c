#include "ops/benchmarks/line.h"

#include "shared/ids.h"
#include "shared/room.h"

#include <inttypes.h>
#include <nats/nats.h>
#include <stdlib.h>

enum { WAIT_MS = 10000, PUBLISHED_WAIT_MS = 60000, EVENT = 1 };

struct line {
    natsConnection *connection;
    jsCtx *jetstream;
    uint32_t refused; /* counted on nats.c's one thread for that */
};

static bool is_fine(natsStatus status, const char *what) {
    if (status == NATS_OK)
        return true;
    fprintf(stderr, "%s: %s: %s\n", what, natsStatus_GetText(status), nats_GetLastError(NULL));
    return false;
}

static void on_refused(jsCtx *jetstream, jsPubAckErr *error, void *closure) {
    (void)jetstream, (void)error;
    ((struct line *)closure)->refused++;
}

static bool line_open(struct line *line, const char *nats_url) {
    *line = (struct line){0};
    jsOptions options;
    natsStatus status = jsOptions_Init(&options);
    options.Wait = WAIT_MS;
    options.PublishAsync.MaxPending = LINE_IN_FLIGHT;
    options.PublishAsync.StallWait = WAIT_MS;
    options.PublishAsync.ErrHandler = on_refused;
    options.PublishAsync.ErrHandlerClosure = line;
    if (status == NATS_OK)
        status = natsConnection_ConnectTo(&line->connection, nats_url);
    if (status == NATS_OK)
        status = natsConnection_JetStream(&line->jetstream, line->connection, &options);
    return is_fine(status, nats_url);
}

static void line_close(struct line *line) {
    jsCtx_Destroy(line->jetstream);
    natsConnection_Destroy(line->connection);
    nats_CloseAndWait(WAIT_MS);
}

/* --- publishing */

static bool make_stream(const struct line *line, const char *stream, const char *subject) {
    jsStreamConfig config;
    natsStatus status = jsStreamConfig_Init(&config);
    config.Name = stream;
    config.Subjects = &subject;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    if (status == NATS_OK)
        status = js_AddStream(NULL, line->jetstream, &config, NULL, NULL);
    return is_fine(status, stream);
}

/* Somebody's join; `everybody` ends with "*". NULL without memory. */
static natsMsg *make_message(const char *everybody) {
    static const char first_span[] = "0";
    char subject[ROOM_SUBJECT_SIZE + ID128_TEXT_SIZE];
    char user[ID128_TEXT_SIZE];
    natsMsg *message = NULL;
    struct id128 dice = id128_random();
    snprintf(subject, sizeof subject, "%.*s%s", (int)strlen(everybody) - 1, everybody,
             id128_to_text(&dice, user));
    return natsMsg_Create(&message, subject, NULL, first_span, sizeof first_span - 1) == NATS_OK
               ? message
               : NULL;
}

static bool publish_messages(struct line *line, const char *stream, natsMsg **messages,
                             uint32_t people, struct stopwatch *watch) {
    jsPubOptions options;
    natsStatus status = jsPubOptions_Init(&options);
    options.ExpectStream = stream;
    options.ExpectNoMessage = true;
    stopwatch_start(watch);
    for (uint32_t i = 0; i < people && status == NATS_OK; i++)
        status = js_PublishMsgAsync(line->jetstream, &messages[i], &options);
    options.MaxWait = PUBLISHED_WAIT_MS;
    if (status == NATS_OK)
        status = js_PublishAsyncComplete(line->jetstream, &options);
    stopwatch_stop(watch);
    if (line->refused > 0)
        fprintf(stderr, "%" PRIu32 " messages were not stored\n", line->refused);
    return is_fine(status, "publishing") && line->refused == 0;
}

/* Everything is made before the first is sent. */
static bool publish_all(struct line *line, const char *stream, const char *everybody,
                        uint32_t people, struct stopwatch *watch) {
    natsMsg **messages = calloc(people, sizeof *messages);
    ensure(messages != NULL);
    for (uint32_t i = 0; i < people; i++) {
        messages[i] = make_message(everybody);
        ensure(messages[i] != NULL);
    }
    bool published = publish_messages(line, stream, messages, people, watch);
    for (uint32_t i = 0; i < people; i++)
        natsMsg_Destroy(messages[i]);
    free(messages);
    return published;
}

bool line_publish(const char *nats_url, uint32_t people, struct stopwatch *watch) {
    struct line line;
    struct id128 installation = id128_random(); /* so that no usher has it */
    char stream[ROOM_STREAM_SIZE];
    char subject[ROOM_SUBJECT_SIZE];
    room_stream_name(stream, &installation, EVENT);
    room_subject(subject, &installation, EVENT, NULL);
    bool published = line_open(&line, nats_url) && make_stream(&line, stream, subject);
    if (published) {
        published = publish_all(&line, stream, subject, people, watch);
        published =
            is_fine(js_DeleteStream(line.jetstream, stream, NULL, NULL), stream) && published;
    }
    line_close(&line);
    return published;
}

bool line_fill(const char *nats_url, const char *stream, uint32_t people, struct stopwatch *watch) {
    struct line line;
    jsStreamInfo *info = NULL;
    bool filled = line_open(&line, nats_url) &&
                  is_fine(js_GetStreamInfo(&info, line.jetstream, stream, NULL, NULL), stream) &&
                  publish_all(&line, stream, info->Config->Subjects[0], people, watch);
    jsStreamInfo_Destroy(info);
    line_close(&line);
    return filled;
}

/* --- reading */

static bool print_message(natsMsg *message, FILE *out, uint64_t *left) {
    jsMsgMetaData *about = NULL;
    struct id128 user;
    char text[ID128_TEXT_SIZE];
    if (!is_fine(natsMsg_GetMetaData(&about, message), natsMsg_GetSubject(message)))
        return false;
    *left = about->NumPending;
    bool right = room_subject_user(natsMsg_GetSubject(message), &user) == STATUS_OK;
    if (right)
        fprintf(out, "%" PRIu64 "\t%s\n", about->Sequence.Stream, id128_to_text(&user, text));
    else
        fprintf(stderr, "%s is no subject of a person\n", natsMsg_GetSubject(message));
    jsMsgMetaData_Destroy(about);
    return right;
}

static bool print_all(natsSubscription *subscription, FILE *out, uint64_t left) {
    bool right = true;
    while (right && left > 0) {
        natsMsg *message = NULL;
        right = is_fine(natsSubscription_NextMsg(&message, subscription, WAIT_MS), "reading") &&
                print_message(message, out, &left);
        natsMsg_Destroy(message);
    }
    return right;
}

bool line_print(const char *nats_url, const char *stream, FILE *out) {
    struct line line;
    jsStreamInfo *info = NULL;
    natsSubscription *subscription = NULL;
    jsSubOptions options;
    ensure(jsSubOptions_Init(&options) == NATS_OK);
    options.Stream = stream;
    options.Ordered = true;
    bool right = line_open(&line, nats_url) &&
                 is_fine(js_GetStreamInfo(&info, line.jetstream, stream, NULL, NULL), stream) &&
                 is_fine(js_SubscribeSync(&subscription, line.jetstream, info->Config->Subjects[0],
                                          NULL, &options, NULL),
                         stream) &&
                 print_all(subscription, out, info->State.Msgs);
    natsSubscription_Destroy(subscription);
    jsStreamInfo_Destroy(info);
    line_close(&line);
    return right;
}

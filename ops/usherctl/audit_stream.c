#include "ops/usherctl/audit_stream.h"

#include <inttypes.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONNECT_MS = 5000, FETCH_MS = 10000, FETCHED_AT_A_TIME = 1000, SPAN_DIGITS_MAX = 9 };

struct audit_stream {
    natsConnection *connection;
    jsCtx *jetstream;
    natsSubscription *subscription;
    natsMsgList fetched;
    int taken;              /* of these */
    uint64_t last_received; /* counted by the consumer */
    char name[ROOM_STREAM_SIZE];
    bool at_end;
};

static enum status unavailable(const char *what, natsStatus status,
                               char error[AUDIT_STREAM_ERROR_SIZE]) {
    const char *more = nats_GetLastError(NULL);
    (void)snprintf(error, AUDIT_STREAM_ERROR_SIZE, "%s: %s%s%s", what, natsStatus_GetText(status),
                   more != NULL && more[0] != '\0' ? ": " : "", more != NULL ? more : "");
    return STATUS_UNAVAILABLE;
}

struct audit_stream *audit_stream_open(const char *url, const char *name,
                                       char error[AUDIT_STREAM_ERROR_SIZE]) {
    struct audit_stream *stream = calloc(1, sizeof *stream);
    natsOptions *options = NULL;
    ensure(stream != NULL && strlen(name) < sizeof stream->name);
    memcpy(stream->name, name, strlen(name) + 1);
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK)
        status = natsOptions_SetURL(options, url);
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(options, CONNECT_MS);
    if (status == NATS_OK) /* what is read is of one run of the server */
        status = natsOptions_SetAllowReconnect(options, false);
    if (status == NATS_OK)
        status = natsOptions_SetName(options, "usherctl");
    if (status == NATS_OK)
        status = natsConnection_Connect(&stream->connection, options);
    if (status == NATS_OK)
        status = natsConnection_JetStream(&stream->jetstream, stream->connection, NULL);
    natsOptions_Destroy(options);
    if (status == NATS_OK)
        return stream;
    (void)unavailable("NATS can't be reached", status, error);
    audit_stream_close(stream);
    return NULL;
}

void audit_stream_close(struct audit_stream *stream) {
    if (stream == NULL)
        return;
    natsMsgList_Destroy(&stream->fetched);
    if (stream->subscription != NULL)
        (void)natsSubscription_Unsubscribe(stream->subscription); /* ends its consumer */
    natsSubscription_Destroy(stream->subscription);
    jsCtx_Destroy(stream->jetstream);
    natsConnection_Destroy(stream->connection);
    nats_CloseAndWait(0);
    free(stream);
}

enum status audit_stream_look(struct audit_stream *stream, struct audit_stream_state *state,
                              char error[AUDIT_STREAM_ERROR_SIZE]) {
    jsStreamInfo *info = NULL;
    jsErrCode code = 0;
    *state = (struct audit_stream_state){0};
    natsStatus status = natsConnection_GetConnectedServerId(stream->connection, state->server_id,
                                                            sizeof state->server_id);
    if (status == NATS_OK)
        status = js_GetStreamInfo(&info, stream->jetstream, stream->name, NULL, &code);
    if (status == NATS_NOT_FOUND)
        return STATUS_NOT_FOUND;
    if (status != NATS_OK)
        return unavailable("NATS does not tell of the stream", status, error);
    state->created_us = info->Created / 1000;
    state->last_sequence = info->State.LastSeq;
    state->messages = info->State.Msgs;
    jsStreamInfo_Destroy(info);
    return STATUS_OK;
}

enum status audit_stream_read(struct audit_stream *stream, const char *subject,
                              char error[AUDIT_STREAM_ERROR_SIZE]) {
    jsSubOptions options;
    (void)jsSubOptions_Init(&options);
    options.Stream = stream->name;
    options.Config.AckPolicy = js_AckNone;
    natsStatus status = js_PullSubscribe(&stream->subscription, stream->jetstream, subject, NULL,
                                         NULL, &options, NULL);
    return status == NATS_OK ? STATUS_OK
                             : unavailable("NATS does not let the stream be read", status, error);
}

static int64_t span_of(const char *data, int size_bytes) {
    int64_t span = 0;
    if (size_bytes < 1 || size_bytes > SPAN_DIGITS_MAX)
        return -1;
    for (int i = 0; i < size_bytes; i++) {
        if (data[i] < '0' || data[i] > '9')
            return -1;
        span = span * 10 + (data[i] - '0');
    }
    return span;
}

static enum status take(struct audit_stream *stream, natsMsg *message, struct audit_entry *entry,
                        char error[AUDIT_STREAM_ERROR_SIZE]) {
    jsMsgMetaData *meta = NULL;
    natsStatus status = natsMsg_GetMetaData(&meta, message);
    if (status != NATS_OK)
        return unavailable("NATS sends a message that is none of a stream", status, error);
    entry->sequence = meta->Sequence.Stream;
    entry->stored_us = meta->Timestamp / 1000;
    entry->span = span_of(natsMsg_GetData(message), natsMsg_GetDataLength(message));
    stream->at_end = meta->NumPending == 0;
    bool follows = meta->Sequence.Consumer == ++stream->last_received;
    jsMsgMetaData_Destroy(meta);
    if (!follows)
        return unavailable("messages of the stream were lost on the way", NATS_MISMATCH, error);
    enum status valid = room_subject_user(natsMsg_GetSubject(message), &entry->user);
    if (valid != STATUS_OK)
        (void)snprintf(error, AUDIT_STREAM_ERROR_SIZE,
                       "the stream's message %" PRIu64 " is nobody's entry: its subject is %.120s",
                       entry->sequence, natsMsg_GetSubject(message));
    return valid;
}

enum status audit_stream_next(struct audit_stream *stream, uint64_t last_sequence,
                              struct audit_entry *entry, char error[AUDIT_STREAM_ERROR_SIZE]) {
    if (stream->at_end)
        return STATUS_NOT_FOUND;
    if (stream->taken == stream->fetched.Count) {
        natsMsgList_Destroy(&stream->fetched);
        stream->taken = 0;
        natsStatus status = natsSubscription_Fetch(&stream->fetched, stream->subscription,
                                                   FETCHED_AT_A_TIME, FETCH_MS, NULL);
        if (status != NATS_OK)
            return unavailable("the stream can't be read to its end", status, error);
    }
    enum status taken = take(stream, stream->fetched.Msgs[stream->taken++], entry, error);
    if (entry->sequence > last_sequence) {
        stream->at_end = true;
        return STATUS_NOT_FOUND;
    }
    stream->at_end = stream->at_end || entry->sequence == last_sequence;
    return taken;
}

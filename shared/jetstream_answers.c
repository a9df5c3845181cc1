#include "shared/jetstream_answers.h"
#include "shared/clock.h"

#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CODE_NOT_FOUND = 404,
    CODE_TOO_MANY = 429,
    CODE_NOBODY_LISTENS = 503,
    ERROR_NO_MESSAGE = 10037,
    ERROR_NO_STREAM = 10059,
    ERROR_WRONG_SEQUENCE = 10071,
    ERROR_DUPLICATE_IN_PROCESS = 10158,
    ERROR_SEQUENCE_NOT_READY = 10163,
    ERROR_WRONG_SEQUENCE_UNSAID = 10164,
    ERROR_TOO_MANY_REQUESTS = 10167,
    ACK_TOKENS_MAX = 16,
    ACK_TOKENS_V1 = 9,
    ACK_TOKENS_V2 = 11, /* at least; one more, of no meaning, is common */
    NS_PER_US = 1000,
};

static const char *const wrong_sequence = "wrong last sequence: ";

static enum jetstream_outcome unreadable(struct jetstream_error *error) {
    (void)snprintf(error->text, sizeof error->text, "an answer that can't be read");
    return JETSTREAM_REFUSED;
}

/* --- fields */

static bool field_is_u64(const json_t *object, const char *name, uint64_t *value) {
    const json_t *field = json_object_get(object, name);
    if (!json_is_integer(field) || json_integer_value(field) < 0)
        return false;
    *value = (uint64_t)json_integer_value(field);
    return true;
}

static const char *field_text(const json_t *object, const char *name) {
    return json_string_value(json_object_get(object, name));
}

/* Decimal digits from `text` to `end`, up to INT64_MAX. */
static bool digits_to_u64(const char *text, const char *end, uint64_t *value) {
    uint64_t sum = 0;
    if (text == end)
        return false;
    for (; text < end; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (digit > 9 || sum > ((uint64_t)INT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *value = sum;
    return true;
}

/* --- errors */

static enum jetstream_outcome error_outcome(const json_t *object, struct jetstream_error *error) {
    uint64_t code = 0, number = 0;
    const char *description = field_text(object, "description");
    if (!json_is_object(object) || !field_is_u64(object, "code", &code))
        return unreadable(error);
    if (json_object_get(object, "err_code") != NULL && !field_is_u64(object, "err_code", &number))
        return unreadable(error);
    (void)snprintf(error->text, sizeof error->text, "%llu/%llu %s", (unsigned long long)code,
                   (unsigned long long)number, description != NULL ? description : "");
    for (char *c = error->text; *c != '\0'; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    switch (number) {
    case ERROR_NO_MESSAGE:
        return JETSTREAM_NOT_FOUND;
    case ERROR_WRONG_SEQUENCE:
    case ERROR_WRONG_SEQUENCE_UNSAID:
        return JETSTREAM_CONFLICT;
    case ERROR_DUPLICATE_IN_PROCESS:
    case ERROR_SEQUENCE_NOT_READY:
    case ERROR_TOO_MANY_REQUESTS:
        return JETSTREAM_BUSY;
    case ERROR_NO_STREAM:
        return JETSTREAM_NO_STREAM;
    default:
        return code == CODE_NOT_FOUND  ? JETSTREAM_NO_STREAM
               : code == CODE_TOO_MANY ? JETSTREAM_BUSY
                                       : JETSTREAM_REFUSED;
    }
}

/* DONE: an answer without an error; *root is the caller's, also when it is not DONE. */
static enum jetstream_outcome answer_open(const struct bus_message *answer, json_t **root,
                                          struct jetstream_error *error) {
    *root = NULL;
    error->text[0] = '\0';
    if (answer->status == CODE_NOBODY_LISTENS)
        return JETSTREAM_NO_STREAM;
    if (answer->status != 0) {
        (void)snprintf(error->text, sizeof error->text, "status %d", answer->status);
        return JETSTREAM_REFUSED;
    }
    *root =
        json_loadb((const char *)answer->data, answer->size_bytes, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(*root))
        return unreadable(error);
    const json_t *refused = json_object_get(*root, "error");
    return refused == NULL ? JETSTREAM_DONE : error_outcome(refused, error);
}

/* Only a publish expects a sequence. */
static enum jetstream_outcome without_conflict(enum jetstream_outcome outcome) {
    return outcome == JETSTREAM_CONFLICT ? JETSTREAM_REFUSED : outcome;
}

/* --- acknowledgements */

static uint64_t conflicting_sequence(const json_t *root) {
    const char *text = field_text(json_object_get(root, "error"), "description");
    size_t length = strlen(wrong_sequence);
    uint64_t sequence;
    if (text == NULL || strncmp(text, wrong_sequence, length) != 0 ||
        !digits_to_u64(text + length, text + strlen(text), &sequence))
        return JETSTREAM_SEQUENCE_UNKNOWN;
    return sequence;
}

void jetstream_read_ack(const struct bus_message *answer, struct jetstream_ack *ack,
                        struct jetstream_error *error) {
    json_t *root;
    *ack = (struct jetstream_ack){.error = error->text};
    ack->outcome = answer_open(answer, &root, error);
    if (ack->outcome == JETSTREAM_CONFLICT)
        ack->sequence = conflicting_sequence(root);
    else if (ack->outcome == JETSTREAM_DONE &&
             (!field_is_u64(root, "seq", &ack->sequence) || ack->sequence == 0))
        ack->outcome = unreadable(error);
    json_decref(root);
}

/* --- streams and consumers */

void jetstream_read_stream(const struct bus_message *answer, struct jetstream_stream *stream,
                           struct jetstream_error *error) {
    json_t *root;
    *stream = (struct jetstream_stream){.error = error->text};
    stream->outcome = without_conflict(answer_open(answer, &root, error));
    if (stream->outcome == JETSTREAM_DONE) {
        const json_t *state = json_object_get(root, "state");
        const char *created = field_text(root, "created");
        const char *cluster = field_text(json_object_get(root, "cluster"), "name");
        uint64_t replicas;
        if (created != NULL && *created != '\0' && strlen(created) < sizeof stream->created &&
            field_is_u64(json_object_get(root, "config"), "num_replicas", &replicas) &&
            replicas > 0 && replicas <= UINT32_MAX &&
            field_is_u64(state, "first_seq", &stream->first_sequence) &&
            field_is_u64(state, "last_seq", &stream->last_sequence) &&
            field_is_u64(state, "messages", &stream->messages)) {
            memcpy(stream->created, created, strlen(created) + 1);
            stream->replicas = (uint32_t)replicas;
            /* A server by itself answers with a cluster that has no name. */
            stream->clustered = cluster != NULL && *cluster != '\0';
        } else {
            *stream = (struct jetstream_stream){.outcome = unreadable(error), .error = error->text};
        }
    }
    json_decref(root);
}

enum jetstream_outcome jetstream_read_pending(const struct bus_message *answer, uint64_t *pending,
                                              struct jetstream_error *error) {
    json_t *root;
    enum jetstream_outcome outcome = without_conflict(answer_open(answer, &root, error));
    if (outcome == JETSTREAM_DONE && !field_is_u64(root, "num_pending", pending))
        outcome = unreadable(error);
    json_decref(root);
    return outcome;
}

/* --- messages */

/* Data is in base64 (RFC 4648, 4), and left out when there is none. EVP_DecodeBlock by itself takes
 * padding anywhere, and blanks. */
static bool stored_decode(struct jetstream_stored *stored, const char *text) {
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t length = strlen(text), letters = strspn(text, alphabet);
    size_t padding = length - letters;
    if (length % 4 != 0 || length > INT32_MAX || padding > 2 ||
        strspn(text + letters, "=") != padding)
        return false;
    stored->data = malloc(length / 4 * 3 + 1);
    if (stored->data == NULL)
        return false;
    int size_bytes = EVP_DecodeBlock(stored->data, (const unsigned char *)text, (int)length);
    stored->message.data = stored->data;
    stored->message.size_bytes = length / 4 * 3 - padding;
    return size_bytes >= 0 && (size_t)size_bytes == length / 4 * 3;
}

enum jetstream_outcome jetstream_read_stored(const struct bus_message *answer,
                                             struct jetstream_stored *stored,
                                             struct jetstream_error *error) {
    json_t *root;
    *stored = (struct jetstream_stored){0};
    enum jetstream_outcome outcome = without_conflict(answer_open(answer, &root, error));
    stored->json = root;
    if (outcome != JETSTREAM_DONE)
        return outcome;
    const json_t *object = json_object_get(root, "message");
    const char *time = field_text(object, "time"), *data = field_text(object, "data");
    stored->message.subject = field_text(object, "subject");
    if (stored->message.subject == NULL || time == NULL ||
        !time_from_text(time, &stored->message.stored_us) ||
        !field_is_u64(object, "seq", &stored->message.sequence) || stored->message.sequence == 0 ||
        !stored_decode(stored, data != NULL ? data : ""))
        return unreadable(error);
    return JETSTREAM_DONE;
}

void jetstream_stored_clear(struct jetstream_stored *stored) {
    json_decref(stored->json);
    free(stored->data);
    *stored = (struct jetstream_stored){0};
}

bool jetstream_read_delivery(const char *reply, struct jetstream_delivery *delivery) {
    static const char prefix[] = "$JS.ACK.";
    const char *tokens[ACK_TOKENS_MAX + 1]; /* where they begin; behind the last one, its end + 1 */
    size_t count = 0;
    if (strncmp(reply, prefix, sizeof prefix - 1) != 0)
        return false;
    tokens[0] = reply;
    do {
        const char *end = tokens[count] + strcspn(tokens[count], ".");
        tokens[++count] = end + 1;
    } while (tokens[count][-1] == '.' && count < ACK_TOKENS_MAX);
    if (count != ACK_TOKENS_V1 && count < ACK_TOKENS_V2)
        return false;

    const char **field = tokens + (count == ACK_TOKENS_V1 ? 2 : 4); /* the stream's */
    size_t consumer_bytes = (size_t)(field[2] - field[1] - 1);
    uint64_t deliveries, stored_ns, pending;
    if (consumer_bytes == 0 || consumer_bytes >= sizeof delivery->consumer ||
        !digits_to_u64(field[2], field[3] - 1, &deliveries) ||
        !digits_to_u64(field[3], field[4] - 1, &delivery->sequence) ||
        !digits_to_u64(field[4], field[5] - 1, &delivery->number) ||
        !digits_to_u64(field[5], field[6] - 1, &stored_ns) ||
        !digits_to_u64(field[6], field[7] - 1, &pending) || delivery->sequence == 0 ||
        delivery->number == 0)
        return false;
    memcpy(delivery->consumer, field[1], consumer_bytes);
    delivery->consumer[consumer_bytes] = '\0';
    delivery->stored_us = (int64_t)(stored_ns / NS_PER_US);
    return true;
}

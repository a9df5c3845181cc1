#include "shared/bus_link.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    MAILBOX_MESSAGES_MAX = 65536,
    MAILBOX_MAX_BYTES = 64 << 20,
    SERVERS_MAX = 16,
    CONNECT_TIMEOUT_MS = 1000,
    PING_INTERVAL_MS = 1000,
    PINGS_OUT_MAX = 2, /* with the third a dead peer is found */
    WRITE_TIMEOUT_MS = 500,
    IO_BUFFER_BYTES = 64 * 1024,
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 1600, /* and up to a quarter more by jitter */
    PROOF_SUBJECT_SIZE = 64,
    FAREWELL_MS = 1000, /* for the library's threads to let go of a link */
    STATUS_HEADER_MAX = 999,
    REPLY_SHIFT = 16, /* in mail->value */
    STATUS_SHIFT = 32,
};

struct bus_link {
    struct mailbox *mailbox;
    int wake_fd;
    natsOptions *options;
    char proof_subject[PROOF_SUBJECT_SIZE];
    pthread_t connector;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    int references; /* the loop's; of each connection until it said closed; of each subscription */
    bool stopping;
    bool wanted;
    natsConnection *connection;
    bool closed;
    bool proven;
};

/* A subscription as nats.c's delivery thread knows it. */
struct delivery {
    struct bus_link *link;
    uint32_t topic;
};

static void link_release(struct bus_link *link) {
    pthread_mutex_lock(&link->lock);
    bool last = --link->references == 0;
    pthread_cond_broadcast(&link->changed);
    pthread_mutex_unlock(&link->lock);
    if (!last)
        return;
    mailbox_destroy(link->mailbox);
    if (link->wake_fd >= 0)
        close(link->wake_fd);
    natsOptions_Destroy(link->options);
    pthread_cond_destroy(&link->changed);
    pthread_mutex_destroy(&link->lock);
    free(link);
}

static void link_retain(struct bus_link *link) {
    pthread_mutex_lock(&link->lock);
    link->references++;
    pthread_mutex_unlock(&link->lock);
}

static void link_wake(struct bus_link *link) {
    uint64_t one = 1;
    ensure(write(link->wake_fd, &one, sizeof one) == sizeof one);
}

/* --- callbacks, on nats.c's threads */

/* The last thing nats.c says of a connection. It is still allocated, so that no other one has its
 * address. */
static void on_closed(natsConnection *connection, void *closure) {
    struct bus_link *link = closure;
    pthread_mutex_lock(&link->lock);
    if (link->connection == connection)
        link->closed = true;
    pthread_mutex_unlock(&link->lock);
    link_wake(link);
    link_release(link);
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status,
                     void *closure) {
    (void)connection;
    (void)subscription;
    (void)closure;
    log_write(LOG_WARNING, "bus-error", "NATS or its library reports an error.",
              LOG_TEXT("reason", natsStatus_GetText(status)));
}

static void on_proof(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                     void *closure) {
    (void)subscription;
    struct bus_link *link = ((struct delivery *)closure)->link;
    natsMsg_Destroy(message);
    pthread_mutex_lock(&link->lock);
    if (link->connection == connection)
        link->proven = true;
    pthread_mutex_unlock(&link->lock);
    link_wake(link);
}

static int message_status(natsMsg *message) {
    const char *text;
    if (natsMsgHeader_Get(message, "Status", &text) != NATS_OK)
        return 0;
    long status = strtol(text, NULL, 10);
    return status > 0 && status <= STATUS_HEADER_MAX ? (int)status : 0;
}

/* Subject and reply go in front of the data, each with its NUL; mail->value says how long they are
 * (16 bits each; the server's limit of a line is 4 KiB) and holds the status above them. What does
 * not fit into the mailbox is counted there; its sender repeats. */
static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *closure) {
    (void)connection;
    (void)subscription;
    const struct delivery *delivery = closure;
    const char *subject = natsMsg_GetSubject(message), *reply = natsMsg_GetReply(message);
    const char *data = natsMsg_GetData(message);
    if (reply == NULL)
        reply = "";
    const struct iovec parts[] = {
        {(void *)(uintptr_t)subject, strlen(subject) + 1},
        {(void *)(uintptr_t)reply, strlen(reply) + 1},
        {(void *)(uintptr_t)data, (size_t)natsMsg_GetDataLength(message)},
    };
    ensure(parts[0].iov_len <= UINT16_MAX && parts[1].iov_len <= UINT16_MAX);
    uint64_t value = parts[0].iov_len | parts[1].iov_len << REPLY_SHIFT |
                     (uint64_t)message_status(message) << STATUS_SHIFT;
    enum status status =
        mailbox_put_parts(delivery->link->mailbox, delivery->topic, value, parts, ARRAY_LEN(parts));
    if (status != STATUS_OK)
        log_write(LOG_WARNING, "bus-message-dropped",
                  "A message did not fit into the mailbox; its sender repeats it.",
                  LOG_TEXT("reason", status_text(status)));
    natsMsg_Destroy(message);
}

static void on_delivered_all(void *closure) {
    struct delivery *delivery = closure;
    link_release(delivery->link);
    free(delivery);
}

/* --- connecting, on the link's thread */

/* Doubles from failure to failure; jitter keeps processes that lost one server from returning at
 * once. */
static int64_t backoff_ms(unsigned failures) {
    struct id128 random = id128_random();
    int64_t delay = failures > 4 ? BACKOFF_MAX_MS : BACKOFF_FIRST_MS << failures;
    return delay + delay / 4 * random.bytes[0] / UINT8_MAX;
}

static struct timespec after_ms(int64_t wait_ms) {
    struct timespec end;
    ensure(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
    end.tv_nsec += wait_ms % 1000 * 1000000;
    end.tv_sec += wait_ms / 1000 + end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    return end;
}

/* Holding the lock. Ends early when the link is being destroyed. */
static void link_pause(struct bus_link *link, int64_t pause_ms) {
    struct timespec end = after_ms(pause_ms);
    while (!link->stopping &&
           pthread_cond_clockwait(&link->changed, &link->lock, CLOCK_MONOTONIC, &end) == 0)
        continue;
}

/* Holding the lock, which is given away meanwhile. */
static void link_connect(struct bus_link *link, bool first_attempt) {
    natsConnection *connection = NULL;
    pthread_mutex_unlock(&link->lock);
    link_retain(link); /* released by on_closed */
    natsStatus status = natsConnection_Connect(&connection, link->options);
    if (status != NATS_OK)
        link_release(link);
    if (status != NATS_OK && first_attempt)
        log_write(LOG_WARNING, "bus-unreachable",
                  "NATS can't be reached; usher tries again until it can.",
                  LOG_TEXT("reason", natsStatus_GetText(status)));
    pthread_mutex_lock(&link->lock);
    if (status != NATS_OK)
        return;
    link->connection = connection;
    link->closed = natsConnection_IsClosed(connection); /* on_closed may have come already */
    link->wanted = false;
    link_wake(link);
}

static void *connector_run(void *argument) {
    struct bus_link *link = argument;
    unsigned attempts = 0; /* since the last connection that was good */
    bool first = true;
    pthread_mutex_lock(&link->lock);
    while (!link->stopping) {
        if (!link->wanted) {
            pthread_cond_wait(&link->changed, &link->lock);
            continue;
        }
        if (link->proven)
            attempts = 0;
        link->proven = false;
        if (!first)
            link_pause(link, backoff_ms(attempts));
        first = false;
        if (!link->stopping)
            link_connect(link, attempts == 0);
        attempts++;
    }
    pthread_mutex_unlock(&link->lock);
    return NULL;
}

/* --- the loop's side */

static natsStatus options_set_servers(natsOptions *options, const char *url) {
    char *copy = strdup(url);
    const char *servers[SERVERS_MAX];
    int count = 0;
    natsStatus status = copy == NULL ? NATS_NO_MEMORY : NATS_OK;
    char *rest = copy;
    for (char *server; status == NATS_OK && (server = strsep(&rest, ",")) != NULL;) {
        bool known = strncmp(server, "nats://", 7) == 0 || strncmp(server, "tls://", 6) == 0;
        if (!known || count == SERVERS_MAX)
            status = NATS_INVALID_ARG;
        else
            servers[count++] = server;
    }
    if (status == NATS_OK)
        status = natsOptions_SetServers(options, servers, count);
    free(copy);
    return status;
}

static natsStatus link_set_options(struct bus_link *link, const char *url, const char *name,
                                   bool batching) {
    natsStatus status = natsOptions_Create(&link->options);
    natsOptions *options = link->options;
    if (status == NATS_OK)
        status = options_set_servers(options, url);
    if (status == NATS_OK)
        status = natsOptions_SetName(options, name);
    if (status == NATS_OK)
        status = natsOptions_SetAllowReconnect(options, false);
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(options, CONNECT_TIMEOUT_MS);
    if (status == NATS_OK)
        status = natsOptions_SetPingInterval(options, PING_INTERVAL_MS);
    if (status == NATS_OK)
        status = natsOptions_SetMaxPingsOut(options, PINGS_OUT_MAX);
    if (status == NATS_OK)
        status = natsOptions_SetWriteDeadline(options, WRITE_TIMEOUT_MS);
    if (status == NATS_OK)
        status = natsOptions_SetIOBufSize(options, IO_BUFFER_BYTES);
    if (status == NATS_OK)
        status = natsOptions_SetSendAsap(options, !batching);
    if (status == NATS_OK)
        status = natsOptions_UseGlobalMessageDelivery(options, true);
    if (status == NATS_OK)
        status = natsOptions_SetErrorHandler(options, on_error, NULL);
    if (status == NATS_OK)
        status = natsOptions_SetClosedCB(options, on_closed, link);
    return status;
}

struct bus_link *bus_link_create(const char *url, const char *name, bool batching) {
    struct bus_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return NULL;
    link->references = 1;
    link->wanted = true;
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->changed, NULL);
    struct id128 random = id128_random();
    char text[ID128_TEXT_SIZE];
    snprintf(link->proof_subject, sizeof link->proof_subject, "_INBOX.usher.%s",
             id128_to_text(&random, text));
    link->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    link->mailbox = mailbox_create(MAILBOX_MESSAGES_MAX, MAILBOX_MAX_BYTES);
    natsStatus status = link_set_options(link, url, name, batching);
    if (status == NATS_OK && link->wake_fd >= 0 && link->mailbox != NULL &&
        pthread_create(&link->connector, NULL, connector_run, link) == 0)
        return link;
    log_write(LOG_ERROR, "bus-not-created",
              "The connection to NATS can't be set up: USHER_NATS_URL or memory is wrong.",
              LOG_TEXT("reason", natsStatus_GetText(status)));
    link_release(link);
    return NULL;
}

void bus_link_destroy(struct bus_link *link) {
    pthread_mutex_lock(&link->lock);
    link->stopping = true;
    pthread_cond_broadcast(&link->changed);
    pthread_mutex_unlock(&link->lock);
    pthread_join(link->connector, NULL);
    bus_link_renew(link);
    /* nats.c's threads go through what is left for the subscriptions; ended before, they would leak
     * it. */
    struct timespec end = after_ms(FAREWELL_MS);
    pthread_mutex_lock(&link->lock);
    while (link->references > 1 &&
           pthread_cond_clockwait(&link->changed, &link->lock, CLOCK_MONOTONIC, &end) == 0)
        continue;
    pthread_mutex_unlock(&link->lock);
    link_release(link);
}

int bus_link_fd(const struct bus_link *link) {
    return link->wake_fd;
}

struct mailbox *bus_link_mailbox(const struct bus_link *link) {
    return link->mailbox;
}

struct bus_message bus_link_message(const struct mail *mail) {
    size_t subject_bytes = (uint16_t)mail->value;
    size_t reply_bytes = (uint16_t)(mail->value >> REPLY_SHIFT);
    return (struct bus_message){
        .subject = (const char *)mail->data,
        .reply = (const char *)mail->data + subject_bytes,
        .status = (int)(mail->value >> STATUS_SHIFT),
        .data = mail->data + subject_bytes + reply_bytes,
        .size_bytes = mail->size_bytes - subject_bytes - reply_bytes,
    };
}

struct bus_link_view bus_link_look(struct bus_link *link) {
    uint64_t ignored;
    (void)!read(link->wake_fd, &ignored, sizeof ignored);
    pthread_mutex_lock(&link->lock);
    struct bus_link_view view = {link->connection, link->closed, link->proven};
    pthread_mutex_unlock(&link->lock);
    return view;
}

void bus_link_renew(struct bus_link *link) {
    pthread_mutex_lock(&link->lock);
    natsConnection *connection = link->connection;
    link->connection = NULL;
    link->wanted = true;
    pthread_cond_broadcast(&link->changed);
    pthread_mutex_unlock(&link->lock);
    natsConnection_Destroy(connection);
}

static natsSubscription *link_subscribe(struct bus_link *link, const char *subject,
                                        const char *group, natsMsgHandler handler, uint32_t topic) {
    struct delivery *delivery = malloc(sizeof *delivery);
    if (delivery == NULL)
        return NULL;
    *delivery = (struct delivery){link, topic};
    natsSubscription *subscription;
    link_retain(link);
    natsStatus status =
        *group == '\0'
            ? natsConnection_Subscribe(&subscription, link->connection, subject, handler, delivery)
            : natsConnection_QueueSubscribe(&subscription, link->connection, subject, group,
                                            handler, delivery);
    if (status != NATS_OK) {
        on_delivered_all(delivery);
        return NULL;
    }
    /* Its limits would be a second place where messages get lost. Both fail when the connection has
     * just ended; then nobody says when `delivery` is free, and it stays. */
    if (natsSubscription_SetPendingLimits(subscription, -1, -1) == NATS_OK &&
        natsSubscription_SetOnCompleteCB(subscription, on_delivered_all, delivery) == NATS_OK)
        return subscription;
    natsSubscription_Destroy(subscription);
    return NULL;
}

natsSubscription *bus_link_subscribe(struct bus_link *link, const char *subject, const char *group,
                                     uint32_t topic) {
    return link_subscribe(link, subject, group, on_message, topic);
}

bool bus_link_prove(struct bus_link *link, natsSubscription **proof) {
    *proof = link_subscribe(link, link->proof_subject, "", on_proof, 0);
    return *proof != NULL &&
           natsConnection_Publish(link->connection, link->proof_subject, NULL, 0) == NATS_OK;
}

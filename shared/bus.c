#include "shared/bus.h"
#include "shared/bus_link.h"
#include "shared/failpoint.h"
#include "shared/log.h"

#include <ctype.h>
#include <event2/event_struct.h>
#include <stdlib.h>

enum { FLUSH_AT_END_MS = 1000 };

struct subscription {
    uint32_t topic; /* 0: this slot is free */
    char subject[BUS_SUBJECT_MAX_BYTES + 1];
    char group[BUS_GROUP_MAX_BYTES + 1]; /* "": none */
    bus_handler *handler;                /* of data alone, or else: */
    bus_message_handler *message_handler;
    void *context;
    natsSubscription *handle; /* of the present connection; NULL: none */
};

struct bus {
    struct bus_link *link;
    bus_state_handler *on_state;
    void *context;
    struct event link_changed;
    struct event mail_came;

    natsConnection *connection; /* subscribed on, perhaps not proven yet; NULL: none */
    natsSubscription *proof;
    bool connected; /* as on_state was told */
    uint64_t runs;  /* connections that on_state was told of */
    char server_id[BUS_SERVER_ID_SIZE];
    uint32_t topics; /* given so far */
    struct subscription subscriptions[BUS_SUBSCRIPTIONS_MAX];

    struct mail *mail; /* taken, not handled yet */
    int entered;       /* libevent callbacks on the stack */
    bool destroyed;    /* freed when the last of them ends */
};

static void bus_free(struct bus *bus) {
    for (struct mail *mail = bus->mail, *next; mail != NULL; mail = next) {
        next = mail->next;
        mail_free(mail);
    }
    free(bus);
}

static void bus_leave(struct bus *bus) {
    if (--bus->entered == 0 && bus->destroyed)
        bus_free(bus);
}

/* --- the connection */

/* `topic` is of the slot, and never the same twice: mail of an ended subscription finds no one. */
static struct subscription *bus_slot(struct bus *bus, uint32_t topic) {
    struct subscription *slot = &bus->subscriptions[topic % BUS_SUBSCRIPTIONS_MAX];
    return slot->topic == topic ? slot : NULL;
}

static void bus_forget_connection(struct bus *bus) {
    for (size_t i = 0; i < BUS_SUBSCRIPTIONS_MAX; i++) {
        natsSubscription_Destroy(bus->subscriptions[i].handle);
        bus->subscriptions[i].handle = NULL;
    }
    natsSubscription_Destroy(bus->proof);
    bus->proof = NULL;
    bus->connection = NULL;
    bus->connected = false;
}

static void bus_lost(struct bus *bus) {
    bool was_connected = bus->connected;
    bus_forget_connection(bus);
    bus_link_renew(bus->link);
    if (!was_connected)
        return;
    log_write(LOG_WARNING, "bus-lost",
              "The connection to NATS is gone: booking waits until it is back, looking goes on.");
    bus->on_state(bus->context, false);
}

/* A new connection learns all subscriptions; the proof comes back after the server has read them.
 */
static void bus_adopt(struct bus *bus, natsConnection *connection) {
    bus->connection = connection;
    bool works = true;
    for (size_t i = 0; works && i < BUS_SUBSCRIPTIONS_MAX; i++) {
        struct subscription *slot = &bus->subscriptions[i];
        if (slot->topic == 0)
            continue;
        slot->handle = bus_link_subscribe(bus->link, slot->subject, slot->group, slot->topic);
        works = slot->handle != NULL;
    }
    if (!works || !bus_link_prove(bus->link, &bus->proof))
        bus_lost(bus);
}

static void bus_up(struct bus *bus) {
    natsStatus status =
        natsConnection_GetConnectedServerId(bus->connection, bus->server_id, sizeof bus->server_id);
    if (status != NATS_OK) {
        log_write(LOG_WARNING, "bus-error", "NATS or its library reports an error.",
                  LOG_TEXT("reason", natsStatus_GetText(status)));
        bus_lost(bus);
        return;
    }
    bus->connected = true;
    bus->runs++;
    log_write(LOG_INFO, "bus-connected", "The connection to NATS is up.");
    bus->on_state(bus->context, true);
}

static void on_link_changed(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    struct bus *bus = context;
    struct bus_link_view view = bus_link_look(bus->link);
    bus->entered++;
    if (view.connection != NULL && view.closed) {
        bus_lost(bus);
    } else if (view.connection != NULL && bus->connection == NULL) {
        bus_adopt(bus, view.connection);
    } else if (view.proven && bus->connection != NULL && !bus->connected) {
        bus_up(bus);
    }
    bus_leave(bus);
}

static void bus_hand_over(struct bus *bus, const struct mail *mail) {
    const struct subscription *slot = bus_slot(bus, mail->topic);
    struct bus_message message = bus_link_message(mail);
    if (slot != NULL && slot->handler != NULL)
        slot->handler(slot->context, message.subject, message.data, message.size_bytes);
    else if (slot != NULL)
        slot->message_handler(slot->context, &message);
}

static void on_mail(evutil_socket_t fd, short events, void *context) {
    (void)fd;
    (void)events;
    struct bus *bus = context;
    bus->entered++;
    bus->mail = mailbox_take_all(bus_link_mailbox(bus->link));
    while (bus->mail != NULL && !bus->destroyed) {
        struct mail *mail = bus->mail;
        bus->mail = mail->next;
        if (!FAILPOINT("bus.lose"))
            bus_hand_over(bus, mail);
        if (FAILPOINT("bus.double") && !bus->destroyed)
            bus_hand_over(bus, mail);
        mail_free(mail);
    }
    bus_leave(bus);
}

static struct bus *bus_make(struct event_base *base, const char *url, const char *name,
                            bool batching, bus_state_handler *on_state, void *context) {
    struct bus *bus = calloc(1, sizeof *bus);
    if (bus == NULL)
        return NULL;
    bus->on_state = on_state;
    bus->context = context;
    bus->link = bus_link_create(url, name, batching);
    if (bus->link == NULL) {
        free(bus);
        return NULL;
    }
    event_assign(&bus->link_changed, base, bus_link_fd(bus->link), EV_READ | EV_PERSIST,
                 on_link_changed, bus);
    event_assign(&bus->mail_came, base, mailbox_fd(bus_link_mailbox(bus->link)),
                 EV_READ | EV_PERSIST, on_mail, bus);
    event_add(&bus->link_changed, NULL);
    event_add(&bus->mail_came, NULL);
    return bus;
}

struct bus *bus_create(struct event_base *base, const char *url, const char *name,
                       bus_state_handler *on_state, void *context) {
    return bus_make(base, url, name, false, on_state, context);
}

struct bus *bus_create_batching(struct event_base *base, const char *url, const char *name,
                                bus_state_handler *on_state, void *context) {
    return bus_make(base, url, name, true, on_state, context);
}

void bus_destroy(struct bus *bus) {
    if (bus == NULL || bus->destroyed)
        return;
    bus->destroyed = true;
    event_del(&bus->link_changed);
    event_del(&bus->mail_came);
    if (bus->connected && natsConnection_FlushTimeout(bus->connection, FLUSH_AT_END_MS) != NATS_OK)
        log_write(LOG_WARNING, "bus-not-flushed",
                  "The last messages may not have reached NATS; who waits for them repeats.");
    bus_forget_connection(bus);
    bus_link_destroy(bus->link);
    if (bus->entered == 0)
        bus_free(bus);
}

void bus_library_close(void) {
    nats_CloseAndWait(FLUSH_AT_END_MS);
}

/* --- messages */

/* Tokens of visible characters between dots; '*' only as a whole token, '>' nowhere. */
static bool subject_is_valid(const char *subject) {
    size_t length = strlen(subject);
    if (length == 0 || length > BUS_SUBJECT_MAX_BYTES)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool begins = i == 0 || subject[i - 1] == '.';
        bool ends = subject[i + 1] == '.' || subject[i + 1] == '\0';
        if (!isgraph((unsigned char)subject[i]) || subject[i] == '>')
            return false;
        if ((subject[i] == '*' && !(begins && ends)) || (subject[i] == '.' && (begins || ends)))
            return false;
    }
    return true;
}

static bool group_is_valid(const char *group) {
    return strlen(group) <= BUS_GROUP_MAX_BYTES && strpbrk(group, ".*") == NULL &&
           subject_is_valid(group);
}

/* `wanted` has handler and context. */
static enum status bus_add(struct bus *bus, const char *subject, const char *group,
                           const struct subscription *wanted) {
    if (!subject_is_valid(subject) || (group != NULL && !group_is_valid(group)))
        return STATUS_INVALID;
    size_t index = 0;
    while (index < BUS_SUBSCRIPTIONS_MAX && bus->subscriptions[index].topic != 0)
        index++;
    if (index == BUS_SUBSCRIPTIONS_MAX)
        return STATUS_LIMIT;
    struct subscription *slot = &bus->subscriptions[index];
    *slot = *wanted;
    slot->topic = ++bus->topics * BUS_SUBSCRIPTIONS_MAX + (uint32_t)index;
    memcpy(slot->subject, subject, strlen(subject) + 1);
    if (group != NULL)
        memcpy(slot->group, group, strlen(group) + 1);
    if (bus->connection == NULL)
        return STATUS_OK;
    slot->handle = bus_link_subscribe(bus->link, slot->subject, slot->group, slot->topic);
    if (slot->handle == NULL) /* its end is being reported; the next one has all subscriptions */
        natsConnection_Close(bus->connection);
    return STATUS_OK;
}

enum status bus_subscribe(struct bus *bus, const char *subject, bus_handler *handler,
                          void *context) {
    return bus_add(bus, subject, NULL,
                   &(struct subscription){.handler = handler, .context = context});
}

enum status bus_subscribe_messages(struct bus *bus, const char *subject, const char *group,
                                   bus_message_handler *handler, void *context) {
    return bus_add(bus, subject, group,
                   &(struct subscription){.message_handler = handler, .context = context});
}

void bus_unsubscribe(struct bus *bus, const char *subject) {
    for (size_t i = 0; i < BUS_SUBSCRIPTIONS_MAX; i++) {
        struct subscription *slot = &bus->subscriptions[i];
        if (slot->topic == 0 || strcmp(slot->subject, subject) != 0)
            continue;
        natsSubscription_Destroy(slot->handle);
        *slot = (struct subscription){0};
    }
}

enum status bus_publish(struct bus *bus, const char *subject, const void *data, size_t size_bytes) {
    return bus_publish_message(bus, subject, "", NULL, 0, data, size_bytes);
}

static natsStatus publish_with_headers(natsConnection *connection, const char *subject,
                                       const char *reply, const struct bus_header *headers,
                                       size_t header_count, const void *data, size_t size_bytes) {
    natsMsg *message = NULL;
    natsStatus status =
        natsMsg_Create(&message, subject, *reply == '\0' ? NULL : reply, data, (int)size_bytes);
    for (size_t i = 0; status == NATS_OK && i < header_count; i++)
        status = natsMsgHeader_Set(message, headers[i].name, headers[i].value);
    if (status == NATS_OK)
        status = natsConnection_PublishMsg(connection, message);
    natsMsg_Destroy(message);
    return status;
}

enum status bus_publish_message(struct bus *bus, const char *subject, const char *reply,
                                const struct bus_header *headers, size_t header_count,
                                const void *data, size_t size_bytes) {
    ensure(strlen(subject) <= BUS_SUBJECT_MAX_BYTES && strlen(reply) <= BUS_SUBJECT_MAX_BYTES);
    if (!bus->connected)
        return STATUS_UNAVAILABLE;
    if (size_bytes > BUS_MESSAGE_MAX_BYTES)
        return STATUS_LIMIT;
    natsStatus status;
    if (header_count > 0)
        status = publish_with_headers(bus->connection, subject, reply, headers, header_count, data,
                                      size_bytes);
    else if (*reply != '\0')
        status =
            natsConnection_PublishRequest(bus->connection, subject, reply, data, (int)size_bytes);
    else
        status = natsConnection_Publish(bus->connection, subject, data, (int)size_bytes);
    if (status == NATS_MAX_PAYLOAD)
        return STATUS_LIMIT;
    return status == NATS_OK ? STATUS_OK : STATUS_UNAVAILABLE;
}

bool bus_connected(const struct bus *bus) {
    return bus->connected;
}

uint64_t bus_run(const struct bus *bus) {
    return bus->connected ? bus->runs : 0;
}

const char *bus_server_id(const struct bus *bus) {
    return bus->connected ? bus->server_id : "";
}

uint64_t bus_dropped(const struct bus *bus) {
    return mailbox_refused(bus_link_mailbox(bus->link));
}

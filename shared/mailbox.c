#include "shared/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct mailbox {
    int fd;
    size_t limit_messages;
    size_t limit_bytes;
    atomic_uint_fast64_t refused;

    pthread_mutex_t lock; /* guards what follows */
    struct mail *first;
    struct mail **last_next; /* where the next one is hung in */
    size_t messages;
    size_t bytes;
};

struct mailbox *mailbox_create(size_t limit_messages, size_t limit_bytes) {
    struct mailbox *box = calloc(1, sizeof *box);
    if (box == NULL)
        return NULL;
    box->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (box->fd < 0) {
        free(box);
        return NULL;
    }
    box->limit_messages = limit_messages;
    box->limit_bytes = limit_bytes;
    box->last_next = &box->first;
    ensure(pthread_mutex_init(&box->lock, NULL) == 0);
    return box;
}

void mailbox_destroy(struct mailbox *box) {
    if (box == NULL)
        return;
    for (struct mail *mail = box->first, *next; mail != NULL; mail = next) {
        next = mail->next;
        mail_free(mail);
    }
    ensure(pthread_mutex_destroy(&box->lock) == 0);
    close(box->fd);
    free(box);
}

/* False when it does not fit; else tells whether the box was empty. */
static bool hang_in(struct mailbox *box, struct mail *mail, bool *was_empty) {
    ensure(pthread_mutex_lock(&box->lock) == 0);
    bool fits =
        box->messages < box->limit_messages && mail->size_bytes <= box->limit_bytes - box->bytes;
    if (fits) {
        *was_empty = box->first == NULL;
        *box->last_next = mail;
        box->last_next = &mail->next;
        box->messages++;
        box->bytes += mail->size_bytes;
    }
    ensure(pthread_mutex_unlock(&box->lock) == 0);
    return fits;
}

enum status mailbox_put_parts(struct mailbox *box, uint32_t topic, uint64_t value,
                              const struct iovec *parts, size_t count) {
    struct mail *mail = NULL;
    size_t size_bytes = 0;
    for (size_t i = 0; i < count; i++)
        size_bytes += parts[i].iov_len;
    enum status status = STATUS_LIMIT;
    if (size_bytes > box->limit_bytes)
        goto refused;
    status = STATUS_NO_MEMORY;
    mail = malloc(sizeof *mail + size_bytes + 1);
    if (mail == NULL)
        goto refused;
    *mail = (struct mail){.topic = topic, .value = value, .size_bytes = size_bytes};
    uint8_t *end = mail->data;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].iov_len > 0)
            memcpy(end, parts[i].iov_base, parts[i].iov_len);
        end += parts[i].iov_len;
    }
    *end = '\0';

    bool was_empty;
    status = STATUS_LIMIT;
    if (!hang_in(box, mail, &was_empty))
        goto refused;
    /* After the reader's read of the eventfd and before its taking, this wakes it once for nothing;
     * the other way round nothing is ever missed. */
    if (was_empty)
        ensure(eventfd_write(box->fd, 1) == 0);
    return STATUS_OK;

refused:
    free(mail);
    atomic_fetch_add(&box->refused, 1);
    return status;
}

enum status mailbox_put(struct mailbox *box, uint32_t topic, uint64_t value, const void *data,
                        size_t size_bytes) {
    const struct iovec part = {(void *)(uintptr_t)data, size_bytes};
    return mailbox_put_parts(box, topic, value, &part, 1);
}

struct mail *mailbox_take_all(struct mailbox *box) {
    eventfd_t count;
    ensure(eventfd_read(box->fd, &count) == 0 || errno == EAGAIN);
    ensure(pthread_mutex_lock(&box->lock) == 0);
    struct mail *first = box->first;
    box->first = NULL;
    box->last_next = &box->first;
    box->messages = 0;
    box->bytes = 0;
    ensure(pthread_mutex_unlock(&box->lock) == 0);
    return first;
}

void mail_free(struct mail *mail) {
    free(mail);
}

int mailbox_fd(const struct mailbox *box) {
    return box->fd;
}

uint64_t mailbox_refused(const struct mailbox *box) {
    return atomic_load(&box->refused);
}

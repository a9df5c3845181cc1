/*
 * mailbox: how a library's threads hand messages to the event loop. Many writers, one reader.
 *
 * Bounded in messages and in bytes; what does not fit is refused and counted (every sender of usher
 * repeats until its deadline). The eventfd is written only when the box turns from empty to
 * non-empty. The reader takes everything there is in one go. No lock is held while a message is
 * handled. `struct mail` is freed with mail_free by whoever has taken it.
 */
#ifndef USHER_SHARED_MAILBOX_H
#define USHER_SHARED_MAILBOX_H

#include "shared/base.h"
#include "shared/status.h"

#include <sys/uio.h>

struct mailbox;

struct mail {
    struct mail *next;
    uint32_t topic;    /* what the writer says this is (a subscription's number) */
    uint64_t value;    /* free for the writer (a connection's run number) */
    size_t size_bytes; /* of data */
    uint8_t data[];    /* NUL follows data[size_bytes - 1] for convenience */
};

/* NULL when there is no memory or no eventfd. */
MUST_CHECK struct mailbox *mailbox_create(size_t limit_messages, size_t limit_bytes);
/* No writer may be active any more. Frees what was never taken. NULL is allowed. */
void mailbox_destroy(struct mailbox *box);

/* Any thread. Copies `data`. STATUS_LIMIT, STATUS_NO_MEMORY: nothing was put. */
MUST_CHECK enum status mailbox_put(struct mailbox *box, uint32_t topic, uint64_t value,
                                   const void *data, size_t size_bytes);
/* The same with data that lies in several places. */
MUST_CHECK enum status mailbox_put_parts(struct mailbox *box, uint32_t topic, uint64_t value,
                                         const struct iovec *parts, size_t count);
/* The reader's thread. All mail in order of arrival as a list, or NULL; clears the eventfd. */
struct mail *mailbox_take_all(struct mailbox *box);
void mail_free(struct mail *mail);
/* Readable when there is mail. Owned by the mailbox. */
int mailbox_fd(const struct mailbox *box);
/* Messages refused since the start; any thread. */
uint64_t mailbox_refused(const struct mailbox *box);

#endif

/*
 * keep: what a gateway has on its disk for the time the database is down: one file a thing under
 * USHER_HOME/PROCESS/. A gateway that starts meanwhile still shows what it showed before, stale.
 *
 *   event-ID    the page of an event          layout-VENUE-VERSION   a layout
 *   list-HASH   a list without search words   seats-ID               a seat map
 *   room-ID     how a waiting room stands
 *
 * Nothing in here is trusted for anything but looking, and nothing is secret. A file is written
 * aside and renamed, with a checksum; one that is damaged counts as absent. All files carry the
 * installation's id and are deleted when the database turns out to be another one's.
 *
 * A thing is written at most every KEEP_AGAIN_SECONDS, KEEP_FILE_MAX_BYTES large, and nothing new
 * past KEEP_LIMIT_BYTES in all. A full disk costs a log line a minute and nothing else. Writing
 * does not wait for the disk (no fsync): what a power cut loses was only a copy.
 */
#ifndef USHER_GATEWAY_KEEP_H
#define USHER_GATEWAY_KEEP_H

#include "shared/base.h"
#include "shared/status.h"

struct keep;

enum {
    KEEP_NAME_SIZE = 80,
    KEEP_AGAIN_SECONDS = 10,
    KEEP_FILE_MAX_BYTES = 16 << 20,
    KEEP_LIMIT_BYTES = 1 << 30,
};

/* Makes the folder. NULL, logged, when that fails: the gateway then goes without. */
struct keep *keep_open(const char *home, const char *process);
/* NULL is allowed, here and below: nothing is kept. */
void keep_close(struct keep *keep);
/* The database's installation is known: deletes what belongs to another one. Nothing is written
 * before. */
void keep_confirm(struct keep *keep, const struct id128 *installation);

/* Whether it is time to write that thing (again). */
bool keep_wants(struct keep *keep, const char *name, int64_t now_us);
/* `now_us` is the machine's wall clock, so that the age is known after a restart. */
void keep_write(struct keep *keep, const char *name, const void *data, size_t size_bytes,
                int64_t now_us);
/* STATUS_OK: `*data` is malloc'd, with a NUL behind it, and `*written_us` says when it was written.
 * STATUS_NOT_FOUND, also for what is damaged; STATUS_NO_MEMORY. */
MUST_CHECK enum status keep_read(struct keep *keep, const char *name, char **data,
                                 size_t *size_bytes, int64_t *written_us);
/* The monotonic time of such a `written_us`, so that ages come out right. */
int64_t keep_monotonic_us(int64_t written_us);
/* Whether there is anything to show. */
bool keep_has_any(const struct keep *keep);

#endif

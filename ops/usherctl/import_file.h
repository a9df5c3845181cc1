/*
 * import_file: a file of venues and events, as `usherctl import` takes them.
 *
 * It holds one venue or event as POST /admin/venues and POST /admin/events take them, or a list of
 * such, or
 *
 *   {"venues": [{"key": "oslo", …a venue…},
 *               {"key": "bergen", "layoutOf": "oslo", "name": …, "city": …, "country": …,
 * "timeZone": …}], "events": [{"venue": "oslo", …an event…, "startsInDays": 40, "startLocalTime":
 * "19:30", "onSaleInHours": 2}]}
 *
 * `key` names a venue for the events and layouts of this file and of those after it in the same
 * import. Instead of venueId, startTime and onSaleTime an event may say `venue`; `startsInDays`
 * (from today, by the venue's calendar) with `startLocalTime` (by the venue's clock);
 * `onSaleInHours` (from now). No I/O but reading the file.
 */
#ifndef USHER_OPS_USHERCTL_IMPORT_FILE_H
#define USHER_OPS_USHERCTL_IMPORT_FILE_H

#include "shared/base.h"
#include "shared/status.h"

#include <jansson.h>

enum { IMPORT_PLACE_SIZE = 48, IMPORT_ERROR_SIZE = 256 };

struct import_file {
    json_t *document;
    char hash[65]; /* SHA-256 of the file, hex */
};

/* STATUS_INVALID with `error`, a sentence. */
MUST_CHECK enum status import_file_read(struct import_file *file, const char *path,
                                        char error[IMPORT_ERROR_SIZE]);
void import_file_free(struct import_file *file);

enum import_kind { IMPORT_VENUE, IMPORT_EVENT };
struct import_entry {
    enum import_kind kind;
    const json_t *document;
    char place[IMPORT_PLACE_SIZE]; /* "events[3]" */
};
/* The file's entries in order, venues before events. False at the end; *position starts at 0. */
bool import_file_next(const struct import_file *file, size_t *position, struct import_entry *entry);

#endif

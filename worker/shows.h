/*
 * shows: the shows in this worker's memory. Loads them lazily from PostgreSQL on a session of their
 * own, keeps them while they are in use, forgets them when idle, when memory is short, or when
 * memory may be wrong.
 *
 *   (absent) --shows_get--> LOADING --rows read--> READY --shows_forget, idle--> (absent)
 *                              |
 *                              +--no such event, broken rows--> on_failed --> (absent)
 *
 * A command for a show that is LOADING is parked with it (shows_park), up to SHOWS_PARKED_MAX a
 * show. An entry that a batch uses (`users`) outlives its forgetting until the last user lets go
 * (shows_let_go). A load reads one snapshot (worker/show_load.h).
 *
 * Some shows are *busy* though nobody asks about them: holds and turns have to expire, and rooms
 * that are on (open or paused, their event still to be sold) have to open and admit by themselves.
 * All busy shows of owned partitions are loaded after a partition was taken, and looked for again
 * every SHOWS_SWEEP_MS. A show that somebody waits for is loaded before those.
 *
 * Bounded by SHOWS_MAX shows and the setting's bytes: past them a show that is not there is not
 * loaded, also one that waited for its load, and shows_tick makes place by forgetting the longest
 * unused ones. What is busy is not forgotten. Exceeded by SHOWS_LOADS_AT_ONCE shows at most, whose
 * size is known when they are there.
 */
#ifndef USHER_WORKER_SHOWS_H
#define USHER_WORKER_SHOWS_H

#include "shared/clock.h"
#include "worker/engine/heap.h"
#include "worker/engine/room.h"
#include "worker/partitions.h"
#include "worker/work.h"

#include <event2/event.h>
#include <sys/queue.h>

struct shows;

enum {
    SHOWS_MAX = 100000,       /* loaded at once */
    SHOWS_PARKED_MAX = 20000, /* commands waiting for one show */
    SHOWS_LOADS_AT_ONCE = 4,
    SHOWS_FORGET_AT_ONCE = 256, /* in one tick */
    SHOWS_SWEEP_MS = 5000,
};

enum show_entry_state { SHOW_ENTRY_LOADING, SHOW_ENTRY_READY, SHOW_ENTRY_FORGOTTEN };

struct show_entry {
    struct heap_node deadline; /* as settled; INT64_MAX: in no order */
    enum show_entry_state state;
    uint64_t event_id;
    uint32_t partition;
    struct show *show;             /* READY, and FORGOTTEN until let go */
    struct room *room;             /* its waiting room, on or off; there whenever `show` is */
    bool room_is_stored;           /* its record has a row, or will by a batch that is decided */
    struct room_state *room_state; /* as stored; ask committer_room_state */
    uint64_t version;              /* of the seat map as decided */
    uint64_t committed;            /* of the seat map as stored: what others may hear of */
    struct work_list parked;       /* LOADING */
    int64_t used_us;               /* monotonic: the last command; shows_get sets it */
    uint32_t users;                /* batches that hold it */
    void *touch;                   /* the building batch's record of it (worker/batch.h) */
    uint64_t serial;    /* never reused: tells this entry from a later one of the same event */
    bool wanted;        /* somebody waits for it; it is not only busy */
    bool load_waits;    /* LOADING: in a queue of loads */
    bool is_with_rooms; /* as settled: in the list of those that have a room */
    size_t size_bytes;  /* as settled */
    TAILQ_ENTRY(show_entry) load_link;
    TAILQ_ENTRY(show_entry) use_link;
    TAILQ_ENTRY(show_entry) partition_link;
    TAILQ_ENTRY(show_entry) room_link;
};

struct shows_config {
    struct event_base *base;
    const char *database_url;
    const char *application_name;
    const struct partitions *partitions; /* what is owned */
    const struct database_clock *clock;
    int64_t idle_us;    /* unused for so long, a show is forgotten */
    size_t limit_bytes; /* of all shows */
    void (*on_ready)(void *context, struct show_entry *entry); /* take entry->parked */
    /* NOT_FOUND: no such event. INVALID, CONFLICT: the stored rows are broken. Take `parked`. */
    void (*on_failed)(void *context, uint64_t event_id, enum status status,
                      struct work_list *parked);
    void *context;
};

/* Opens the load session. NULL when there is no memory. */
MUST_CHECK struct shows *shows_create(const struct shows_config *config);
void shows_destroy(struct shows *shows);

/* The entry, for a command: loaded soon when it is not there. NULL: a limit is reached, or there is
 * no memory. */
struct show_entry *shows_get(struct shows *shows, uint64_t event_id, uint32_t partition,
                             int64_t now_us);
struct show_entry *shows_find(const struct shows *shows, uint64_t event_id);
/* A limit is reached by what is busy, as of the last tick: it makes no sense to ask again soon. */
bool shows_are_stuck(const struct shows *shows);
/* Takes the work. False (work freed: its sender repeats it) when too many wait. */
bool shows_park_take(struct show_entry *entry, struct work *work);
/* Commands parked with it are dropped: their senders repeat them. */
void shows_forget(struct shows *shows, struct show_entry *entry);
void shows_forget_partition(struct shows *shows, uint32_t partition);
void shows_let_go(struct shows *shows, struct show_entry *entry);
/* Loads, in the background, all busy shows of these partitions. */
void shows_load_busy(struct shows *shows, const bool partitions[PARTITION_COUNT]);
/* Once a second: forgets what was idle and, while a limit is reached, the longest unused ones down
 * to seven eighths of it; looks for busy shows. */
void shows_tick(struct shows *shows, int64_t now_us);

/* Whether there is anything to do or tell about a READY show's room: it is on, somebody has a turn,
 * or people may still be in it. */
bool shows_has_room(const struct show_entry *entry);
/* To be called when a batch about the show is sealed and when it was swept: notes its earliest
 * deadline, a hold's or a turn's, its room and its size, so that nobody has to look at all shows.
 */
void shows_settle(struct shows *shows, struct show_entry *entry);
/* As settled: the partition's show with the earliest deadline, NULL when there is none. */
struct show_entry *shows_first_due(const struct shows *shows, uint32_t partition);
/* As settled: walks those that have a room; NULL begins, and ends. */
struct show_entry *shows_next_room(const struct shows *shows, const struct show_entry *entry);

/* Walks READY entries; nothing may be loaded or forgotten meanwhile. */
struct show_entry *shows_next(const struct shows *shows, size_t *cursor);
size_t shows_count(const struct shows *shows);

/* Looks one booking up. The answer: LOOKUP_FOUND, LOOKUP_NONE, or LOOKUP_NOT_DONE when the database
 * could not be asked. `booking` ends with the call. */
typedef void shows_lookup_handler(void *context, enum lookup_result result,
                                  const struct booking *booking);
void shows_lookup(struct shows *shows, uint64_t event_id, const struct id128 *booking_id,
                  shows_lookup_handler *on_answer, void *context);

#endif

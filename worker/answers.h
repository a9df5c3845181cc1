/*
 * answers: what makes a command be decided once. Remembers, by request id and epoch and until the
 * command's deadline, that a command is under way, or what it was answered, encoded (refusals too).
 *
 *   (absent) --answers_begin--> UNDER WAY --answers_store--> ANSWERED --deadline--> (absent)
 *                                   |
 *                                   +--its work is freed unanswered--> (absent)
 *
 * Bounded by ANSWERS_UNDER_WAY_MAX, ANSWERS_MAX and ANSWERS_BYTES_MAX: past them a new command is
 * not taken (its sender repeats it), nothing remembered is given up early.
 */
#ifndef USHER_WORKER_ANSWERS_H
#define USHER_WORKER_ANSWERS_H

#include "worker/work.h"

struct answers;
struct answer;

enum {
    ANSWERS_UNDER_WAY_MAX = 65536,
    ANSWERS_MAX = 1 << 20,
    ANSWERS_BYTES_MAX = 256 << 20,
};

MUST_CHECK struct answers *answers_create(void);
/* Works still under way must have been freed. */
void answers_destroy(struct answers *answers);

enum answers_verdict {
    ANSWERS_NEW,       /* decide it: `work->answer` is set */
    ANSWERS_UNDER_WAY, /* ignore the repeat */
    ANSWERS_KNOWN,     /* send `record` again */
    ANSWERS_FULL,      /* don't take it now */
};
/* For a command just received. A higher epoch than remembered replaces what is remembered. */
MUST_CHECK enum answers_verdict answers_find(const struct answers *answers,
                                             const struct command *command, const uint8_t **record,
                                             size_t *size_bytes);
/* After ANSWERS_NEW. False without memory. */
MUST_CHECK bool answers_begin(struct answers *answers, struct work *work);
/* Keeps a copy of the record for repeats; without memory the answer is forgotten instead. */
void answers_store(struct answers *answers, struct work *work, const uint8_t *record,
                   size_t size_bytes);
/* Called by work_free. */
void answer_abandon(struct answer *answer);
/* Forgets what is past its deadline. */
void answers_expire(struct answers *answers, int64_t now_us);
size_t answers_under_way(const struct answers *answers);

#endif

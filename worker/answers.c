#include "worker/answers.h"

#include "shared/id_map.h"

#include <stdlib.h>
#include <sys/queue.h>

struct answer {
    struct answers *answers;
    struct id128 request_id;
    uint64_t epoch;
    int64_t deadline_us;
    struct work *work; /* under way */
    uint8_t *record;   /* answered */
    size_t size_bytes;
    TAILQ_ENTRY(answer) link;
};

struct answers {
    struct id_map *by_request;
    TAILQ_HEAD(answer_list, answer) by_age;
    size_t under_way;
    size_t record_bytes;
};

struct answers *answers_create(void) {
    struct answers *answers = calloc(1, sizeof *answers);
    if (!answers)
        return NULL;
    TAILQ_INIT(&answers->by_age);
    answers->by_request = id_map_create(ANSWERS_MAX);
    if (!answers->by_request) {
        free(answers);
        return NULL;
    }
    return answers;
}

static void forget(struct answer *answer) {
    struct answers *answers = answer->answers;
    ensure(id_map_remove(answers->by_request, &answer->request_id) == answer);
    TAILQ_REMOVE(&answers->by_age, answer, link);
    if (answer->work) {
        answer->work->answer = NULL;
        answers->under_way--;
    }
    answers->record_bytes -= answer->size_bytes;
    free(answer->record);
    free(answer);
}

void answers_destroy(struct answers *answers) {
    if (!answers)
        return;
    struct answer *answer;
    while ((answer = TAILQ_FIRST(&answers->by_age)))
        forget(answer);
    id_map_destroy(answers->by_request);
    free(answers);
}

enum answers_verdict answers_find(const struct answers *answers, const struct command *command,
                                  const uint8_t **record, size_t *size_bytes) {
    const struct answer *answer = id_map_get(answers->by_request, &command->request_id);
    if (answer && answer->epoch >= command->epoch) {
        if (!answer->record)
            return ANSWERS_UNDER_WAY;
        *record = answer->record;
        *size_bytes = answer->size_bytes;
        return ANSWERS_KNOWN;
    }
    if (answers->under_way >= ANSWERS_UNDER_WAY_MAX ||
        id_map_count(answers->by_request) >= ANSWERS_MAX ||
        answers->record_bytes >= ANSWERS_BYTES_MAX)
        return ANSWERS_FULL;
    return ANSWERS_NEW;
}

bool answers_begin(struct answers *answers, struct work *work) {
    struct answer *answer = calloc(1, sizeof *answer);
    if (!answer)
        return false;
    *answer = (struct answer){
        .answers = answers,
        .request_id = work->command.request_id,
        .epoch = work->command.epoch,
        .deadline_us = work->command.deadline_us,
        .work = work,
    };
    enum status status = id_map_put(answers->by_request, &answer->request_id, answer);
    if (status == STATUS_EXISTS) { /* of an older epoch */
        forget(id_map_get(answers->by_request, &answer->request_id));
        status = id_map_put(answers->by_request, &answer->request_id, answer);
    }
    if (status != STATUS_OK) {
        free(answer);
        return false;
    }
    TAILQ_INSERT_TAIL(&answers->by_age, answer, link);
    work->answer = answer;
    answers->under_way++;
    return true;
}

void answers_store(struct answers *answers, struct work *work, const uint8_t *record,
                   size_t size_bytes) {
    struct answer *answer = work->answer;
    if (!answer)
        return; /* past its deadline: nobody repeats it */
    answer->record = malloc(size_bytes);
    if (!answer->record) {
        forget(answer);
        return;
    }
    memcpy(answer->record, record, size_bytes);
    answer->size_bytes = size_bytes;
    answers->record_bytes += size_bytes;
    answers->under_way--;
    answer->work = NULL;
    work->answer = NULL;
}

void answer_abandon(struct answer *answer) {
    forget(answer);
}

/* Deadlines come nearly in order of arrival, so the front tells; one that lies later only keeps
 * those behind it a little longer. */
void answers_expire(struct answers *answers, int64_t now_us) {
    struct answer *answer;
    while ((answer = TAILQ_FIRST(&answers->by_age)) && answer->deadline_us < now_us)
        forget(answer);
}

size_t answers_under_way(const struct answers *answers) {
    return answers->under_way;
}

/* The operations on the admin session; see worker/ownership.h. */
#include "worker/ownership_private.h"

#include "shared/failpoint.h"
#include "shared/log.h"
#include "worker/store.h"

#include <unistd.h>

enum { HOST_SIZE = 256 };

static void end_dead_sessions(struct ownership *ownership);

/* --- one operation at a time */

/* Ends the operation. What its answer was does not matter where the next poll reads the truth. */
void ownership_done(struct ownership *ownership, bool poll_again) {
    ownership->operation = OP_NONE;
    ownership->poll_wanted |= poll_again;
    ownership_next(ownership);
}

bool ownership_succeeded(struct ownership *ownership, const struct database_answer *answer,
                         const char *what) {
    if (answer->outcome == DATABASE_DONE)
        return true;
    if (answer->outcome == DATABASE_FAILED) {
        log_write(LOG_WARNING, "ownership-refused", "PostgreSQL refused a step; it is tried again.",
                  LOG_TEXT("step", what), LOG_TEXT("error", answer->error));
        ownership->operation = OP_NONE; /* the poll's timer goes on */
    }
    return false; /* LOST: on_admin_down ends it */
}

struct database_group *ownership_begin(struct ownership *ownership, enum operation operation,
                                       const struct database_statement *statement) {
    ownership->operation = operation;
    struct database_group *group = database_group_create(link_session(ownership->admin));
    database_group_add(group, statement);
    return group;
}

void ownership_send_take(struct ownership *ownership, struct database_group *group,
                         database_answer_handler *on_answer) {
    if (database_group_send_take(group, on_answer, ownership) != STATUS_OK)
        link_restart(ownership->admin);
}

static size_t ids_of(const bool chosen[PARTITION_COUNT], int16_t ids[PARTITION_COUNT]) {
    size_t count = 0;
    for (int16_t i = 0; i < PARTITION_COUNT; i++)
        if (chosen[i])
            ids[count++] = i;
    return count;
}

static void look_again_soon(struct ownership *ownership) {
    const struct timeval soon = {.tv_usec = OWNERSHIP_STEP_MS * 1000};
    ensure(event_add(ownership->step, &soon) == 0);
}

/* --- register, leave */

static void on_registered(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (!ownership_succeeded(ownership, answer, "register"))
        return;
    ownership->registered = true;
    ownership_done(ownership, true);
}

void ownership_register(struct ownership *ownership) {
    char host[HOST_SIZE] = "";
    (void)gethostname(host, sizeof host - 1);
    struct database_group *group =
        ownership_begin(ownership, OP_REGISTER, &store_delete_stale_instances);
    database_group_add(group, &store_insert_instance);
    database_group_i64(group, (int64_t)ownership->config.instance);
    database_group_text(group, ownership->config.process);
    database_group_text(group, host);
    database_group_i32(group, (int32_t)getpid());
    ownership_send_take(ownership, group, on_registered);
}

static void on_unregistered(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (answer->outcome == DATABASE_LOST)
        return; /* whoever waits for it has a time limit */
    if (!ownership->on_left) {
        if (ownership_succeeded(ownership, answer, "unregister")) {
            ownership->registered = false;
            ownership_done(ownership, false);
        }
        return;
    }
    ownership->left = true;
    ownership_announce(ownership);
    ownership->on_left(ownership->left_context);
}

void ownership_unregister(struct ownership *ownership) {
    struct database_group *group = ownership_begin(ownership, OP_LEAVE, &store_delete_instance);
    database_group_i64(group, (int64_t)ownership->config.instance);
    ownership_send_take(ownership, group, on_unregistered);
}

/* --- take over */

static void on_lock_returned(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (answer->outcome == DATABASE_FAILED)
        link_restart(ownership->admin); /* the session's end gives it back */
    else if (answer->outcome == DATABASE_DONE)
        ownership_done(ownership, true);
}

static void on_taken_over(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (answer->outcome == DATABASE_FAILED && strcmp(answer->sqlstate, "55P03") == 0) {
        end_dead_sessions(ownership); /* a lock of theirs was in the way */
        return;
    }
    if (answer->outcome == DATABASE_FAILED)
        link_restart(ownership->admin); /* gives the dead instance's lock back */
    if (answer->outcome != DATABASE_DONE)
        return;
    log_write(LOG_WARNING, "owner-dead",
              "A worker died or froze; its partitions were taken from it.",
              LOG_U64("instance", ownership->plan.dead));
    if (!ownership->raising)
        ownership_take_rows(ownership, answer->results[0], "taken over");
    struct database_group *group = ownership_begin(ownership, OP_TAKE_OVER, &store_delete_instance);
    database_group_i64(group, (int64_t)ownership->plan.dead);
    database_group_add(group, &store_unlock_instance);
    database_group_i64(group, (int64_t)ownership->plan.dead);
    ownership_send_take(ownership, group, on_lock_returned);
}

static void raise_dead_epochs(struct ownership *ownership) {
    int16_t ids[PARTITION_COUNT];
    size_t count = ids_of(ownership->plan.partitions, ids);
    struct database_group *group = ownership_begin(ownership, OP_TAKE_OVER, &store_take_over);
    database_group_i64(group, (int64_t)ownership->plan.dead);
    database_group_i64(group, (int64_t)ownership->config.instance);
    database_group_i16_array(group, ids, count);
    ownership_send_take(ownership, group, on_taken_over);
}

static void on_dead_sessions(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (answer->outcome == DATABASE_FAILED)
        link_restart(ownership->admin);
    if (answer->outcome != DATABASE_DONE)
        return;
    if (database_i64(answer->results[0], 0, 0) > 0)
        look_again_soon(ownership);
    else
        raise_dead_epochs(ownership);
}

static void end_dead_sessions(struct ownership *ownership) {
    char name[INSTANCE_NAME_SIZE];
    ownership_instance_name(name, ownership->config.installation, ownership->plan.dead);
    struct database_group *group = ownership_begin(ownership, OP_TAKE_OVER, &store_end_sessions);
    database_group_text(group, name);
    ownership_send_take(ownership, group, on_dead_sessions);
}

static void on_dead_locked(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (!ownership_succeeded(ownership, answer, "lock a dead worker"))
        return;
    if (!database_bool(answer->results[0], 0, 0)) {
        ownership->operation = OP_NONE; /* it lives, or another worker is at it */
        return;
    }
    (void)FAILPOINT("ownership.taking-over");
    end_dead_sessions(ownership);
}

void ownership_take_over(struct ownership *ownership) {
    struct database_group *group = ownership_begin(ownership, OP_TAKE_OVER, &store_lock_instance);
    database_group_i64(group, (int64_t)ownership->plan.dead);
    ownership_send_take(ownership, group, on_dead_locked);
}

/* --- claim, release, raise */

static void on_claimed(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (!ownership_succeeded(ownership, answer, "claim"))
        return;
    if (!ownership->raising)
        ownership_take_rows(ownership, answer->results[0], "claimed");
    ownership_done(ownership, true);
}

void ownership_claim(struct ownership *ownership) {
    int16_t ids[PARTITION_COUNT];
    size_t count = ids_of(ownership->plan.partitions, ids);
    struct database_group *group = ownership_begin(ownership, OP_CLAIM, &store_claim);
    database_group_i64(group, (int64_t)ownership->config.instance);
    database_group_i16_array(group, ids, count);
    ownership_send_take(ownership, group, on_claimed);
}

static void on_released(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (!ownership_succeeded(ownership, answer, "release"))
        return;
    log_write(LOG_INFO, "partitions-released", "Partitions were handed over.",
              LOG_U64("owned", ownership_count(ownership)));
    ownership_announce(ownership);
    ownership_done(ownership, true);
}

bool ownership_release_drained(struct ownership *ownership) {
    int16_t ids[PARTITION_COUNT];
    int64_t served[PARTITION_COUNT];
    size_t count = 0;
    for (uint32_t i = 0; i < PARTITION_COUNT; i++) {
        const struct partition *partition = partition_at(ownership, i);
        if (!partition->owned || partition->taking ||
            committer_holds_partition(ownership->config.committer, i))
            continue;
        ids[count] = (int16_t)i;
        served[count++] =
            partitions_served_ms(ownership->config.partitions, i, clock_monotonic_us());
        ownership_drop(ownership, i);
    }
    if (count == 0)
        return false;
    struct database_group *group = ownership_begin(ownership, OP_RELEASE, &store_release);
    database_group_i64(group, (int64_t)ownership->config.instance);
    database_group_i16_array(group, ids, count);
    database_group_i64_array(group, served, count);
    ownership_send_take(ownership, group, on_released);
    return true;
}

static void on_raised(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (!ownership_succeeded(ownership, answer, "raise epochs"))
        return;
    if (ownership->lost_pid_count == 0 && ownership->write_up) {
        ownership->raising = false;
        ownership_take_rows(ownership, answer->results[0], "epochs raised");
    }
    ownership_done(ownership, true);
}

static void on_session_ended(void *context, const struct database_answer *answer) {
    struct ownership *ownership = context;
    if (!ownership_succeeded(ownership, answer, "end the lost session"))
        return;
    if (database_i64(answer->results[0], 0, 0) > 0) {
        look_again_soon(ownership);
        return;
    }
    ownership->lost_pid_count--;
    memmove(ownership->lost_pids, ownership->lost_pids + 1,
            ownership->lost_pid_count * sizeof ownership->lost_pids[0]);
    ownership_done(ownership, false);
}

void ownership_end_lost_session(struct ownership *ownership) {
    struct database_group *group = ownership_begin(ownership, OP_RAISE, &store_end_session);
    database_group_i32(group, ownership->lost_pids[0]);
    database_group_text(group, ownership->config.application_name);
    ownership_send_take(ownership, group, on_session_ended);
}

void ownership_raise_epochs(struct ownership *ownership) {
    struct database_group *group = ownership_begin(ownership, OP_RAISE, &store_raise_epochs);
    database_group_i64(group, (int64_t)ownership->config.instance);
    ownership_send_take(ownership, group, on_raised);
}

void ownership_step_again(struct ownership *ownership) {
    if (!link_session(ownership->admin))
        return;
    if (ownership->operation == OP_TAKE_OVER)
        end_dead_sessions(ownership);
    else if (ownership->operation == OP_RAISE)
        ownership_end_lost_session(ownership);
}

#include "tests/sim/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

bool progress_fail(struct progress *progress, const char *format, ...) {
    if (progress->failure[0] == '\0') {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(progress->failure, sizeof progress->failure, format, arguments);
        va_end(arguments);
    }
    return false;
}

struct recent *progress_record(struct progress *progress, const char *what,
                               const struct show_time *time) {
    struct recent *recent = &progress->recent[progress->recent_count++ % PROGRESS_RECENT];
    recent->step = progress->step;
    recent->what = what;
    recent->command.kind = 0;
    recent->code = REPLY_CODE_COUNT;
    recent->time = *time;
    return recent;
}

static void print_command(const struct recent *recent) {
    const struct command *command = &recent->command;
    printf(": %s booking %02x%02x… user %02x%02x… body %" PRIu64 "%s",
           command_kind_text(command->kind), command->booking_id.bytes[0],
           command->booking_id.bytes[1], command->user.bytes[0], command->user.bytes[1],
           command->body_hash, command->guest ? " guest" : "");
    for (uint32_t i = 0; i < command->seat_count && i < BOOKING_SEATS_MAX; i++) {
        printf("%s%" PRIu32, i == 0 ? " seats " : ",", command->seats[i]);
    }
    for (uint32_t i = 0; i < command->item_count && i < BOOKING_ITEMS_MAX; i++) {
        printf("%s%" PRIu32 " of section %" PRIu32, i == 0 ? " general " : ", ",
               command->items[i].quantity, command->items[i].section);
    }
    if (command->queue_number != 0) {
        printf(" number %" PRIu64, command->queue_number);
    }
    if (command->kind == COMMAND_ROOM_VOUCH || command->kind == COMMAND_ROOM_REPORT) {
        printf(" %s %s sequence %" PRIu64 " people %" PRIu32, command->server_id, command->created,
               command->sequence, command->arrival_count);
    }
    if (command->kind == COMMAND_CONFIRM) {
        printf(" payment %d", recent->payment);
    }
    if (recent->code != REPLY_CODE_COUNT) {
        printf(" -> %s", reply_code_text(recent->code));
    }
}

void progress_print_failure(const struct progress *progress) {
    printf("FAILED: %s\n  seed %" PRIu64 ", step %" PRIu32 "; the last of it:\n",
           progress->failure[0] == '\0' ? "crashed" : progress->failure, progress->seed,
           progress->step);
    uint64_t first =
        progress->recent_count < PROGRESS_RECENT ? 0 : progress->recent_count - PROGRESS_RECENT;
    for (uint64_t i = first; i < progress->recent_count; i++) {
        const struct recent *recent = &progress->recent[i % PROGRESS_RECENT];
        printf("  %5" PRIu32 " now %" PRId64 " us, served %" PRId64 " ms: %s", recent->step,
               recent->time.now_us, recent->time.served_ms, recent->what);
        if (recent->command.kind != 0) {
            print_command(recent);
        }
        printf("\n");
    }
}

void progress_print_totals(const struct progress *progress) {
    printf("%" PRIu64 " runs, %" PRIu64 " steps; answers:", progress->runs, progress->steps);
    for (enum reply_code code = REPLY_OK; code < REPLY_CODE_COUNT; code++) {
        if (progress->replies[code] > 0) {
            printf(" %s %" PRIu64, reply_code_text(code), progress->replies[code]);
        }
    }
    printf(" (%" PRIu64 " replayed)\n", progress->replayed);
    printf("swept %" PRIu64 ", commits %" PRIu64 " (failed %" PRIu64 ", unknown %" PRIu64
           "), takeovers %" PRIu64 ", loads %" PRIu64 ", look-ups %" PRIu64
           ", broken stores %" PRIu64 ", failed allocations %" PRIu64 "\n",
           progress->swept, progress->commits, progress->failed_commits, progress->unknown_commits,
           progress->takeovers, progress->loads, progress->lookups, progress->broken_stores,
           progress->failed_allocations);
    printf("rooms: joins %" PRIu64 ", spans %" PRIu64 ", reports %" PRIu64
           ", called by roll %" PRIu64 ", gaps found empty %" PRIu64 "\n",
           progress->joins, progress->vouches, progress->reports, progress->rolled,
           progress->empty_gaps);
}

#include "gateway/access_log.h"

#include "shared/log.h"

enum access_mode access_mode_from_text(const char *text) {
    if (strcmp(text, "full") == 0)
        return ACCESS_FULL;
    return strcmp(text, "sampled") == 0 ? ACCESS_SAMPLED : ACCESS_OFF;
}

static bool is_wanted(struct access_log *log, const struct access_entry *entry, bool slow) {
    if (log->mode == ACCESS_FULL || slow)
        return true;
    if (log->mode == ACCESS_OFF)
        return false;
    return entry->status == 429 || entry->status >= 500 || log->ordinary++ % ACCESS_SAMPLE == 0;
}

static bool has_room(struct access_log *log, int64_t now_us) {
    if (log->mode == ACCESS_FULL)
        return true;
    int64_t second = now_us / 1000000;
    if (second != log->second)
        log->lines = 0;
    log->second = second;
    return log->lines++ < ACCESS_LINES_A_SECOND;
}

bool access_log_is_slow(const struct access_log *log, int64_t took_us) {
    return log->slow_us > 0 && took_us >= log->slow_us;
}

bool access_log_note(struct access_log *log, const struct access_entry *entry, int64_t now_us) {
    bool slow = access_log_is_slow(log, entry->took_us);
    if (!is_wanted(log, entry, slow))
        return false;
    if (!has_room(log, now_us)) {
        log->left_out++;
        return false;
    }
    log_write(slow ? LOG_WARNING : LOG_INFO, slow ? "request-slow" : "request-served",
              slow ? "A request took long." : "A request has ended.",
              LOG_TEXT("request", entry->request_id), LOG_TEXT("method", entry->method),
              LOG_TEXT("route", entry->route), LOG_I64("status", entry->status),
              LOG_U64("bytes", entry->size_bytes), LOG_DOUBLE("ms", (double)entry->took_us / 1e3),
              LOG_U64("left_out", log->left_out));
    log->left_out = 0;
    return true;
}

#include "ops/usherctl/room_figures.h"

#include "shared/clock.h"

#include <inttypes.h>

enum { DURATION_SIZE = 32 };

static int64_t whole(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static void keep(json_t *figures, const json_t *from, const char *name) {
    (void)json_object_set(figures, name, json_object_get(from, name));
}

static json_t *claim_rate(const json_t *room) {
    int64_t claimed = whole(room, "claimed");
    int64_t judged = claimed + whole(room, "missed");
    return judged > 0 ? json_real((double)claimed / (double)judged) : json_null();
}

static json_t *last_eta(const json_t *room) {
    int64_t rate = whole(room, "admitsPerMinute");
    bool open = strcmp(text_of(room, "phase"), "OPEN") == 0;
    return open && rate > 0 ? json_integer(whole(room, "depth") * 60 / rate) : json_null();
}

json_t *room_figures_make(const json_t *event, const json_t *stats, int64_t now_us) {
    static const char *const of_stats[] = {
        "phase",  "depth",  "nowServing", "lastNumber", "admitsPerMinute",      "shoppers", "turns",
        "passes", "missed", "claimed",    "left",       "oldestWaitingSeconds", "bought"};
    const json_t *room = json_object_get(stats, "room");
    const json_t *settings = json_object_get(event, "room");
    char at[TIME_TEXT_SIZE];
    if (!json_is_object(room) || !json_is_object(settings))
        return NULL;
    json_t *figures = json_object();
    (void)json_object_set_new(figures, "at", json_string(time_to_text(now_us, at)));
    (void)json_object_set(figures, "event", json_object_get(event, "id"));
    keep(figures, event, "name");
    for (size_t i = 0; i < ARRAY_LEN(of_stats); i++)
        keep(figures, room, of_stats[i]);
    (void)json_object_set_new(figures, "joinsPerSecond",
                              json_real((double)whole(room, "joinsPerMinute") / 60));
    (void)json_object_set_new(figures, "claimRate", claim_rate(room));
    (void)json_object_set_new(figures, "lastEtaSeconds", last_eta(room));
    keep(figures, settings, "mode");
    keep(figures, settings, "maxShoppers");
    keep(figures, settings, "message");
    (void)json_object_set(figures, "admitsPerMinuteMax",
                          json_object_get(settings, "admitsPerMinute"));
    return figures;
}

/* "2 h 05 min", "3 min 20 s", "7 s" */
static const char *duration(int64_t seconds, char text[DURATION_SIZE]) {
    if (seconds >= 3600)
        (void)snprintf(text, DURATION_SIZE, "%" PRId64 " h %02" PRId64 " min", seconds / 3600,
                       seconds / 60 % 60);
    else if (seconds >= 60)
        (void)snprintf(text, DURATION_SIZE, "%" PRId64 " min %02" PRId64 " s", seconds / 60,
                       seconds % 60);
    else
        (void)snprintf(text, DURATION_SIZE, "%" PRId64 " s", seconds);
    return text;
}

void room_figures_print(FILE *out, const json_t *figures, const char *line_end) {
    char text[DURATION_SIZE];
    const json_t *eta = json_object_get(figures, "lastEtaSeconds");
    const json_t *claims = json_object_get(figures, "claimRate");
    const char *message = text_of(figures, "message");
    (void)fprintf(out, "event %" PRId64 "  %s%s\n", whole(figures, "event"),
                  text_of(figures, "name"), line_end);
    (void)fprintf(out, "%-24s  %s (mode %s)%s\n", text_of(figures, "at"), text_of(figures, "phase"),
                  text_of(figures, "mode"), line_end);
    (void)fprintf(out, "waiting       %10" PRId64 "   oldest %s%s\n", whole(figures, "depth"),
                  duration(whole(figures, "oldestWaitingSeconds"), text), line_end);
    (void)fprintf(out, "now serving   %10" PRId64 "   of %" PRId64 "%s\n",
                  whole(figures, "nowServing"), whole(figures, "lastNumber"), line_end);
    (void)fprintf(out, "joining       %10.1f   a second%s\n",
                  json_real_value(json_object_get(figures, "joinsPerSecond")), line_end);
    (void)fprintf(out, "admitting     %10" PRId64 "   a minute, at most %" PRId64 "%s\n",
                  whole(figures, "admitsPerMinute"), whole(figures, "admitsPerMinuteMax"),
                  line_end);
    (void)fprintf(out,
                  "shoppers      %10" PRId64 "   at most %" PRId64 ": %" PRId64 " called, %" PRId64
                  " with a pass%s\n",
                  whole(figures, "shoppers"), whole(figures, "maxShoppers"),
                  whole(figures, "turns"), whole(figures, "passes"), line_end);
    (void)fprintf(out, "claimed       %10" PRId64 "   missed %" PRId64, whole(figures, "claimed"),
                  whole(figures, "missed"));
    if (json_is_real(claims))
        (void)fprintf(out, " (%.0f %% come)", json_real_value(claims) * 100);
    (void)fprintf(out, "%s\nbought        %10" PRId64 "   left %" PRId64 "%s\n", line_end,
                  whole(figures, "bought"), whole(figures, "left"), line_end);
    (void)fprintf(out, "who is last   %10s   %s%s\n", "",
                  json_is_integer(eta) ? duration(json_integer_value(eta), text) : "not known",
                  line_end);
    if (message[0] != '\0')
        (void)fprintf(out, "told          %s%s\n", message, line_end);
}

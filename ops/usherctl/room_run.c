#include "ops/usherctl/room_run.h"

#include "ops/usherctl/room_figures.h"
#include "shared/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 64, NUMBER_DIGITS_MAX = 9 };

/* --- watching */

static json_t *fetch(struct site *site, uint64_t event_id, char error[SITE_ERROR_SIZE]) {
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "/admin/events/%" PRIu64, event_id);
    json_t *event = site_call(site, path, NULL, error);
    (void)snprintf(path, sizeof path, "/admin/events/%" PRIu64 "/stats", event_id);
    json_t *stats = event != NULL ? site_call(site, path, NULL, error) : NULL;
    json_t *figures = NULL;
    if (stats != NULL) {
        figures = room_figures_make(event, stats, clock_wall_us());
        if (figures == NULL)
            (void)snprintf(error, SITE_ERROR_SIZE, "nobody knows the room now");
    }
    json_decref(stats);
    json_decref(event);
    return figures;
}

static void print_json(const json_t *figures, const char *error) {
    char at[TIME_TEXT_SIZE];
    json_t *line = figures != NULL ? json_copy((json_t *)figures)
                                   : json_pack("{s:s, s:s}", "at",
                                               time_to_text(clock_wall_us(), at), "error", error);
    char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(4));
    ensure(text != NULL);
    (void)printf("%s\n", text);
    free(text);
    json_decref(line);
}

/* ECMA-48: to the upper left corner; clear to the end of the line, of the screen. */
static void print_screen(const json_t *figures, const char *error) {
    bool terminal = isatty(STDOUT_FILENO) == 1;
    const char *line_end = terminal ? "\033[K" : "";
    (void)fputs(terminal ? "\033[H" : "", stdout);
    if (figures != NULL)
        room_figures_print(stdout, figures, line_end);
    else
        (void)printf("%s%s\n", error, line_end);
    (void)fputs(terminal ? "\033[J" : "\n", stdout);
}

static void wait_a_second(void) {
    struct timespec rest = {.tv_sec = 1};
    while (nanosleep(&rest, &rest) != 0) {
    }
}

bool room_run_watch(struct site *site, uint64_t event_id, const struct room_watch *watch) {
    for (;;) {
        char error[SITE_ERROR_SIZE];
        json_t *figures = fetch(site, event_id, error);
        bool known = figures != NULL;
        if (!known && watch->once)
            (void)fprintf(stderr, "usherctl: %s\n", error);
        else if (watch->json)
            print_json(figures, error);
        else if (watch->once)
            room_figures_print(stdout, figures, "");
        else
            print_screen(figures, error);
        json_decref(figures);
        if (fflush(stdout) != 0 || watch->once)
            return known;
        wait_a_second();
    }
}

/* --- steering */

static json_t *number_change(const char *name, const char *text) {
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > NUMBER_DIGITS_MAX || text[digits] != '\0')
        return NULL;
    return json_pack("{s:{s:i}}", "room", name, (int)strtol(text, NULL, 10));
}

json_t *room_run_change(size_t count, char *const *words) {
    static const struct {
        const char *verb;
        const char *mode;
    } modes[] = {{"open", "open"}, {"pause", "paused"}, {"close", "closed"}, {"off", "off"}};
    for (size_t i = 0; count == 1 && i < ARRAY_LEN(modes); i++)
        if (strcmp(words[0], modes[i].verb) == 0)
            return json_pack("{s:{s:s}}", "room", "mode", modes[i].mode);
    if (count != 2)
        return NULL;
    if (strcmp(words[0], "rate") == 0)
        return number_change("admitsPerMinute", words[1]);
    if (strcmp(words[0], "cap") == 0)
        return number_change("maxShoppers", words[1]);
    return strcmp(words[0], "message") == 0 ? json_pack("{s:{s:s}}", "room", "message", words[1])
                                            : NULL;
}

bool room_run_steer(struct site *site, uint64_t event_id, const json_t *change) {
    char path[PATH_SIZE];
    char error[SITE_ERROR_SIZE];
    (void)snprintf(path, sizeof path, "/admin/events/%" PRIu64, event_id);
    json_t *event = site_call(site, path, change, error);
    if (event == NULL) {
        (void)fprintf(stderr, "usherctl: %s\n", error);
        return false;
    }
    char *text = json_dumps(json_object_get(event, "room"), 0);
    (void)printf("event %" PRIu64 ": %s\n", event_id, text != NULL ? text : "");
    free(text);
    json_decref(event);
    return true;
}

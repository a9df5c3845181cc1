#include "ops/benchmarks/audience.h"

#include "ops/benchmarks/crew.h"
#include "ops/benchmarks/loopback.h"
#include "shared/clock.h"

#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

struct audience {
    struct crew crew;
    int bell;
    struct hearer_desk *desks; /* one a process */
};

uint32_t audience_sockets_per_process(void) {
    struct rlimit limit;
    ensure(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    ensure(setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max > AUDIENCE_FILES_SPARED);
    rlim_t sockets = limit.rlim_max - AUDIENCE_FILES_SPARED;
    return sockets < AUDIENCE_SOCKETS_MAX ? (uint32_t)sockets : AUDIENCE_SOCKETS_MAX;
}

static void work(void *context) {
    hearer_run(context);
}

/* Until something has changed on a desk. */
static bool wait_for_bell(const struct audience *audience, int64_t until_us) {
    int64_t left_us = until_us - clock_monotonic_us();
    struct pollfd bell = {.fd = audience->bell, .events = POLLIN};
    uint64_t rung;
    if (left_us <= 0 || poll(&bell, 1, (int)(left_us / 1000) + 1) <= 0)
        return false;
    ensure(read(audience->bell, &rung, sizeof rung) == sizeof rung);
    return true;
}

static bool is_open(const struct hearer_desk *desk, uint32_t number) {
    (void)number;
    return desk->open;
}

static bool has_heard(const struct hearer_desk *desk, uint32_t number) {
    return desk->told > number;
}

static bool wait_for_all(const struct audience *audience,
                         bool (*is_done)(const struct hearer_desk *desk, uint32_t number),
                         uint32_t number, int64_t limit_ms) {
    int64_t until_us = clock_monotonic_us() + limit_ms * 1000;
    bool rung = true;
    while (rung) {
        uint32_t done = 0;
        for (uint32_t i = 0; i < audience->crew.count; i++) {
            const struct hearer_desk *desk = &audience->desks[i];
            done += is_done(desk, number);
            if (desk->failed) {
                fprintf(stderr, "who listens: %s\n", desk->why);
                return false;
            }
        }
        if (done == audience->crew.count)
            return true;
        rung = wait_for_bell(audience, until_us);
    }
    fprintf(stderr, "not all who listen have heard within %" PRId64 " ms\n", limit_ms);
    return false;
}

struct audience *audience_create(const struct sockaddr_storage *servers, uint32_t server_count,
                                 const char *path, uint32_t sockets) {
    struct audience *audience = calloc(1, sizeof *audience);
    uint32_t each = audience_sockets_per_process();
    uint32_t processes = (sockets + each - 1) / each;
    ensure(audience != NULL && processes <= CREW_MAX);
    audience->bell = eventfd(0, EFD_CLOEXEC);
    ensure(audience->bell >= 0);
    audience->desks = crew_memory(CREW_MAX * sizeof *audience->desks);
    for (uint32_t i = 0; i < processes; i++) {
        struct hearer_plan plan = {
            .number = i,
            .servers = servers,
            .server_count = server_count,
            .path = path,
            .sockets = sockets / processes + (i < sockets % processes),
            .bell = audience->bell,
            .desk = &audience->desks[i],
        };
        crew_add(&audience->crew, work, &plan);
    }
    if (wait_for_all(audience, is_open, 0, AUDIENCE_OPEN_MS))
        return audience;
    audience_destroy(audience);
    return NULL;
}

struct audience *audience_of_event(const char *url, uint64_t event, uint32_t sockets) {
    struct sockaddr_storage server;
    socklen_t size;
    char path[64];
    snprintf(path, sizeof path, "/events/%" PRIu64 "/live", event);
    if (loopback_from_url(url, &server, &size) && server.ss_family == AF_INET)
        return audience_create(&server, 1, path, sockets);
    fprintf(stderr, "%s is not http://127.…:PORT\n", url);
    return NULL;
}

static bool is_the_same(const struct hearer_news *one, const struct hearer_news *other) {
    return one->size_bytes == other->size_bytes &&
           memcmp(one->text, other->text, one->size_bytes) == 0;
}

bool audience_wait(struct audience *audience, uint32_t number, int64_t limit_ms,
                   struct hearer_news *news) {
    if (!wait_for_all(audience, has_heard, number, limit_ms))
        return false;
    *news = audience->desks[0].news[number];
    for (uint32_t i = 1; i < audience->crew.count; i++) {
        const struct hearer_news *other = &audience->desks[i].news[number];
        if (!is_the_same(news, other)) {
            fprintf(stderr, "heard were '%s' and '%s'\n", news->text, other->text);
            return false;
        }
        news->heard += other->heard;
        news->first_us = other->first_us < news->first_us ? other->first_us : news->first_us;
        news->last_us = other->last_us > news->last_us ? other->last_us : news->last_us;
    }
    return true;
}

size_t audience_write_seats(const struct hearer_news *news, FILE *file) {
    json_t *frame = json_loadb(news->text, news->size_bytes, 0, NULL);
    json_t *changes = json_object_get(frame, "changes");
    size_t count = json_object_size(changes);
    const char *seat;
    json_t *state;
    json_object_foreach(changes, seat, state)
        fprintf(file, "%s\t%s\n", seat, json_string_value(state));
    json_decref(frame);
    return count;
}

uint32_t audience_processes(const struct audience *audience) {
    return audience->crew.count;
}

double audience_cpu_seconds(const struct audience *audience) {
    return crew_cpu_seconds(&audience->crew);
}

void audience_destroy(struct audience *audience) {
    if (audience == NULL)
        return;
    crew_end(&audience->crew);
    ensure(munmap(audience->desks, CREW_MAX * sizeof *audience->desks) == 0);
    close(audience->bell);
    free(audience);
}

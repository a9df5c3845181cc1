#include "ops/benchmarks/overhear.h"

#include "ops/benchmarks/audience.h"
#include "ops/benchmarks/report.h"
#include "shared/clock.h"

#include <inttypes.h>
#include <stdlib.h>

/* What everybody has been told. */
struct heard {
    uint32_t frames;
    uint64_t deliveries;
    struct histogram telling_us;
};

/* -1, with a line on stderr: there is none. */
static int64_t read_version(void) {
    char line[32];
    char *end = NULL;
    int64_t version = fgets(line, sizeof line, stdin) != NULL ? strtoll(line, &end, 10) : -1;
    if (end != NULL && end != line && *end == '\n' && version >= 0)
        return version;
    fputs("no version was given to wait for\n", stderr);
    return -1;
}

/* Until everybody knows that version. */
static bool hear(struct audience *audience, int64_t version, FILE *answers, struct heard *heard) {
    struct hearer_news *news = calloc(1, sizeof *news);
    ensure(news != NULL);
    bool right = true;
    while (right && news->version < version) {
        right = audience_wait(audience, heard->frames, AUDIENCE_WAIT_MS, news);
        if (!right)
            break;
        audience_write_seats(news, answers);
        heard->frames++;
        heard->deliveries += news->heard;
        histogram_record(&heard->telling_us, (uint64_t)(news->last_us - news->first_us));
    }
    free(news);
    return right;
}

static void print(const struct options *options, const struct heard *heard,
                  const struct stopwatch *watch) {
    double each = 1e6 / (double)heard->deliveries;
    printf("{\"sockets\":%" PRIu64 ",\"frames\":%u", options->sockets, heard->frames);
    printf(",\"tellingP50\":%.1f,\"tellingMax\":%.1f,\"cpuMicroseconds\":{",
           (double)histogram_quantile(&heard->telling_us, 0.5) / 1e3,
           (double)histogram_quantile(&heard->telling_us, 1) / 1e3);
    for (size_t i = 0; i < watch->process_count; i++)
        printf("%s\"%s\":%.2f", i > 0 ? "," : "", watch->processes[i].name,
               watch->cpu_seconds[i] * each);
    puts("}}");
}

bool overhear_load(const struct options *options) {
    struct heard heard = {0};
    struct stopwatch watch = {.processes = options->processes,
                              .process_count = options->process_count};
    struct audience *audience = NULL;
    FILE *answers = fopen(options->answers, "we");
    bool measured = false;
    if (answers == NULL) {
        fprintf(stderr, "%s can't be written\n", options->answers);
        return false;
    }
    audience = audience_of_event(options->url, options->events[0], (uint32_t)options->sockets);
    if (audience == NULL)
        goto out;
    printf("{\"open\":%" PRIu64 "}\n", options->sockets);
    if (!report_is_written(stdout, "standard output"))
        goto out;
    stopwatch_start(&watch);
    int64_t version = read_version();
    measured = version >= 0 && hear(audience, version, answers, &heard);
    stopwatch_stop(&watch);
    measured = report_is_written(answers, options->answers) && measured;
    if (measured)
        print(options, &heard, &watch);
out:
    audience_destroy(audience);
    fclose(answers);
    return measured;
}

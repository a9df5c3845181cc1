#include "ops/benchmarks/report.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

void report_print_traffic(const struct client_traffic *traffic) {
    double each = traffic->answers > 0 ? 1 / (double)traffic->answers : 0;
    printf(",\"requestBytes\":%.1f,\"answerBytes\":%.1f", (double)traffic->sent_bytes * each,
           (double)traffic->received_bytes * each);
    printf(",\"lateMs\":%.3f,\"latestMs\":%.3f,\"late\":%s",
           (double)histogram_quantile(&traffic->late_us, 0.99) / 1e3,
           (double)traffic->late_us.max / 1e3,
           arrivals_were_late(&traffic->late_us) ? "true" : "false");
}

void report_print_speed(uint64_t done, const struct stopwatch *watch,
                        const struct histogram *latency_us) {
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
    double each = done > 0 ? 1e6 / (double)done : 0;
    double strangers_seconds = watch->machine_cpu_seconds - watch->own_cpu_seconds;
    double share = watch->own_cpu_seconds / watch->elapsed_seconds;
    printf(",\"pid\":%d,\"startedSeconds\":%.6f,\"seconds\":%.3f,\"perSecond\":%.1f", getpid(),
           (double)watch->started_us / 1e6, watch->elapsed_seconds,
           (double)done / watch->elapsed_seconds);
    printf(",\"latencyMs\":{");
    for (size_t i = 0; i < ARRAY_LEN(quantiles); i++)
        printf("%s\"%s\":%.3f", i > 0 ? "," : "", quantiles[i].name,
               (double)histogram_quantile(latency_us, quantiles[i].share) / 1e3);
    printf("},\"generatorShare\":%.3f,\"bottleneck\":%s,\"cpuMicroseconds\":{\"generator\":%.2f",
           share, share >= REPORT_BOTTLENECK_SHARE ? "true" : "false",
           watch->own_cpu_seconds * each);
    for (size_t i = 0; i < watch->process_count; i++) {
        printf(",\"%s\":%.2f", watch->processes[i].name, watch->cpu_seconds[i] * each);
        strangers_seconds -= watch->cpu_seconds[i];
    }
    printf("},\"strangersCores\":%.2f}\n",
           strangers_seconds > 0 ? strangers_seconds / watch->elapsed_seconds : 0);
}

void report_print_quantiles(const char *name, const struct histogram *latency_us) {
    static const struct {
        const char *name;
        double share;
    } quantiles[] = {{"P50", 0.5}, {"P99", 0.99}, {"P999", 0.999}, {"Max", 1}};
    for (size_t i = 0; i < ARRAY_LEN(quantiles); i++)
        printf(",\"%s%s\":%.3f", name, quantiles[i].name,
               (double)histogram_quantile(latency_us, quantiles[i].share) / 1e3);
}

bool report_is_written(FILE *file, const char *path) {
    if (fflush(file) == 0)
        return true;
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return false;
}

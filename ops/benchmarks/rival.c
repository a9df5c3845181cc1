/*
 * usher-rival: what ops/bench measures usher beside. A command of it reserves seats without usher;
 * the database is what libpq's environment names (PGHOST …). The result is one JSON object on
 * standard output. Exit 0: measured, 1: not measured, 2: bad arguments.
 */
#include "ops/benchmarks/rivals.h"

static const char usage[] =
    "usage: usher-rival optimistic --events ID,… --seat-count N --answers FILE\n"
    "                              [--connections 256] [--sessions 8] [--depth 1] [--seconds 5]\n"
    "                              [--seed 1] [--buyers N] [--process NAME=PID]…\n"
    "       usher-rival redis-lock --redis-port PORT, and the same\n"
    "       usher-rival batch-limit --events ID,… --seat-count N --answers FILE\n"
    "                         [--seconds 5] [--seed 1] [--process NAME=PID]…\n";

int main(int argc, char **argv) {
    static const struct options_command commands[] = {{"optimistic", "eqa", rival_optimistic},
                                                      {"redis-lock", "eqal", rival_redis_lock},
                                                      {"batch-limit", "eqa", rival_batch_limit},
                                                      {0}};
    return options_run(argc, argv, commands, usage);
}

#include "shared/bus.h"
#include "shared/config.h"
#include "shared/log.h"
#include "worker/numbers.h"
#include "worker/worker.h"

#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void on_signal(evutil_socket_t signal_number, short what, void *context) {
    (void)signal_number;
    (void)what;
    worker_leave(context);
}

static int run(struct event_base *base, const struct config *config) {
    struct worker *worker = worker_create(base, config);
    struct event *terminate = worker ? evsignal_new(base, SIGTERM, on_signal, worker) : NULL;
    struct event *interrupt = worker ? evsignal_new(base, SIGINT, on_signal, worker) : NULL;
    int result = EXIT_FAILURE;
    if (terminate && interrupt && event_add(terminate, NULL) == 0 &&
        event_add(interrupt, NULL) == 0 && event_base_dispatch(base) >= 0 && !worker_failed(worker))
        result = EXIT_SUCCESS;
    if (terminate)
        event_free(terminate);
    if (interrupt)
        event_free(interrupt);
    worker_destroy(worker);
    return result;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "metrics") == 0) {
        numbers_print_markdown(stdout); /* for the README's table */
        return EXIT_SUCCESS;
    }
    if (argc != 1) {
        (void)fprintf(stderr,
                      "usher-worker takes no arguments; its settings come from the environment.\n");
        return 2;
    }
    struct config config;
    enum log_level level;
    log_init("usher-worker", LOG_INFO);
    if (!config_load(&config) || !log_level_from_text(config.log_level, &level))
        return 2;
    log_init(config.process, level);
    (void)signal(SIGPIPE, SIG_IGN);
    struct event_base *base = event_base_new();
    if (!base)
        return EXIT_FAILURE;
    log_write(LOG_INFO, "worker-started", "usher-worker has started.");
    int result = run(base, &config);
    event_base_free(base);
    bus_library_close();
    libevent_global_shutdown();
    return result;
}

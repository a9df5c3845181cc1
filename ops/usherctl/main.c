#include "ops/usherctl/admin_log.h"
#include "ops/usherctl/audit_run.h"
#include "ops/usherctl/import.h"
#include "ops/usherctl/key.h"
#include "ops/usherctl/migrate.h"
#include "ops/usherctl/room_run.h"
#include "ops/usherctl/run_env.h"
#include "ops/usherctl/status.h"
#include "shared/config.h"
#include "shared/log.h"

#include <limits.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2 };

static const char HELP[] =
    "usherctl migrate                bring the database to this program's migrations\n"
    "usherctl import [--once] FILE…  store venues and events; --once: only when there are no "
    "events\n"
    "usherctl status [--json]        partitions, owners, workers, open holds, bookings\n"
    "usherctl key create NAME --role viewer|operator|organiser|admin\n"
    "                                a key of the administration; it is printed once\n"
    "usherctl key list [--json]      the keys\n"
    "usherctl key revoke NAME        gateways refuse it within 2 s\n"
    "usherctl log [--limit N] [--json]\n"
    "                                what admins did, the newest last\n"
    "usherctl room EVENT [--once] [--json]\n"
    "                                a waiting room, every second\n"
    "usherctl room EVENT open | pause | close | off | rate N | cap N | message TEXT\n"
    "                                steers it: mode, admitted a minute, shoppers at a time, what "
    "it is told\n"
    "usherctl audit EVENT [--export FILE] [--json]\n"
    "                                did everybody get in in the order of joining? Exit status 1 "
    "with what\n"
    "                                is wrong, 2 when it can't be checked\n"
    "usherctl audit --check FILE [--json]\n"
    "                                the same of an export, anywhere\n"
    "usherctl settings               all settings, as a table in Markdown\n"
    "usherctl help                   this\n"
    "\n"
    "The database is USHER_DATABASE_URL or, when that is not set, the one in\n"
    "${USHER_HOME:-.usher}/run/env, which ops/up writes. `audit` also reads USHER_NATS_URL, `room` "
    "asks\n"
    "USHER_URL with the key USHER_ADMIN_KEY or that of ${USHER_HOME:-.usher}/admin.key.\n";

/* --- settings ------------------------------------------------------------------------------ */

static bool load_config(struct config *config) {
    if (!config_load(config)) {
        return false;
    }
    if (config->database_url[0] == '\0' &&
        !run_env_read(config->home, "USHER_DATABASE_URL", config->database_url,
                      sizeof config->database_url)) {
        (void)fprintf(
            stderr,
            "usherctl: which database? Set USHER_DATABASE_URL, or start usher with ops/up "
            "(%s/run/env names none)\n",
            config->home);
        return false;
    }
    return true;
}

/* --- commands ------------------------------------------------------------------------------ */

static PGconn *connect_database(const struct config *config) {
    const char *const keywords[] = {"dbname", "fallback_application_name", "connect_timeout", NULL};
    const char *const values[] = {config->database_url, "usherctl", "10", NULL};
    PGconn *connection = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(connection) != CONNECTION_OK) {
        (void)fprintf(stderr, "usherctl: the database can't be reached: %s",
                      PQerrorMessage(connection));
        PQfinish(connection);
        return NULL;
    }
    return connection;
}

static int command_migrate(void) {
    struct config config;
    PGconn *connection = load_config(&config) ? connect_database(&config) : NULL;
    if (!connection) {
        return EXIT_FAILURE;
    }
    char error[MIGRATE_ERROR_SIZE];
    enum status status = migrate_run(connection, &migrations_embedded, stdout, error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "usherctl: %s\n", error);
    }
    PQfinish(connection);
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int command_status(bool json) {
    struct config config;
    PGconn *connection = load_config(&config) ? connect_database(&config) : NULL;
    if (!connection) {
        return EXIT_FAILURE;
    }
    bool good = status_print(connection, json);
    PQfinish(connection);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int command_import(bool once, const char *const *paths) {
    struct config config;
    if (!load_config(&config)) {
        return EXIT_FAILURE;
    }
    const struct import_options options = {
        .database_url = config.database_url,
        .default_hold_seconds = config.hold_seconds,
        .once = once,
        .paths = paths,
    };
    return import_run(&options) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int usage(void) {
    (void)fputs(HELP, stderr);
    return EXIT_USAGE;
}

static int exit_status(bool good) {
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* `arguments`: those after `key`, NULL-terminated. */
static int command_key(size_t count, char *const *arguments) {
    struct config config;
    enum admin_role role = ADMIN_ROLE_VIEWER;
    const char *verb = count > 0 ? arguments[0] : "";
    bool creates = strcmp(verb, "create") == 0 && count == 4 &&
                   strcmp(arguments[2], "--role") == 0 && admin_role_from_text(arguments[3], &role);
    bool lists = strcmp(verb, "list") == 0 &&
                 (count == 1 || (count == 2 && strcmp(arguments[1], "--json") == 0));
    bool revokes = strcmp(verb, "revoke") == 0 && count == 2;
    if (!creates && !lists && !revokes) {
        return usage();
    }
    if (!load_config(&config)) {
        return EXIT_FAILURE;
    }
    if (creates) {
        return exit_status(key_create(config.database_url, arguments[1], role));
    }
    return exit_status(lists ? key_list(config.database_url, count == 2)
                             : key_revoke(config.database_url, arguments[1]));
}

static bool read_limit(const char *text, int32_t *limit) {
    char *end;
    long value = strtol(text, &end, 10);
    *limit = (int32_t)value;
    return end != text && *end == '\0' && value >= 1 && value <= ADMIN_LOG_LIMIT_MAX;
}

/* `arguments`: those after `log`. */
static int command_log(size_t count, char *const *arguments) {
    struct config config;
    int32_t limit = ADMIN_LOG_LIMIT_DEFAULT;
    bool json = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(arguments[i], "--json") == 0) {
            json = true;
        } else if (strcmp(arguments[i], "--limit") != 0 || ++i == count ||
                   !read_limit(arguments[i], &limit)) {
            return usage();
        }
    }
    return exit_status(load_config(&config) && admin_log_print(config.database_url, limit, json));
}

static bool read_event_id(const char *text, uint64_t *event_id) {
    char *end;
    long long value = strtoll(text, &end, 10);
    *event_id = (uint64_t)value;
    return text[0] >= '1' && text[0] <= '9' && *end == '\0' && value < LLONG_MAX;
}

/* `arguments`: those after `audit`. */
static int command_audit(size_t count, char *const *arguments) {
    struct config config;
    uint64_t event_id = 0;
    const char *check_path = NULL, *export_path = NULL;
    bool json = false;
    for (size_t i = 0; i < count; i++) {
        bool has_next = i + 1 < count;
        if (strcmp(arguments[i], "--json") == 0) {
            json = true;
        } else if (strcmp(arguments[i], "--check") == 0 && has_next) {
            check_path = arguments[++i];
        } else if (strcmp(arguments[i], "--export") == 0 && has_next) {
            export_path = arguments[++i];
        } else if (event_id != 0 || !read_event_id(arguments[i], &event_id)) {
            return usage();
        }
    }
    if ((event_id == 0) == (check_path == NULL) || (check_path != NULL && export_path != NULL)) {
        return usage();
    }
    if (check_path != NULL) {
        return (int)audit_run_check(check_path, json);
    }
    PGconn *connection = load_config(&config) ? connect_database(&config) : NULL;
    if (connection == NULL) {
        return AUDIT_EXIT_NOT_CHECKED;
    }
    run_env_read(config.home, "USHER_NATS_URL", config.nats_url, sizeof config.nats_url);
    enum audit_exit result = audit_run(connection, config.nats_url, event_id, export_path, json);
    PQfinish(connection);
    return (int)result;
}

/* `words`: --once and --json. */
static bool read_watch(size_t count, char *const *words, struct room_watch *watch) {
    *watch = (struct room_watch){0};
    for (size_t i = 0; i < count; i++) {
        watch->once = watch->once || strcmp(words[i], "--once") == 0;
        watch->json = watch->json || strcmp(words[i], "--json") == 0;
    }
    return count == (size_t)watch->once + watch->json;
}

/* `arguments`: those after `room`. */
static int command_room(size_t count, char *const *arguments) {
    struct config config;
    uint64_t event_id;
    struct room_watch watch;
    if (count == 0 || !read_event_id(arguments[0], &event_id)) {
        return usage();
    }
    json_t *change = room_run_change(count - 1, arguments + 1);
    if (change == NULL && !read_watch(count - 1, arguments + 1, &watch)) {
        return usage();
    }
    struct site *site = config_load(&config) ? site_open(&config) : NULL;
    bool good = site != NULL && (change != NULL ? room_run_steer(site, event_id, change)
                                                : room_run_watch(site, event_id, &watch));
    site_close(site);
    json_decref(change);
    return exit_status(good);
}

int main(int argc, char **argv) {
    log_init("usherctl", LOG_INFO);
    const char *command = argc > 1 ? argv[1] : "";
    const char *option = argc > 2 ? argv[2] : "";
    if (strcmp(command, "migrate") == 0 && argc == 2) {
        return command_migrate();
    }
    if (strcmp(command, "import") == 0) {
        bool once = strcmp(option, "--once") == 0;
        const char *const *paths = (const char *const *)argv + 2 + once;
        return argc > 2 + once && paths[0][0] != '-' ? command_import(once, paths) : usage();
    }
    if (strcmp(command, "status") == 0 && (argc == 2 || (argc == 3 && !strcmp(option, "--json")))) {
        return command_status(argc == 3);
    }
    if (strcmp(command, "key") == 0) {
        return command_key((size_t)argc - 2, argv + 2);
    }
    if (strcmp(command, "log") == 0) {
        return command_log((size_t)argc - 2, argv + 2);
    }
    if (strcmp(command, "room") == 0) {
        return command_room((size_t)argc - 2, argv + 2);
    }
    if (strcmp(command, "audit") == 0) {
        return command_audit((size_t)argc - 2, argv + 2);
    }
    if (strcmp(command, "settings") == 0 && argc == 2) {
        config_print_markdown(stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(command, "help") == 0 || strcmp(command, "--help") == 0) {
        (void)fputs(HELP, stdout);
        return EXIT_SUCCESS;
    }
    return usage();
}

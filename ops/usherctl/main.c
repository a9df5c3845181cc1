#include "ops/usherctl/admin_log.h"
#include "ops/usherctl/import.h"
#include "ops/usherctl/key.h"
#include "ops/usherctl/migrate.h"
#include "ops/usherctl/status.h"
#include "shared/config.h"
#include "shared/log.h"

#include <limits.h>
#include <stdlib.h>

enum { EXIT_USAGE = 2, ENV_LINE_SIZE = CONFIG_TEXT_SIZE + 64 };

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
    "usherctl settings               all settings, as a table in Markdown\n"
    "usherctl help                   this\n"
    "\n"
    "The database is USHER_DATABASE_URL or, when that is not set, the one in\n"
    "${USHER_HOME:-.usher}/run/env, which ops/up writes.\n";

/* --- settings ------------------------------------------------------------------------------ */

/* The value of a line KEY=VALUE of a shell's file, without its quotes, or NULL when it sets
 * another. Changes the line. */
static char *value_of_line(char *line, const char *key) {
    size_t key_length = strlen(key);
    line += strncmp(line, "export ", 7) == 0 ? 7 : 0;
    if (strncmp(line, key, key_length) != 0 || line[key_length] != '=') {
        return NULL;
    }
    char *value = line + key_length + 1;
    size_t length = strcspn(value, "\r\n");
    bool quoted =
        length >= 2 && (value[0] == '\'' || value[0] == '"') && value[length - 1] == value[0];
    value[length - quoted] = '\0';
    return value + quoted;
}

/* Fills in the database of run/env; false when that file does not name one. */
static bool read_run_env(struct config *config) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/run/env", config->home);
    FILE *file = fopen(path, "r");
    if (!file) {
        return false;
    }
    char line[ENV_LINE_SIZE];
    bool found = false;
    while (fgets(line, sizeof line, file)) {
        const char *value = value_of_line(line, "USHER_DATABASE_URL");
        if (value && value[0] && strlen(value) < sizeof config->database_url) {
            memcpy(config->database_url, value, strlen(value) + 1);
            found = true;
        }
    }
    (void)fclose(file);
    return found;
}

static bool load_config(struct config *config) {
    if (!config_load(config)) {
        return false;
    }
    if (config->database_url[0] == '\0' && !read_run_env(config)) {
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

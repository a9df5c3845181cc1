#include "tests/support/servers.h"
#include "tests/support/expect.h"
#include "tests/support/sql.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <glob.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    SERVER_START_MS = 30000,
    PORT_FIRST = 20000,
    PORT_COUNT = 12000, /* Linux's ephemeral ports begin at 32768 */
};

/* --- ports
 * ---------------------------------------------------------------------------------------------- */

static bool port_is_free(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_ANY)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(fd >= 0, "no socket");
    bool free_port = bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    (void)close(fd);
    return free_port;
}

/* A name in the abstract namespace is a lock among all tests of this machine; the kernel releases
 * it when this process ends, so the descriptor is left open on purpose. */
static bool port_lock(uint16_t port) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "usher-test-port-%u", port);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    expect(fd >= 0, "no socket");
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    if (bind(fd, (struct sockaddr *)&name, size) == 0) {
        return true;
    }
    (void)close(fd);
    return false;
}

uint16_t port_claim(void) {
    uint16_t start = 0;
    ensure(getrandom(&start, sizeof start, 0) == (ssize_t)sizeof start);
    for (unsigned i = 0; i < PORT_COUNT; i++) {
        uint16_t port = (uint16_t)(PORT_FIRST + (start + i) % PORT_COUNT);
        if (port_is_free(port) && port_lock(port)) {
            return port;
        }
    }
    fail_msg("no free port");
    return 0;
}

/* --- PostgreSQL
 * ----------------------------------------------------------------------------------------- */

/* Of the newest version installed as Debian and Ubuntu do. */
static void postgres_program(const char *name, char path[PATH_MAX]) {
    glob_t found;
    int newest = 0;
    path[0] = '\0';
    expect(glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0,
           "no PostgreSQL server here");
    for (size_t i = 0; i < found.gl_pathc; i++) {
        int version = (int)strtol(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"), NULL, 10);
        if (version > newest) {
            newest = version;
            (void)snprintf(path, PATH_MAX, "/usr/lib/postgresql/%d/bin/%s", version, name);
        }
    }
    globfree(&found);
}

static void make_postgres_folder(const char *path) {
    expect(mkdir(path, 0700) == 0, "can't make %s", path);
    const struct passwd *user = geteuid() == 0 ? getpwnam("postgres") : NULL;
    expect(user == NULL || chown(path, user->pw_uid, user->pw_gid) == 0, "can't give %s away",
           path);
}

void postgres_create(struct postgres_server *server, const char *folder) {
    char program[PATH_MAX], home[PATH_MAX], data[PATH_MAX], log[PATH_MAX];
    *server = (struct postgres_server){.port = port_claim()};
    (void)snprintf(server->folder, sizeof server->folder, "%s", folder);
    (void)snprintf(home, sizeof home, "%s/postgres", folder);
    (void)snprintf(data, sizeof data, "%s/postgres/data", folder);
    (void)snprintf(log, sizeof log, "%s/initdb.log", folder);
    postgres_program("initdb", program);
    make_postgres_folder(home);
    const char *arguments[] = {program,     "-D",    data, "-U",   "postgres",
                               "-A",        "trust", "-E", "UTF8", "--locale=C.UTF-8",
                               "--no-sync", NULL};
    const struct process_start initdb = {
        .name = "initdb", .arguments = arguments, .log_path = log, .as_postgres = true};
    int status = process_run(&initdb, SERVER_START_MS);
    if (status != 0) {
        folder_print_tail(log, 20);
    }
    expect(status == 0, "initdb failed");
    postgres_start(server);
}

void postgres_start(struct postgres_server *server) {
    char program[PATH_MAX], data[PATH_MAX], sockets[PATH_MAX], log[PATH_MAX], port[8];
    (void)snprintf(data, sizeof data, "%s/postgres/data", server->folder);
    (void)snprintf(sockets, sizeof sockets, "%s/postgres", server->folder);
    (void)snprintf(log, sizeof log, "%s/postgres.log", server->folder);
    (void)snprintf(port, sizeof port, "%u", server->port);
    postgres_program("postgres", program);
    const char *arguments[] = {program,
                               "-D",
                               data,
                               "-k",
                               sockets,
                               "-h",
                               "127.0.0.1",
                               "-p",
                               port,
                               "-c",
                               "log_min_messages=warning",
                               NULL};
    /* SIGQUIT ends its own children as well and frees its shared memory; SIGKILL would not. */
    const struct process_start start = {.name = "postgres",
                                        .arguments = arguments,
                                        .log_path = log,
                                        .as_postgres = true,
                                        .death_signal = SIGQUIT};
    server->process = process_start(&start);
    char url[SERVER_URL_SIZE];
    postgres_url(server, "postgres", false, url);
    struct wait wait = wait_at_most(SERVER_START_MS);
    while (PQping(url) != PQPING_OK) {
        if (!process_runs(server->process)) {
            folder_print_tail(log, 20);
            fail_msg("PostgreSQL does not start");
        }
        wait_again(&wait, "PostgreSQL to take connections");
    }
}

static void postgres_halt(struct postgres_server *server, int signal_number) {
    process_signal(server->process, signal_number);
    expect(process_wait(server->process, SERVER_START_MS, NULL), "PostgreSQL does not stop");
    process_destroy(server->process);
    server->process = NULL;
}

void postgres_stop(struct postgres_server *server) {
    postgres_halt(server, SIGINT);
}

void postgres_crash(struct postgres_server *server) {
    postgres_halt(server, SIGQUIT);
}

void postgres_destroy(struct postgres_server *server) {
    if (server->process != NULL) {
        postgres_crash(server);
    }
}

void postgres_create_database(const struct postgres_server *server, const char *name) {
    char url[SERVER_URL_SIZE], statement[128];
    postgres_url(server, "postgres", false, url);
    struct sql *sql = sql_open(url);
    (void)snprintf(statement, sizeof statement, "CREATE DATABASE %s", name);
    sql_run(sql, statement, NULL);
    sql_close(sql);
}

void postgres_url(const struct postgres_server *server, const char *database, bool tcp,
                  char url[SERVER_URL_SIZE]) {
    if (tcp) {
        (void)snprintf(url, SERVER_URL_SIZE, "postgresql://postgres@127.0.0.1:%u/%s", server->port,
                       database);
    } else {
        (void)snprintf(url, SERVER_URL_SIZE, "postgresql://postgres@/%s?host=%s/postgres&port=%u",
                       database, server->folder, server->port);
    }
}

/* --- NATS
 * -----------------------------------------------------------------------------------------------
 */

static void nats_create_one(struct nats_server *server, const char *folder, bool plain) {
    *server = (struct nats_server){.name = "nats", .plain = plain, .port = port_claim()};
    (void)snprintf(server->folder, sizeof server->folder, "%s", folder);
    nats_start(server);
}

void nats_create(struct nats_server *server, const char *folder) {
    nats_create_one(server, folder, false);
}

void nats_create_plain(struct nats_server *server, const char *folder) {
    nats_create_one(server, folder, true);
}

void nats_create_cluster(struct nats_server *servers, size_t count, const char *folder) {
    char routes[NATS_ROUTES_SIZE] = "";
    for (size_t i = 0; i < count; i++) {
        servers[i] = (struct nats_server){.port = port_claim(), .cluster_port = port_claim()};
        (void)snprintf(servers[i].folder, sizeof servers[i].folder, "%s", folder);
        (void)snprintf(servers[i].name, sizeof servers[i].name, "nats-%zu", i);
        size_t length = strlen(routes);
        (void)snprintf(routes + length, sizeof routes - length, "%snats://127.0.0.1:%u",
                       i > 0 ? "," : "", servers[i].cluster_port);
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(servers[i].routes, routes, sizeof routes);
        nats_start(&servers[i]);
    }
}

static bool port_answers(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char greeting[8] = {0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(fd >= 0, "no socket");
    bool greeted = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
                   recv(fd, greeting, 4, MSG_WAITALL) == 4 && strcmp(greeting, "INFO") == 0;
    (void)close(fd);
    return greeted;
}

void nats_start(struct nats_server *server) {
    static const char *const places[] = {"/usr/sbin/nats-server", "/usr/bin/nats-server",
                                         "/usr/local/bin/nats-server"};
    size_t place = 0;
    while (place < ARRAY_LEN(places) && access(places[place], X_OK) != 0) {
        place++;
    }
    expect(place < ARRAY_LEN(places), "no nats-server here");
    char store[PATH_MAX], log[PATH_MAX], port[8], cluster[64];
    (void)snprintf(store, sizeof store, "%s/%s", server->folder, server->name);
    (void)snprintf(log, sizeof log, "%s/%s.log", server->folder, server->name);
    (void)snprintf(port, sizeof port, "%u", server->port);
    (void)snprintf(cluster, sizeof cluster, "nats://127.0.0.1:%u", server->cluster_port);
    enum { PLAIN = 5, ALONE = 8 }; /* how many of these arguments it has, when not in a cluster */
    const char *arguments[] = {places[place],   "-a",   "127.0.0.1", "-p",    port,
                               "-js",           "-sd",  store,       "-n",    server->name,
                               "-cluster_name", "test", "-cluster",  cluster, "-routes",
                               server->routes,  NULL};
    if (server->cluster_port == 0) {
        arguments[server->plain ? PLAIN : ALONE] = NULL;
    }
    const struct process_start start = {.name = "nats", .arguments = arguments, .log_path = log};
    server->process = process_start(&start);
    struct wait wait = wait_at_most(SERVER_START_MS);
    while (!port_answers(server->port)) {
        if (!process_runs(server->process)) {
            folder_print_tail(log, 20);
            fail_msg("NATS does not start");
        }
        wait_again(&wait, "NATS to greet");
    }
}

void nats_kill(struct nats_server *server) {
    process_destroy(server->process);
    server->process = NULL;
}

void nats_destroy(struct nats_server *server) {
    if (server->process != NULL) {
        nats_kill(server);
    }
}

void nats_url(const struct nats_server *server, char url[SERVER_URL_SIZE]) {
    (void)snprintf(url, SERVER_URL_SIZE, "nats://127.0.0.1:%u", server->port);
}

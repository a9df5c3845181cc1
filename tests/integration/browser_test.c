/* A page of another origin, in a real browser: it books with fetch where its origin is allowed,
 * looks where everybody may, and gets nothing elsewhere. All that usher answers it, what the page
 * is not shown included, is as documented. */
#include "tests/support/expect.h"
#include "tests/support/relay.h"
#include "tests/support/shop.h"
#include "tests/support/wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BROWSER_MS = 60000, PAGE_CLIENTS_MAX = 32, TEXT_MAX_BYTES = 64 * 1024 };

/* --- the other site: one page, whatever is asked for ------------------------------------------ */

struct site {
    uint16_t port;
    struct pollfd sockets[PAGE_CLIENTS_MAX + 1]; /* the listening one first */
    nfds_t count;
    char page[TEXT_MAX_BYTES];
};

static void read_text(const char *path, char text[TEXT_MAX_BYTES]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    expect(fd >= 0, "can't read %s", path);
    ssize_t size = read(fd, text, TEXT_MAX_BYTES - 1);
    expect(size >= 0 && close(fd) == 0, "can't read %s", path);
    text[size] = '\0';
}

static struct site *site_open(void) {
    static const int yes = 1;
    struct site *site = calloc(1, sizeof *site);
    ensure(site != NULL);
    site->port = port_claim();
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(site->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    expect(fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
               bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
               listen(fd, PAGE_CLIENTS_MAX) == 0,
           "can't listen on port %u", site->port);
    site->sockets[0] = (struct pollfd){.fd = fd, .events = POLLIN};
    site->count = 1;
    read_text(USHER_BROWSER_PAGE, site->page);
    return site;
}

static void site_close(struct site *site) {
    while (site->count > 0) {
        (void)close(site->sockets[--site->count].fd);
    }
    free(site);
}

/* A browser's request comes in one piece; a connection that it made ahead of need, in none. */
static void site_answer(struct site *site, int fd) {
    char request[8192], head[256];
    if (recv(fd, request, sizeof request, 0) > 0) {
        int size = snprintf(head, sizeof head,
                            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
                            "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                            strlen(site->page));
        (void)send(fd, head, (size_t)size, MSG_NOSIGNAL | MSG_MORE);
        (void)send(fd, site->page, strlen(site->page), MSG_NOSIGNAL);
    }
    (void)close(fd);
}

static void site_serve(struct site *site, int timeout_ms) {
    if (poll(site->sockets, site->count, timeout_ms) <= 0) {
        return;
    }
    for (nfds_t i = site->count - 1; i > 0; i--) {
        if (site->sockets[i].revents != 0) {
            site_answer(site, site->sockets[i].fd);
            site->sockets[i] = site->sockets[--site->count];
        }
    }
    if (site->sockets[0].revents != 0 && site->count <= PAGE_CLIENTS_MAX) {
        int fd = accept4(site->sockets[0].fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            site->sockets[site->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
}

/* --- the browser ------------------------------------------------------------------------------ */

/* What usher answered it. */
struct answers {
    size_t all, preflights;
};

/* Visits the site under this host name, and returns the page as it was in the end. */
static struct answers visit(struct cluster *cluster, struct site *site, const char *host,
                            unsigned gateway, int64_t event_id, char text[TEXT_MAX_BYTES]) {
    struct relay *relay = relay_create(cluster->gateways[gateway].port);
    char url[256], log[FOLDER_PATH_SIZE + 64], profile[FOLDER_PATH_SIZE + 64];
    char home[FOLDER_PATH_SIZE + 16];
    (void)snprintf(url, sizeof url, "http://%s:%u/?api=http://127.0.0.1:%u&event=%" PRId64, host,
                   site->port, relay_port(relay), event_id);
    (void)snprintf(log, sizeof log, "%s/browser-%s-%u.log", cluster->folder, host, gateway);
    (void)snprintf(profile, sizeof profile, "--user-data-dir=%s/browser-%s-%u", cluster->folder,
                   host, gateway);
    (void)snprintf(home, sizeof home, "HOME=%s", cluster->folder);
    const char *const arguments[] = {USHER_BROWSER,
                                     "--headless",
                                     "--no-sandbox", /* or it does not run as root */
                                     "--disable-gpu",
                                     "--disable-dev-shm-usage",
                                     "--disable-background-networking",
                                     "--disable-component-update",
                                     "--disable-sync",
                                     "--disable-quic",
                                     "--disable-extensions",
                                     "--no-first-run",
                                     "--no-proxy-server",
                                     "--dump-dom",
                                     "--virtual-time-budget=30000", /* ms, for the page to end */
                                     profile,
                                     url,
                                     NULL};
    const struct process_start start = {.name = "browser",
                                        .arguments = arguments,
                                        .environment = (const char *[]){home, NULL},
                                        .log_path = log};
    struct process *browser = process_start(&start);
    struct wait wait = wait_at_most(BROWSER_MS);
    while (process_runs(browser)) {
        site_serve(site, 0);
        relay_drive(relay, WAIT_PAUSE_MS);
        expect(!wait_is_over(&wait), "the browser does not end; see %s", log);
    }
    process_destroy(browser);
    const struct answers answers = {relay_answers(relay), relay_preflights(relay)};
    relay_destroy(relay);
    read_text(log, text);
    return answers;
}

/* What the page has written. */
static void expect_result(const char *text, const char *expected) {
    static const char begin[] = "<pre id=\"result\">";
    const char *result = strstr(text, begin);
    expect(result != NULL, "the page was not there: %s", text);
    result += sizeof begin - 1;
    size_t size = strcspn(result, "<");
    if (size != strlen(expected) || strncmp(result, expected, size) != 0) {
        fail_msg("the page says\n%.*s\ninstead of\n%s\n%s", (int)size, result, expected, text);
    }
}

/* At least so many: a browser may ask for more than the page does. */
static void expect_answers(struct answers answers, size_t all, size_t preflights) {
    expect(answers.all >= all && answers.preflights >= preflights,
           "only %zu answers, %zu of them to preflights, went by", answers.all, answers.preflights);
}

static void expect_seat(struct cluster *cluster, int64_t event_id, const char *state) {
    char *stored = shop_stored_seat(cluster, event_id, "A1");
    assert_string_equal(stored, state);
    free(stored);
}

static void restart_with(struct cluster *cluster, unsigned gateway, const char *setting) {
    cluster_kill(&cluster->gateways[gateway]);
    cluster->gateways[gateway].setting = setting;
    cluster_start_gateway(cluster, gateway);
}

static void a_page_of_another_site_books(void **state) {
    const struct cluster_options options = {.workers = 1, .gateways = 2};
    struct cluster *cluster = cluster_create(state, &options);
    const struct shop_event event = {.venue_id = shop_venue(cluster, 2, 10)};
    int64_t event_id = shop_event(cluster, &event);
    struct site *site = site_open();
    char origins[64];
    char *text = malloc(TEXT_MAX_BYTES);
    ensure(text != NULL);
    (void)snprintf(origins, sizeof origins, "USHER_ALLOWED_ORIGINS=http://127.0.0.1:%u",
                   site->port);
    restart_with(cluster, 0, origins);
    restart_with(cluster, 1, "USHER_ALLOWED_ORIGINS=*");
    cluster_wait_ready(cluster);

    /* The same page under another name is another origin. */
    struct answers answers = visit(cluster, site, "localhost", 0, event_id, text);
    expect_result(text, "failed TypeError\n");
    expect_answers(answers, 1, 0); /* the page may not read it */
    answers = visit(cluster, site, "localhost", 1, event_id, text);
    expect_result(text, "events 200 with an ETag\nseats 200 from-a-page\nfailed TypeError\n");
    expect_seat(cluster, event_id, "AVAILABLE");
    expect_answers(answers, 3, 1);
    answers = visit(cluster, site, "127.0.0.1", 0, event_id, text);
    expect_result(text, "events 200 with an ETag\nseats 200 from-a-page\n"
                        "reserve 201 PENDING\nagain 201 true true\nlate 409 seat-taken\n"
                        "confirm 200 CONFIRMED\nown 200 CONFIRMED\ndone\n");
    expect_seat(cluster, event_id, "BOOKED");
    expect_answers(answers, 9, 1);
    free(text);
    site_close(site);
    cluster_finish(cluster);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_page_of_another_site_books, cluster_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

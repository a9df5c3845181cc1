#include "tests/integration/office.h"

#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <stdlib.h>
#include <unistd.h>

enum { OUTPUT_MAX_BYTES = 1 << 20 };

void office_open(struct office *office, struct cluster *cluster) {
    office->cluster = cluster;
    (void)snprintf(office->output, sizeof office->output, "%s/usherctl.log", cluster->folder);
}

int office_usherctl(struct office *office, const char *const *words) {
    (void)unlink(office->output);
    return cluster_usherctl(office->cluster, words, office->output);
}

char *office_output(const struct office *office) {
    char *text = calloc(1, OUTPUT_MAX_BYTES + 1);
    FILE *file = fopen(office->output, "r");
    ensure(text != NULL && file != NULL);
    size_t size = fread(text, 1, OUTPUT_MAX_BYTES, file);
    ensure(size < OUTPUT_MAX_BYTES);
    (void)fclose(file);
    return text;
}

bool office_printed(const struct office *office, const char *text) {
    return folder_file_contains(office->output, text);
}

/* Its line begins with the key's prefix. */
static void take_key(const struct office *office, char key[ADMIN_KEY_TEXT_SIZE]) {
    char *output = office_output(office);
    const char *at = strstr(output, "usher_");
    expect(at != NULL, "no key in: %s", output);
    size_t size = strcspn(at, "\n");
    expect(size < ADMIN_KEY_TEXT_SIZE, "too long for a key: %s", at);
    memcpy(key, at, size);
    key[size] = '\0';
    free(output);
}

void office_make_key(struct office *office, const char *name, const char *role,
                     char key[ADMIN_KEY_TEXT_SIZE]) {
    struct cluster *cluster = office->cluster;
    int status = USHERCTL_WORDS(office, "key", "create", name, "--role", role);
    expect(status == 0, "usherctl key create %s --role %s: %d", name, role, status);
    take_key(office, key);
    struct wait wait = wait_at_most(OFFICE_REFRESH_MS);
    for (unsigned gateway = 0; gateway < cluster->gateway_count; gateway++) {
        for (int got = 401; got == 401;) {
            struct http_answer answer =
                office_ask(office, gateway, key, "GET", "/admin/events/1", NULL);
            got = answer.status;
            http_answer_free(&answer);
            if (got == 401) {
                wait_again(&wait, "a gateway to know a new key");
            }
        }
    }
}

struct http_answer office_ask(struct office *office, unsigned gateway, const char *key,
                              const char *method, const char *path, const char *body) {
    struct http_answer answer;
    const struct http_request request = {
        .method = method, .path = path, .token = key, .body = body};
    http_call(office->cluster->gateways[gateway].port, &request, &answer);
    return answer;
}

json_t *office_log(struct office *office, unsigned lines) {
    char limit[16];
    (void)snprintf(limit, sizeof limit, "%u", lines);
    int status = USHERCTL_WORDS(office, "log", "--json", "--limit", limit);
    char *output = office_output(office);
    expect(status == 0, "usherctl log: %d %s", status, output);
    json_t *log = json_array();
    char *rest = NULL;
    for (char *line = strtok_r(output, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        json_t *object = json_loads(line, 0, NULL);
        expect(object != NULL, "not a line of JSON: %s", line);
        ensure(json_array_append_new(log, object) == 0);
    }
    free(output);
    expect(json_array_size(log) == lines, "%zu lines in the log, not %u", json_array_size(log),
           lines);
    return log;
}

int64_t office_log_count(struct office *office) {
    return sql_number(office->cluster->sql, "SELECT count(*) FROM usher.admin_log", NULL);
}

#include "ops/usherctl/site.h"

#include "ops/usherctl/run_env.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    KEY_SIZE = 256,
    URL_SIZE = CONFIG_TEXT_SIZE + 128,
    CONNECT_TIMEOUT_MS = 3000,
    TIMEOUT_MS = 15000, /* a change is answered within 10 s */
};

struct site {
    CURL *curl;
    struct curl_slist *headers;
    char url[CONFIG_TEXT_SIZE];
    char *answer; /* SITE_ANSWER_BYTES_MAX */
    size_t answer_bytes;
    char error[CURL_ERROR_SIZE];
};

static void find_url(const struct config *config, char url[CONFIG_TEXT_SIZE]) {
    bool everywhere =
        strcmp(config->listen_address, "0.0.0.0") == 0 || strcmp(config->listen_address, "::") == 0;
    const char *address = everywhere ? "127.0.0.1" : config->listen_address;
    bool is_v6 = strchr(address, ':') != NULL;
    if (run_env_read(config->home, "USHER_URL", url, CONFIG_TEXT_SIZE))
        return;
    if (config->public_url[0] != '\0')
        memcpy(url, config->public_url, CONFIG_TEXT_SIZE);
    else
        (void)snprintf(url, CONFIG_TEXT_SIZE, "http%s://%s%s%s:%" PRId64,
                       config->tls_certificate[0] != '\0' ? "s" : "", is_v6 ? "[" : "", address,
                       is_v6 ? "]" : "", config->port);
}

static bool find_key(const struct config *config, char key[KEY_SIZE]) {
    char path[PATH_MAX];
    const char *given = getenv("USHER_ADMIN_KEY");
    if (given != NULL && given[0] != '\0') {
        (void)snprintf(key, KEY_SIZE, "%s", given);
        return true;
    }
    (void)snprintf(path, sizeof path, "%s/admin.key", config->home);
    FILE *file = fopen(path, "r");
    bool found = file != NULL && fgets(key, KEY_SIZE, file) != NULL;
    if (file != NULL)
        (void)fclose(file);
    if (found)
        key[strcspn(key, "\r\n")] = '\0';
    else
        (void)fprintf(stderr, "usherctl: with which key? Set USHER_ADMIN_KEY; %s can't be read\n",
                      path);
    return found;
}

static size_t take_answer(char *data, size_t one, size_t size_bytes, void *context) {
    struct site *site = context;
    ensure(one == 1);
    if (size_bytes >= SITE_ANSWER_BYTES_MAX - site->answer_bytes)
        return 0;
    memcpy(site->answer + site->answer_bytes, data, size_bytes);
    site->answer_bytes += size_bytes;
    return size_bytes;
}

static struct curl_slist *headers_of(const char *key) {
    char line[KEY_SIZE + 32];
    (void)snprintf(line, sizeof line, "Authorization: Bearer %s", key);
    struct curl_slist *headers = curl_slist_append(NULL, line);
    return curl_slist_append(headers, "Content-Type: application/json");
}

struct site *site_open(const struct config *config) {
    char key[KEY_SIZE];
    if (!find_key(config, key))
        return NULL;
    struct site *site = calloc(1, sizeof *site);
    ensure(site != NULL && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    site->curl = curl_easy_init();
    site->answer = malloc(SITE_ANSWER_BYTES_MAX);
    site->headers = headers_of(key);
    ensure(site->curl != NULL && site->answer != NULL && site->headers != NULL);
    find_url(config, site->url);
    return site;
}

void site_close(struct site *site) {
    if (site == NULL)
        return;
    curl_slist_free_all(site->headers);
    curl_easy_cleanup(site->curl);
    curl_global_cleanup();
    free(site->answer);
    free(site);
}

static CURLcode perform(struct site *site, const char *path, const char *change) {
    char url[URL_SIZE];
    size_t length = strlen(site->url);
    bool slash = length > 0 && site->url[length - 1] == '/';
    (void)snprintf(url, sizeof url, "%.*s%s", (int)(length - slash), site->url, path);
    site->answer_bytes = 0;
    site->error[0] = '\0';
    curl_easy_reset(site->curl); /* keeps the connection */
    (void)curl_easy_setopt(site->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(site->curl, CURLOPT_HTTPHEADER, site->headers);
    (void)curl_easy_setopt(site->curl, CURLOPT_WRITEFUNCTION, take_answer);
    (void)curl_easy_setopt(site->curl, CURLOPT_WRITEDATA, site);
    (void)curl_easy_setopt(site->curl, CURLOPT_ERRORBUFFER, site->error);
    (void)curl_easy_setopt(site->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(site->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    (void)curl_easy_setopt(site->curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
    if (change != NULL) {
        (void)curl_easy_setopt(site->curl, CURLOPT_CUSTOMREQUEST, "PATCH");
        (void)curl_easy_setopt(site->curl, CURLOPT_POSTFIELDS, change);
    }
    return curl_easy_perform(site->curl);
}

/* What a refusal says: of its list of mistakes the first, or its detail. */
static void explain(long status, const json_t *problem, char error[SITE_ERROR_SIZE]) {
    const json_t *mistake = json_array_get(json_object_get(problem, "errors"), 0);
    const char *field = json_string_value(json_object_get(mistake, "field"));
    const char *detail = json_string_value(json_object_get(mistake, "problem"));
    if (detail == NULL)
        detail = json_string_value(json_object_get(problem, "detail"));
    if (detail == NULL)
        detail = json_string_value(json_object_get(problem, "title"));
    (void)snprintf(error, SITE_ERROR_SIZE, "the site answers %ld: %s%s%.160s", status,
                   field != NULL ? field : "", field != NULL ? ": " : "",
                   detail != NULL ? detail : "not what was expected");
}

json_t *site_call(struct site *site, const char *path, const json_t *change,
                  char error[SITE_ERROR_SIZE]) {
    long status = 0;
    char *body = change != NULL ? json_dumps(change, JSON_COMPACT) : NULL;
    CURLcode code = perform(site, path, body);
    free(body);
    if (code != CURLE_OK) {
        const char *why = site->error[0] != '\0' ? site->error : curl_easy_strerror(code);
        (void)snprintf(error, SITE_ERROR_SIZE, "the site can't be reached: %.200s", why);
        return NULL;
    }
    (void)curl_easy_getinfo(site->curl, CURLINFO_RESPONSE_CODE, &status);
    json_t *answer = json_loadb(site->answer, site->answer_bytes, 0, NULL);
    if (status == 200 && json_is_object(answer))
        return answer;
    explain(status, answer, error);
    json_decref(answer);
    return NULL;
}

#include "shared/config.h"

#include "shared/log.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum setting_kind {
    SETTING_TEXT,
    SETTING_NUMBER,
    SETTING_LOG_LEVEL,
    SETTING_SWITCH,
    SETTING_ACCESS_LOG,
    SETTING_JWT_ALGORITHM,
    SETTING_KIND_COUNT
};

/* Kinds of text that is one of a few words. */
static const struct {
    const char *words[4];
    const char *problem;
} choices[SETTING_KIND_COUNT] = {
    [SETTING_LOG_LEVEL] = {{"debug", "info", "warning", "error"},
                           "must be debug, info, warning or error"},
    [SETTING_SWITCH] = {{"on", "off"}, "must be on or off"},
    [SETTING_ACCESS_LOG] = {{"off", "sampled", "full"}, "must be off, sampled or full"},
    [SETTING_JWT_ALGORITHM] = {{"", "RS256", "ES256", "EdDSA"}, "must be RS256, ES256 or EdDSA"},
};

/* Who acts on a setting. Only what concerns an operator is in the README. */
enum setting_owner {
    OWNER_PROCESS, /* usher's programs: it has a place in struct config */
    OWNER_OPS,     /* ops/up and ops/down */
    OWNER_TOOLS,   /* of tools; some are written by ops/up into run/env */
    OWNER_TEST,    /* tests */
};

struct setting {
    const char *name; /* ending in '_': every name that begins so */
    enum setting_owner owner;
    enum setting_kind kind;
    const char *fallback;
    const char *meaning;
    int64_t min, max;          /* SETTING_NUMBER */
    size_t offset, size_bytes; /* OWNER_PROCESS: its place in struct config */
};

#define PLACE(field) offsetof(struct config, field), sizeof(((struct config *)NULL)->field)
#define TEXT(name, field, fallback, meaning)                                                       \
    { name, OWNER_PROCESS, SETTING_TEXT, fallback, meaning, 0, 0, PLACE(field) }
#define NUMBER(name, field, fallback, min, max, meaning)                                           \
    { name, OWNER_PROCESS, SETTING_NUMBER, fallback, meaning, min, max, PLACE(field) }
#define CHOICE(name, field, kind, fallback, meaning)                                               \
    { name, OWNER_PROCESS, kind, fallback, meaning, 0, 0, PLACE(field) }
#define OTHERS(name, owner, fallback, meaning)                                                     \
    { name, owner, SETTING_TEXT, fallback, meaning, 0, 0, 0, 0 }

static const struct setting settings[] = {
    TEXT("USHER_HOME", home, ".usher", "folder for data, logs, keys, sockets and pid files"),
    TEXT("USHER_PROCESS", process, "usher", "the process's name in its log lines"),
    TEXT("USHER_DATABASE_URL", database_url, "",
         "PostgreSQL, as a libpq connection string; empty: libpq's own defaults"),
    TEXT("USHER_READ_DATABASE_URL", read_database_url, "",
         "PostgreSQL for search and pages, e.g. a replica; empty: as `USHER_DATABASE_URL`"),
    TEXT("USHER_NATS_URL", nats_url, "nats://127.0.0.1:4222", "NATS servers, separated by commas"),
    TEXT("USHER_PUBLIC_URL", public_url, "",
         "the address browsers use; empty: the gateway's own address and port"),
    TEXT("USHER_LISTEN", listen_address, "127.0.0.1", "IP address of the public port"),
    NUMBER("USHER_PORT", port, "8080", 1, 65535, "public port"),
    NUMBER("USHER_OPS_PORT", ops_port, "0", 0, 65535,
           "a process's loopback port for `/healthz`, `/readyz` and `/metrics`; 0: any free one, "
           "written to the log"),
    NUMBER("USHER_HOLD_SECONDS", hold_seconds, "300", 1, 86400, "hold of new events"),
    NUMBER("USHER_HANDOVER_SECONDS", handover_seconds, "10", 0, 3600,
           "how long a worker has to be alive before partitions are handed to it"),
    NUMBER("USHER_IDLE_SHOW_SECONDS", idle_show_seconds, "600", 1, 86400,
           "a worker forgets a show that nobody has asked about for so long"),
    NUMBER("USHER_SHOW_MEMORY_MB", show_memory_mb, "1024", 1, 1048576,
           "memory for a worker's shows, in MiB"),
    NUMBER("USHER_QUEUE_REPLICAS", queue_replicas, "1", 1, 5,
           "copies NATS keeps of a waiting room's queue; more than 1 needs a NATS cluster, and a "
           "cluster more than 1"),
    NUMBER("USHER_CONNECTIONS_MAX", connections_max, "60000", 1, 1000000,
           "connections a gateway keeps at a time"),
    NUMBER("USHER_REQUEST_SECONDS", request_seconds, "10", 1, 3600,
           "time for a request to arrive whole"),
    NUMBER("USHER_IDLE_SECONDS", idle_seconds, "75", 1, 86400,
           "how long a connection is kept without a request"),
    TEXT("USHER_TLS_CERTIFICATE", tls_certificate, "",
         "PEM file of the public port's certificate and its chain, with `USHER_TLS_KEY`: the port "
         "speaks HTTPS only; both are read again on `SIGHUP`"),
    TEXT("USHER_TLS_KEY", tls_key, "", "PEM file of the certificate's private key"),
    TEXT("USHER_ALLOWED_ORIGINS", allowed_origins, "",
         "whose pages may call the API from a browser (CORS): origins, separated by commas; `*`: "
         "pages of any site may look (GET without a token)"),
    TEXT("USHER_JWT_ISSUER", jwt_issuer, "",
         "the site's identity provider: its name (`iss`); the `USHER_JWT_…` are set all or none"),
    TEXT("USHER_JWT_AUDIENCE", jwt_audience, "", "this site's name at the provider (`aud`)"),
    CHOICE("USHER_JWT_ALGORITHM", jwt_algorithm, SETTING_JWT_ALGORITHM, "",
           "how the provider signs, and nothing else is accepted: RS256, ES256 or EdDSA"),
    TEXT("USHER_JWT_KEYS", jwt_keys, "",
         "file of the provider's public keys, JWKS or PEM; read again when it changes"),
    CHOICE("USHER_GUESTS", guests, SETTING_SWITCH, "on",
           "whether people without an account may book: on or off"),
    TEXT("USHER_LIMIT_LOOKING", limit_looking, "100/500",
         "what one address may look at: requests a second / at once; `0`: no limit. IPv6 counts by "
         "/64; every gateway counts for itself; clients on this machine are exempt"),
    TEXT("USHER_LIMIT_SESSIONS", limit_sessions, "20/200",
         "guests' sessions for one address, likewise"),
    TEXT("USHER_LIMIT_BOOKING", limit_booking, "5/20",
         "requests of one user about bookings, likewise"),
    TEXT("USHER_LIMIT_BOOKING_ADDRESS", limit_booking_address, "100/500",
         "the same of one address, behind which many users may be"),
    TEXT("USHER_LIMIT_ADMIN", limit_admin, "20/100",
         "requests of one address to admin routes, likewise"),
    TEXT("USHER_LIMIT_LIVE", limit_live, "1000/5000",
         "live connections that a gateway opens a second / at once, for all clients together"),
    NUMBER("USHER_LIVE_PER_ADDRESS", live_per_address, "200", 1, 1000000,
           "live connections of one address at a time; IPv6 counts by /64, clients on this machine "
           "are exempt"),
    TEXT("USHER_TRUSTED_PROXIES", trusted_proxies, "",
         "addresses and networks (`10.0.0.0/8,::1`) of proxies whose `X-Forwarded-For` counts: its "
         "right-most address that is none of them is the client's. Naming loopback ends its "
         "exemption from the limits"),
    CHOICE("USHER_ACCESS_LOG", access_log, SETTING_ACCESS_LOG, "sampled",
           "which requests are logged: off, sampled (429, 5xx and one of a hundred) or full"),
    NUMBER("USHER_SLOW_MS", slow_ms, "1000", 0, 3600000,
           "a request that takes so long is logged as slow, whatever the access log; 0: none"),
    CHOICE("USHER_LOG_LEVEL", log_level, SETTING_LOG_LEVEL, "info",
           "least level that is logged: debug, info, warning or error"),

    OTHERS("USHER_WORKERS", OWNER_OPS, "2", "how many workers `ops/up` starts"),
    OTHERS("USHER_GATEWAYS", OWNER_OPS, "1", "how many gateways `ops/up` starts"),

    OTHERS("USHER_URL", OWNER_TOOLS, "", "address of the public port"),
    OTHERS("USHER_ADMIN_KEY", OWNER_TOOLS, "", "key that `usherctl room` asks with"),
    OTHERS("USHER_FAILPOINT_DIR", OWNER_TEST, "", "see shared/failpoint.h"),
    OTHERS("USHER_TEST_CLOCK_SKEW_MS", OWNER_TEST, "", "sets the wall clock of test builds wrong"),
    OTHERS("USHER_TEST_", OWNER_TEST, "", "free for tests"),
};

static bool is_known(const char *variable, size_t name_length) {
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const char *name = settings[i].name;
        size_t length = strlen(name);
        bool is_prefix = name[length - 1] == '_';
        if ((length == name_length || (is_prefix && length < name_length)) &&
            strncmp(variable, name, length) == 0)
            return true;
    }
    return false;
}

static void complain(const char *name, const char *problem) {
    log_write(LOG_ERROR, "bad-setting", "a setting can't be used; this process does not start",
              LOG_TEXT("setting", name), LOG_TEXT("problem", problem));
}

static bool refuse_unknown_variables(void) {
    bool good = true;
    for (char **variable = environ; *variable != NULL; variable++) {
        size_t name_length = strcspn(*variable, "=");
        if (strncmp(*variable, "USHER_", 6) != 0 || is_known(*variable, name_length))
            continue;
        char name[128];
        (void)snprintf(name, sizeof name, "%.*s", (int)name_length, *variable);
        complain(name, "there is no such setting");
        good = false;
    }
    return good;
}

static bool store_number(const struct setting *setting, const char *text, int64_t *place) {
    char *end;
    errno = 0;
    int64_t number = strtoll(text, &end, 10);
    bool digits_only = isdigit((unsigned char)*text) && *end == '\0';
    if (!digits_only || errno != 0 || number < setting->min || number > setting->max) {
        char problem[80];
        (void)snprintf(problem, sizeof problem,
                       "must be a whole number from %" PRId64 " to %" PRId64, setting->min,
                       setting->max);
        complain(setting->name, problem);
        return false;
    }
    *place = number;
    return true;
}

static bool is_choice(enum setting_kind kind, const char *text) {
    for (size_t i = 0; i < ARRAY_LEN(choices[kind].words); i++) {
        const char *word = choices[kind].words[i];
        if (word != NULL && strcmp(word, text) == 0)
            return true;
    }
    return choices[kind].problem == NULL;
}

/* The value itself is not logged: a URL may contain a password. */
static bool store_text(const struct setting *setting, const char *text, char *place) {
    size_t length = strlen(text);
    if (length >= setting->size_bytes) {
        complain(setting->name, "is too long");
        return false;
    }
    if (!is_choice(setting->kind, text)) {
        complain(setting->name, choices[setting->kind].problem);
        return false;
    }
    memcpy(place, text, length + 1);
    return true;
}

static bool is_provider_whole(const struct config *config) {
    bool has_issuer = *config->jwt_issuer != '\0';
    if (has_issuer == (*config->jwt_audience != '\0') &&
        has_issuer == (*config->jwt_algorithm != '\0') && has_issuer == (*config->jwt_keys != '\0'))
        return true;
    complain("USHER_JWT_ISSUER", "issuer, audience, algorithm and keys belong together");
    return false;
}

static bool is_certificate_whole(const struct config *config) {
    if ((*config->tls_certificate == '\0') == (*config->tls_key == '\0'))
        return true;
    complain("USHER_TLS_CERTIFICATE", "certificate and key belong together");
    return false;
}

bool config_load(struct config *config) {
    memset(config, 0, sizeof *config);
    bool good = refuse_unknown_variables();
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *setting = &settings[i];
        if (setting->owner != OWNER_PROCESS)
            continue;
        const char *text = getenv(setting->name);
        if (text == NULL || *text == '\0') /* shells export empty variables for "not set" */
            text = setting->fallback;
        char *place = (char *)config + setting->offset;
        bool stored = setting->kind == SETTING_NUMBER
                          ? store_number(setting, text, (int64_t *)(void *)place)
                          : store_text(setting, text, place);
        good = good && stored;
    }
    good = good && is_provider_whole(config) && is_certificate_whole(config);
    if (*config->read_database_url == '\0')
        memcpy(config->read_database_url, config->database_url, sizeof config->database_url);
    return good;
}

void config_print_markdown(FILE *out) {
    (void)fprintf(out, "| setting | default | meaning |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        const struct setting *setting = &settings[i];
        if (setting->owner == OWNER_TOOLS || setting->owner == OWNER_TEST)
            continue;
        const char *quote = *setting->fallback == '\0' ? "" : "`";
        (void)fprintf(out, "| `%s` | %s%s%s | %s", setting->name, quote, setting->fallback, quote,
                      setting->meaning);
        if (setting->max > 0)
            (void)fprintf(out, " (%" PRId64 " to %" PRId64 ")", setting->min, setting->max);
        (void)fprintf(out, " |\n");
    }
}

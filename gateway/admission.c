#include "gateway/admission.h"

#include "gateway/answers.h"
#include "gateway/http/router.h"
#include "shared/ids.h"
#include "shared/log.h"

#include <stdlib.h>

struct admission {
    struct gateway *gateway;
    struct limits *limits;
    struct limit allowed[LIMITS_CLASS_COUNT][LIMITS_WHO_COUNT];
    struct limit live;
    struct trusted_proxies proxies;
    struct overload overload;
    struct event *timer;
    int64_t due_us; /* when the timer was to fire */
    int64_t lag_us;
    uint64_t shed_before; /* this overload began */
    struct problem_ready overloaded;
    struct admission_numbers numbers;
};

/* --- settings -------------------------------------------------------------------------------- */

static bool refuse_setting(const char *name, const char *problem) {
    log_write(LOG_ERROR, "bad-setting", "a setting can't be used; this process does not start",
              LOG_TEXT("setting", name), LOG_TEXT("problem", problem));
    return false;
}

static bool read_settings(struct admission *admission, const struct config *config) {
    struct limit(*allowed)[LIMITS_WHO_COUNT] = admission->allowed;
    const struct {
        const char *name;
        const char *text;
        struct limit *limit;
    } settings[] = {
        {"USHER_LIMIT_LOOKING", config->limit_looking, &allowed[LIMITS_LOOKING][LIMITS_ADDRESS]},
        {"USHER_LIMIT_SESSIONS", config->limit_sessions, &allowed[LIMITS_SESSIONS][LIMITS_ADDRESS]},
        {"USHER_LIMIT_BOOKING", config->limit_booking, &allowed[LIMITS_BOOKING][LIMITS_USER]},
        {"USHER_LIMIT_BOOKING_ADDRESS", config->limit_booking_address,
         &allowed[LIMITS_BOOKING][LIMITS_ADDRESS]},
        {"USHER_LIMIT_ADMIN", config->limit_admin, &allowed[LIMITS_ADMIN][LIMITS_ADDRESS]},
        {"USHER_LIMIT_LIVE", config->limit_live, &admission->live},
    };
    for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
        if (!limit_from_text(settings[i].text, settings[i].limit)) {
            return refuse_setting(settings[i].name,
                                  "must be RATE/BURST, e.g. 5/20, or 0 for no limit");
        }
    }
    return trusted_proxies_read(config->trusted_proxies, &admission->proxies) ||
           refuse_setting("USHER_TRUSTED_PROXIES",
                          "must be up to 64 addresses or networks, e.g. 10.0.0.0/8,::1");
}

/* --- the loop -------------------------------------------------------------------------------- */

static void wait_for_turn(struct admission *admission) {
    static const struct timeval pause = {.tv_usec = ADMISSION_LAG_MS * 1000};
    admission->due_us = clock_monotonic_us() + ADMISSION_LAG_MS * INT64_C(1000);
    ensure(event_add(admission->timer, &pause) == 0);
}

static uint64_t shed_in_all(const struct admission *admission) {
    uint64_t shed = 0;
    for (size_t i = 0; i < ARRAY_LEN(admission->numbers.shed); i++) {
        shed += admission->numbers.shed[i];
    }
    return shed;
}

static void tell(struct admission *admission) {
    uint64_t shed = shed_in_all(admission);
    if (admission->overload.shedding) {
        admission->shed_before = shed;
        log_write(LOG_WARNING, "overload-began",
                  "More is asked than can be served in time. Bookings beyond that are answered 503 "
                  "`overloaded` at once.",
                  LOG_U64("under_way", commands_pending(admission->gateway->commands)),
                  LOG_U64("limit", admission->overload.limit),
                  LOG_I64("loop_lag_ms", admission->lag_us / 1000));
        return;
    }
    log_write(LOG_INFO, "overload-ended", "Everything asked is taken on again.",
              LOG_U64("turned_away", shed - admission->shed_before));
}

static void on_turn(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct admission *admission = context;
    int64_t now_us = clock_monotonic_us();
    admission->lag_us = now_us > admission->due_us ? now_us - admission->due_us : 0;
    if (overload_lag(&admission->overload, admission->lag_us,
                     commands_pending(admission->gateway->commands), now_us)) {
        tell(admission);
    }
    wait_for_turn(admission);
}

struct admission *admission_create(struct gateway *gateway) {
    struct admission *admission = calloc(1, sizeof *admission);
    if (admission == NULL) {
        return NULL;
    }
    struct id128 dice = id128_random();
    uint64_t seed;
    memcpy(&seed, dice.bytes, sizeof seed);
    admission->gateway = gateway;
    problem_prepare(&admission->overloaded, PROBLEM_OVERLOADED,
                    "Nothing was changed; try again soon.", RETRY_AFTER_SECONDS);
    admission->limits = limits_create(seed);
    admission->timer = evtimer_new(gateway->base, on_turn, admission);
    if (admission->limits == NULL || admission->timer == NULL ||
        !read_settings(admission, &gateway->config)) {
        admission_destroy(admission);
        return NULL;
    }
    wait_for_turn(admission);
    return admission;
}

void admission_destroy(struct admission *admission) {
    if (admission == NULL) {
        return;
    }
    if (admission->timer != NULL) {
        event_free(admission->timer);
    }
    limits_destroy(admission->limits);
    free(admission);
}

/* --- requests -------------------------------------------------------------------------------- */

/* False: always answered. */
static bool class_of(const struct route *route, enum limits_class *class) {
    const char *pattern = route != NULL ? route->pattern : "";
    *class = LIMITS_LOOKING;
    if (strncmp(pattern, "/admin/", 7) == 0) {
        *class = LIMITS_ADMIN;
    } else if (strcmp(pattern, "/sessions") == 0) {
        *class = LIMITS_SESSIONS;
    } else if (strncmp(pattern, "/bookings", 9) == 0 ||
               (route != NULL && route->method != HTTP_METHOD_GET)) {
        *class = LIMITS_BOOKING;
    }
    return strcmp(pattern, "/healthz") != 0 && strcmp(pattern, "/readyz") != 0;
}

static bool take_token(struct admission *admission, struct http_request *request,
                       enum limits_class class, enum limits_who who, const struct id128 *id) {
    uint32_t wait_seconds = limits_take(admission->limits, &admission->allowed[class][who], class,
                                        who, id, clock_monotonic_us());
    if (wait_seconds == 0) {
        return true;
    }
    admission->numbers.limited[class][who]++;
    problem_respond(request, PROBLEM_TOO_MANY_REQUESTS,
                    who == LIMITS_USER ? "You ask too often." : "Your address asks too often.",
                    NULL, wait_seconds);
    return false;
}

struct client_address admission_address(const struct admission *admission,
                                        const struct http_request *request) {
    return client_address_of(&admission->proxies, http_request_peer(request),
                             http_request_header(request, "X-Forwarded-For"));
}

static bool is_of_queue(const struct route *route, enum http_method method) {
    return route != NULL && route->method == method &&
           strcmp(route->pattern, "/events/{id}/queue") == 0;
}

/* Those who wait are told where they stand whatever goes on; it costs one line for all of them. */
static bool looks_at_queue(const struct route *route) {
    return is_of_queue(route, HTTP_METHOD_GET);
}

/* Joining waits for no owner's commits, so it is not turned away for them. */
static enum overload_part part_of(const struct route *route, enum limits_class class) {
    static const enum overload_part parts[LIMITS_CLASS_COUNT] = {
        [LIMITS_LOOKING] = OVERLOAD_LOOKING,
        [LIMITS_SESSIONS] = OVERLOAD_SESSIONS,
        [LIMITS_BOOKING] = OVERLOAD_BOOKING,
    };
    return is_of_queue(route, HTTP_METHOD_POST) ? OVERLOAD_SESSIONS : parts[class];
}

static bool has_room(struct admission *admission, struct http_request *request,
                     const struct route *route, enum limits_class class) {
    enum overload_part part = part_of(route, class);
    if (class == LIMITS_ADMIN || looks_at_queue(route) ||
        overload_takes(&admission->overload, part,
                       commands_pending(admission->gateway->commands))) {
        return true;
    }
    admission->numbers.shed[part]++;
    problem_respond_ready(request, &admission->overloaded);
    return false;
}

bool admission_take(struct admission *admission, struct http_request *request,
                    const struct route *route) {
    enum limits_class class;
    if (!class_of(route, &class)) {
        return true;
    }
    struct client_address address = admission_address(admission, request);
    return (address.exempt || take_token(admission, request, class, LIMITS_ADDRESS, &address.id)) &&
           has_room(admission, request, route, class);
}

bool admission_take_user(struct admission *admission, struct http_request *request,
                         const struct route *route, const struct id128 *user) {
    enum limits_class class;
    return !class_of(route, &class) || admission_address(admission, request).exempt ||
           take_token(admission, request, class, LIMITS_USER, user);
}

const struct limit *admission_live_limit(const struct admission *admission) {
    return &admission->live;
}

void admission_answered(struct admission *admission, int64_t wait_us) {
    overload_answered(&admission->overload, wait_us);
}

const struct admission_numbers *admission_numbers(const struct admission *admission) {
    return &admission->numbers;
}

const struct overload *admission_overload(const struct admission *admission) {
    return &admission->overload;
}

int64_t admission_lag_us(const struct admission *admission) {
    return admission->lag_us;
}

size_t admission_buckets(const struct admission *admission) {
    return limits_in_use(admission->limits, clock_monotonic_us());
}

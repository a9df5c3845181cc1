#include "tests/integration/audience.h"

#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/queue.h>

/* A frame that came while the listener fetched. */
struct news {
    STAILQ_ENTRY(news) next;
    json_t *frame;
};

struct listener {
    struct audience *audience;
    unsigned index;
    struct ws_client *client;
    struct http_connection *fetcher;
    bool is_strict;
    bool is_fetching;
    bool has_map;
    int64_t version;
    STAILQ_HEAD(, news) news;
    char seats[AUDIENCE_SEATS_MAX];
};

struct audience {
    struct audience_config config;
    struct event_base *base;
    struct audience_figures figures;
    struct listener listeners[AUDIENCE_MAX];
    struct http_connection *fetchers[AUDIENCE_MAX];
};

static unsigned seat_count(const struct audience *audience) {
    return audience->config.rows * audience->config.seats_per_row;
}

char *audience_seat_text(const struct audience_config *config, unsigned seat, char text[16]) {
    (void)snprintf(text, 16, "%c%u", 'A' + (int)(seat / config->seats_per_row),
                   seat % config->seats_per_row + 1);
    return text;
}

static unsigned seat_of_text(const struct audience *audience, const char *text) {
    unsigned seat = (unsigned)(*text - 'A') * audience->config.seats_per_row +
                    (unsigned)strtoul(text + 1, NULL, 10) - 1;
    expect(seat < seat_count(audience), "there is no seat %s", text);
    return seat;
}

static char letter_of(const char *state) {
    return strcmp(state, "BLOCKED") == 0 ? 'X' : *state;
}

static int64_t number(const json_t *object, const char *name) {
    const json_t *member = json_object_get(object, name);
    expect(json_is_integer(member), "no number: %s", name);
    return json_integer_value(member);
}

/* --- the map --------------------------------------------------------------------------------- */

static void fetch(struct listener *listener) {
    char path[SHOP_TEXT_SIZE];
    const struct audience_config *config = &listener->audience->config;
    int length = snprintf(path, sizeof path, "/events/%" PRId64 "/seats", config->event_id);
    if (listener->has_map)
        (void)snprintf(path + length, sizeof path - (size_t)length, "?since=%" PRId64,
                       listener->version);
    const struct http_request request = {.method = "GET", .path = path};
    listener->is_fetching = true;
    if (listener->is_strict)
        listener->audience->figures.strict_fetches++;
    else
        listener->audience->figures.other_fetches++;
    http_connection_send(listener->fetcher, &request, HTTP_CALL_MS);
}

static void apply(struct listener *listener, const json_t *changes, int64_t version) {
    const struct audience_config *config = &listener->audience->config;
    const char *name;
    json_t *state;
    json_object_foreach((json_t *)changes, name, state) {
        unsigned seat = seat_of_text(listener->audience, name);
        char letter = letter_of(json_string_value(state));
        bool differs = listener->seats[seat] != letter;
        listener->seats[seat] = letter;
        if (differs)
            config->on_change(config->context, listener->index, seat, letter);
    }
    listener->version = version;
}

static void take_seats(struct listener *listener, const json_t *frame) {
    int64_t from = number(frame, "from");
    int64_t version = number(frame, "version");
    bool fits = listener->is_strict ? from == listener->version : from <= listener->version;
    if (version <= listener->version)
        return;
    if (fits)
        apply(listener, json_object_get(frame, "changes"), version);
    else
        fetch(listener);
}

static void take_frame(struct listener *listener, const json_t *frame) {
    const char *type = json_string_value(json_object_get(frame, "type"));
    expect(type, "a frame without a type");
    if (strcmp(type, "hello") == 0) {
        listener->audience->figures.hellos++;
        fetch(listener);
    } else if (strcmp(type, "seats") == 0) {
        listener->audience->figures.frames++;
        take_seats(listener, frame);
    }
}

static void keep(struct listener *listener, json_t *frame) {
    struct news *news = malloc(sizeof *news);
    ensure(news);
    news->frame = json_incref(frame);
    STAILQ_INSERT_TAIL(&listener->news, news, next);
}

static void take_news(struct listener *listener) {
    struct news *news;
    while (!listener->is_fetching && (news = STAILQ_FIRST(&listener->news))) {
        STAILQ_REMOVE_HEAD(&listener->news, next);
        take_frame(listener, news->frame);
        json_decref(news->frame);
        free(news);
    }
}

static void on_frame(void *context, struct ws_client *client UNUSED,
                     const struct ws_client_frame *frame) {
    struct listener *listener = context;
    if (frame->first != WS_TEXT)
        return;
    json_t *message = json_loadb(frame->payload, frame->size_bytes, JSON_REJECT_DUPLICATES, NULL);
    expect(message, "no JSON: %.*s", (int)frame->size_bytes, frame->payload);
    keep(listener, message);
    json_decref(message);
    take_news(listener);
}

static void take_answer(struct listener *listener, const struct http_answer *answer) {
    listener->is_fetching = false;
    if (answer->status != 200) {
        fetch(listener);
        return;
    }
    int64_t version = http_answer_number(answer, "seatsVersion");
    if (version < listener->version) {
        fetch(listener); /* of a gateway, or a cache, that is behind */
        return;
    }
    listener->has_map = true;
    apply(listener, json_object_get(answer->json, "seats"), version);
}

void audience_turn(struct audience *audience) {
    unsigned count = audience->config.count;
    ws_client_turn(audience->base);
    http_drive(audience->fetchers, count, 0);
    for (unsigned i = 0; i < count; i++) {
        struct listener *listener = &audience->listeners[i];
        struct http_answer answer;
        expect(!ws_client_is_over(listener->client), "listener %u was cut off", i);
        if (!listener->is_fetching || !http_connection_take(listener->fetcher, &answer))
            continue;
        take_answer(listener, &answer);
        http_answer_free(&answer);
        take_news(listener);
    }
}

/* --- life ------------------------------------------------------------------------------------ */

static void connect_listener(struct listener *listener, uint16_t port) {
    char path[SHOP_TEXT_SIZE];
    const struct audience *audience = listener->audience;
    (void)snprintf(path, sizeof path, "/events/%" PRId64 "/live", audience->config.event_id);
    const struct ws_client_config config = {.base = audience->base,
                                            .port = port,
                                            .path = path,
                                            .on_frame = on_frame,
                                            .context = listener};
    listener->client = ws_client_create(&config);
}

static void begin(struct audience *audience, unsigned index) {
    const struct cluster *cluster = audience->config.cluster;
    struct listener *listener = &audience->listeners[index];
    unsigned gateway = index % cluster->gateway_count;
    unsigned other = (gateway + index / cluster->gateway_count % 2) % cluster->gateway_count;
    *listener =
        (struct listener){.audience = audience, .index = index, .is_strict = index / 4 % 2 == 1};
    STAILQ_INIT(&listener->news);
    memset(listener->seats, 'A', sizeof listener->seats);
    listener->fetcher = http_connection_create(cluster->gateways[other].port);
    audience->fetchers[index] = listener->fetcher;
    connect_listener(listener, cluster->gateways[gateway].port);
}

static void drop_news(struct listener *listener) {
    struct news *news;
    while ((news = STAILQ_FIRST(&listener->news))) {
        STAILQ_REMOVE_HEAD(&listener->news, next);
        json_decref(news->frame);
        free(news);
    }
}

void audience_restart(struct audience *audience, unsigned index) {
    const struct cluster *cluster = audience->config.cluster;
    struct listener *listener = &audience->listeners[index];
    if (listener->is_fetching)
        return;
    ws_client_destroy(listener->client);
    drop_news(listener);
    listener->has_map = false;
    listener->version = 0;
    connect_listener(listener, cluster->gateways[index % cluster->gateway_count].port);
}

static bool is_ready(const struct audience *audience) {
    for (unsigned i = 0; i < audience->config.count; i++)
        if (!audience->listeners[i].has_map)
            return false;
    return true;
}

struct audience *audience_create(const struct audience_config *config) {
    struct audience *audience = calloc(1, sizeof *audience);
    ensure(audience && config->count <= AUDIENCE_MAX);
    audience->config = *config;
    audience->base = event_base_new();
    ensure(audience->base && seat_count(audience) <= AUDIENCE_SEATS_MAX);
    for (unsigned i = 0; i < config->count; i++)
        begin(audience, i);
    struct wait wait = wait_at_most(WS_CLIENT_WAIT_MS);
    while (!is_ready(audience)) {
        expect(!wait_is_over(&wait), "listeners did not get a map");
        audience_turn(audience);
    }
    return audience;
}

void audience_destroy(struct audience *audience) {
    for (unsigned i = 0; i < audience->config.count; i++) {
        struct listener *listener = &audience->listeners[i];
        drop_news(listener);
        ws_client_destroy(listener->client);
        http_connection_destroy(listener->fetcher);
    }
    event_base_free(audience->base);
    free(audience);
}

/* --- what they see --------------------------------------------------------------------------- */

char audience_sees(const struct audience *audience, unsigned listener, unsigned seat) {
    return audience->listeners[listener].seats[seat];
}

struct audience_figures audience_figures(const struct audience *audience) {
    return audience->figures;
}

void audience_expect_stored(struct audience *audience) {
    char event[24];
    (void)snprintf(event, sizeof event, "%" PRId64, audience->config.event_id);
    char *stored = sql_text(audience->config.cluster->sql,
                            "SELECT string_agg(seat_id || '=' || status, ' ') FROM report.seats"
                            " WHERE event_id = $1",
                            (const char *[]){event, NULL});
    unsigned seen = 0;
    char *rest = stored;
    for (char *item; (item = strsep(&rest, " ")); seen++) {
        char *state = strchr(item, '=');
        ensure(state);
        *state++ = '\0';
        unsigned seat = seat_of_text(audience, item);
        for (unsigned i = 0; i < audience->config.count; i++)
            expect(audience_sees(audience, i, seat) == letter_of(state),
                   "listener %u sees %s %c, stored is %s", i, item,
                   audience_sees(audience, i, seat), state);
    }
    assert_int_equal(seen, seat_count(audience));
    free(stored);
}

#include "ops/benchmarks/guests.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static const char request_text[] = "POST /sessions HTTP/1.1\r\n"
                                   "Host: usher\r\n"
                                   "Content-Type: application/json\r\n"
                                   "Content-Length: 2\r\n"
                                   "\r\n"
                                   "{}";
enum { GUESTS_LIMIT_MS = 120000 };

struct making {
    struct guest *guests;
    uint32_t count;
    uint32_t asked;
    uint32_t made;
    uint32_t failed;
};

static size_t guests_next(void *context, uint32_t connection, char *request) {
    (void)connection;
    struct making *making = context;
    if (making->asked == making->count || making->failed > 0)
        return 0;
    making->asked++;
    memcpy(request, request_text, sizeof request_text - 1);
    return sizeof request_text - 1;
}

static void guests_answered(void *context, uint32_t connection, const struct answer *answer,
                            int64_t took_us) {
    (void)connection, (void)took_us;
    struct making *making = context;
    json_t *session = json_loadb(answer->body, answer->body_bytes, 0, NULL);
    const char *token = NULL;
    const char *user = NULL;
    if (answer->status == 201 &&
        json_unpack(session, "{s:s, s:s}", "token", &token, "userId", &user) == 0 &&
        strlen(token) <= GUEST_TOKEN_MAX_BYTES && strlen(user) < GUEST_USER_SIZE) {
        struct guest *guest = &making->guests[making->made++];
        guest->token = strdup(token);
        ensure(guest->token != NULL);
        memcpy(guest->user, user, strlen(user) + 1);
    } else {
        making->failed++;
    }
    json_decref(session);
}

static void guests_lost(void *context, uint32_t connection) {
    (void)connection;
    ((struct making *)context)->failed++;
}

bool guests_create(struct client *client, uint32_t count, struct guest *guests) {
    static const struct client_calls calls = {guests_next, guests_answered, guests_lost};
    ensure(count <= GUESTS_MAX);
    struct making making = {.guests = guests, .count = count};
    client_run(client, &calls, &making, GUESTS_LIMIT_MS);
    if (making.made == count)
        return true;
    fprintf(stderr, "only %u of %u guests' sessions were made\n", making.made, count);
    return false;
}

void guests_write(const struct guest *guests, uint32_t count, FILE *file) {
    for (uint32_t i = 0; i < count; i++)
        fprintf(file, "%s\t%s\n", guests[i].token, guests[i].user);
}

static bool read_guest(char *line, struct guest *guest) {
    char *user = strchr(line, '\t');
    if (user == NULL || strcspn(user + 1, "\n") >= GUEST_USER_SIZE)
        return false;
    *user++ = '\0';
    user[strcspn(user, "\n")] = '\0';
    memcpy(guest->user, user, strlen(user) + 1);
    guest->token = strdup(line);
    ensure(guest->token != NULL);
    return true;
}

bool guests_read(const char *path, uint32_t count, struct guest *guests) {
    uint32_t made = 0;
    char *line = NULL;
    size_t room = 0;
    FILE *file = fopen(path, "re");
    while (file != NULL && made < count && getline(&line, &room, file) > 0 &&
           read_guest(line, &guests[made]))
        made++;
    if (file != NULL)
        fclose(file);
    free(line);
    if (made == count)
        return true;
    fprintf(stderr, "%s has only %u of %u guests\n", path, made, count);
    return false;
}

void guests_clear(struct guest *guests, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        free(guests[i].token);
}

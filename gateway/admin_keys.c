#include "gateway/admin_keys.h"

#include "gateway/sql.h"
#include "shared/log.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_KEY_MAX_BYTES = 256 };

struct admin_key {
    struct admin_caller caller;
    uint8_t hash[ADMIN_KEY_HASH_BYTES];
};

struct admin_keys {
    struct reads *reads;
    const char *home;
    struct admin_key file;
    bool has_file;
    bool reported_missing; /* the file */
    bool reported_failure; /* of the list */
    bool known;
    bool asking;
    int64_t next_us;
    size_t count;
    struct admin_key list[ADMIN_KEYS_MAX];
};

/* --- the file ------------------------------------------------------------------------------ */

/* One line; "" when there is none. */
static void read_line(const char *path, char line[FILE_KEY_MAX_BYTES + 1]) {
    FILE *file = fopen(path, "re");
    size_t size = 0;
    if (file != NULL) {
        size = fread(line, 1, FILE_KEY_MAX_BYTES, file);
        (void)fclose(file);
    }
    line[size] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
}

static void read_file(struct admin_keys *keys) {
    char path[CONFIG_TEXT_SIZE + 16];
    char line[FILE_KEY_MAX_BYTES + 1];
    (void)snprintf(path, sizeof path, "%s/" ADMIN_KEY_FILE_NAME, keys->home);
    read_line(path, line);
    keys->has_file = line[0] != '\0';
    if (keys->has_file) {
        keys->file.caller =
            (struct admin_caller){.name = ADMIN_KEY_FILE_NAME, .role = ADMIN_ROLE_ADMIN};
        admin_key_hash(line, keys->file.hash);
    } else if (!keys->reported_missing) {
        log_write(LOG_WARNING, "admin-key-missing",
                  "There is no admin.key; only keys made by usherctl open the admin routes.",
                  LOG_TEXT("path", path));
    }
    keys->reported_missing = !keys->has_file;
    OPENSSL_cleanse(line, sizeof line);
}

/* --- the list ------------------------------------------------------------------------------ */

static void take_list(struct admin_keys *keys, const PGresult *rows) {
    keys->count = 0;
    for (int row = 0; row < PQntuples(rows) && keys->count < ADMIN_KEYS_MAX; row++) {
        struct admin_key *key = &keys->list[keys->count];
        const uint8_t *hash = NULL;
        (void)snprintf(key->caller.name, sizeof key->caller.name, "%s",
                       database_text(rows, row, 0));
        /* A role of a newer program opens nothing here. */
        if (admin_role_from_text(database_text(rows, row, 1), &key->caller.role) &&
            database_bytes(rows, row, 2, &hash) == sizeof key->hash) {
            memcpy(key->hash, hash, sizeof key->hash);
            keys->count++;
        }
    }
    keys->known = true;
}

static void on_list(void *context, const struct database_answer *answer) {
    struct admin_keys *keys = context;
    keys->asking = false;
    if (answer->outcome == DATABASE_DONE) {
        take_list(keys, answer->results[0]);
    } else if (!keys->reported_failure) {
        log_write(LOG_WARNING, "admin-keys-unread",
                  "The list of admin keys can't be read; the last one goes on serving.",
                  LOG_TEXT("why", answer->error));
    }
    keys->reported_failure = answer->outcome != DATABASE_DONE;
}

static void ask_list(struct admin_keys *keys) {
    struct database_group *group = reads_group(keys->reads, READS_PRIMARY);
    if (group != NULL) {
        database_group_add(group, &sql_admin_keys);
        database_group_i32(group, ADMIN_KEYS_MAX);
        keys->asking = database_group_send_take(group, on_list, keys) == STATUS_OK;
    }
}

/* ------------------------------------------------------------------------------------------- */

struct admin_keys *admin_keys_create(struct reads *reads, const char *home) {
    struct admin_keys *keys = calloc(1, sizeof *keys);
    if (keys != NULL) {
        keys->reads = reads;
        keys->home = home;
        read_file(keys);
    }
    return keys;
}

void admin_keys_destroy(struct admin_keys *keys) {
    free(keys);
}

/* As soon as the database is there, then once an interval. */
void admin_keys_tick(struct admin_keys *keys, int64_t now_us) {
    bool is_due = now_us >= keys->next_us;
    if (is_due) {
        keys->next_us = now_us + (int64_t)ADMIN_KEYS_REFRESH_MS * 1000;
        read_file(keys);
    }
    if (!keys->asking && (is_due || !keys->known)) {
        ask_list(keys);
    }
}

static bool is_key(const struct admin_key *key, const uint8_t hash[ADMIN_KEY_HASH_BYTES]) {
    return CRYPTO_memcmp(key->hash, hash, ADMIN_KEY_HASH_BYTES) == 0;
}

bool admin_keys_find(const struct admin_keys *keys, const char *text, struct admin_caller *caller) {
    uint8_t hash[ADMIN_KEY_HASH_BYTES];
    const struct admin_key *found = NULL;
    admin_key_hash(text, hash);
    for (size_t i = 0; i < keys->count; i++) {
        found = is_key(&keys->list[i], hash) ? &keys->list[i] : found;
    }
    if (keys->has_file && is_key(&keys->file, hash)) {
        found = &keys->file;
    }
    if (found != NULL) {
        *caller = found->caller;
    }
    return found != NULL;
}

bool admin_keys_known(const struct admin_keys *keys) {
    return keys->known;
}

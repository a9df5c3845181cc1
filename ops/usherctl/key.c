#include "ops/usherctl/key.h"

#include "ops/usherctl/os_user.h"
#include "ops/usherctl/session.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

enum { TYPE_BYTEA = 17, TYPE_INT4 = 23, TYPE_TEXT = 25, TYPE_JSONB = 3802 };

#define UTC(time) "to_char(" time " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
#define NOTE_TYPES TYPE_TEXT, TYPE_TEXT, TYPE_TEXT, TYPE_TEXT, TYPE_TEXT, TYPE_JSONB

/* Columns: whether it was made, whether the name has been used. */
static const struct database_statement insert_key = {
    .name = "insert_key",
    .sql = "WITH made AS ("
           "  INSERT INTO usher.admin_key (name, role, hash) SELECT $1, $2, $3"
           "  WHERE (SELECT count(*) FROM usher.admin_key WHERE revoked_at IS NULL) < $4"
           "  ON CONFLICT (name) DO NOTHING RETURNING name),"
           " log AS ("
           "  INSERT INTO usher.admin_log (key_name, status, " ADMIN_NOTE_COLUMNS ")"
           "  SELECT name, 201, $5, $6, $7, $8, $9, $10 FROM made)"
           " SELECT EXISTS (SELECT FROM made),"
           "  EXISTS (SELECT FROM usher.admin_key WHERE name = $1)",
    .parameter_count = 4 + ADMIN_NOTE_PARAMETERS,
    .types = {TYPE_TEXT, TYPE_TEXT, TYPE_BYTEA, TYPE_INT4, NOTE_TYPES},
};

/* The same, for revoking. */
static const struct database_statement revoke_key = {
    .name = "revoke_key",
    .sql = "WITH revoked AS ("
           "  UPDATE usher.admin_key SET revoked_at = clock_timestamp()"
           "  WHERE name = $1 AND revoked_at IS NULL RETURNING name),"
           " log AS ("
           "  INSERT INTO usher.admin_log (key_name, status, " ADMIN_NOTE_COLUMNS ")"
           "  SELECT name, 200, $2, $3, $4, $5, $6, $7 FROM revoked)"
           " SELECT EXISTS (SELECT FROM revoked),"
           "  EXISTS (SELECT FROM usher.admin_key WHERE name = $1)",
    .parameter_count = 1 + ADMIN_NOTE_PARAMETERS,
    .types = {TYPE_TEXT, NOTE_TYPES},
};

static const struct database_statement select_keys = {
    .name = "select_keys",
    .sql = "SELECT json_build_object('name', name, 'role', role, 'createdAt', " UTC(
        "created_at") ", 'revokedAt', " UTC("revoked_at") ")::text"
                                                          " FROM usher.admin_key ORDER BY name",
};

static const struct database_statement *const statements[] = {&insert_key, &revoke_key,
                                                              &select_keys, NULL};

struct outcome {
    bool done;
    bool name_is_known;
};

static void read_outcome(void *context, PGresult *const *results) {
    struct outcome *outcome = context;
    outcome->done = database_bool(results[0], 0, 0);
    outcome->name_is_known = database_bool(results[0], 0, 1);
}

/* Sends one group, on a session of its own. */
static bool run(struct session *session, struct database_group *group, session_reader *read,
                void *context) {
    bool good = session_run_take(session, group, read, context) == STATUS_OK;
    if (!good) {
        (void)fprintf(stderr, "usherctl: %s\n", session_error(session));
    }
    return good;
}

/* --- create -------------------------------------------------------------------------------- */

static bool insert(struct session *session, const char *name, enum admin_role role,
                   const char *key) {
    struct os_user user;
    struct outcome outcome = {0};
    uint8_t hash[ADMIN_KEY_HASH_BYTES];
    char change[64];
    admin_key_hash(key, hash);
    os_user_read(&user);
    (void)snprintf(change, sizeof change, "{\"role\":\"%s\"}", admin_role_text(role));
    const struct admin_note note = os_user_note(&user, "usherctl key create", change);
    struct database_group *group = session_group(session);
    database_group_add(group, &insert_key);
    database_group_text(group, name);
    database_group_text(group, admin_role_text(role));
    database_group_bytes(group, hash, sizeof hash);
    database_group_i32(group, ADMIN_KEYS_MAX);
    admin_note_bind(group, &note);
    if (!run(session, group, read_outcome, &outcome)) {
        return false;
    }
    if (outcome.name_is_known) {
        (void)fprintf(stderr,
                      "usherctl: there is a key named %s, or was: a name is used once, so that the "
                      "log says who it was\n",
                      name);
    } else if (!outcome.done) {
        (void)fprintf(stderr, "usherctl: there are %d keys; revoke one first\n", ADMIN_KEYS_MAX);
    }
    return outcome.done;
}

bool key_create(const char *url, const char *name, enum admin_role role) {
    if (!admin_key_name_is_valid(name)) {
        (void)fprintf(stderr,
                      "usherctl: a key's name has 1 to %d letters, digits and ._@+-, and begins "
                      "with a letter or a digit; %s and %s are taken\n",
                      ADMIN_KEY_NAME_MAX_BYTES, ADMIN_KEY_FILE_NAME, ADMIN_USHERCTL);
        return false;
    }
    struct session *session = session_open(url, statements);
    if (session == NULL) {
        return false;
    }
    char key[ADMIN_KEY_TEXT_SIZE];
    bool made = insert(session, name, role, admin_key_make(key));
    session_close(session);
    bool told = made && printf("%s\n", key) > 0 && fflush(stdout) == 0;
    OPENSSL_cleanse(key, sizeof key);
    if (made && !told) {
        (void)fprintf(stderr, "usherctl: the key could not be printed: revoke %s\n", name);
    } else if (made) {
        (void)fprintf(stderr, "usherctl: this is the key of %s, %s; it is not shown again\n", name,
                      admin_role_text(role));
    }
    return told;
}

/* --- list ---------------------------------------------------------------------------------- */

static void print_json(void *context, PGresult *const *results) {
    (void)context;
    for (int row = 0; row < PQntuples(results[0]); row++) {
        (void)printf("%s\n", database_text(results[0], row, 0));
    }
}

static void print_table(void *context, PGresult *const *results) {
    (void)context;
    (void)printf("%-32s %-10s %-21s %s\n", "NAME", "ROLE", "CREATED", "REVOKED");
    for (int row = 0; row < PQntuples(results[0]); row++) {
        const char *name;
        const char *role;
        const char *created;
        const char *revoked = "-";
        json_t *key = json_loads(database_text(results[0], row, 0), 0, NULL);
        ensure(json_unpack(key, "{s:s, s:s, s:s}", "name", &name, "role", &role, "createdAt",
                           &created) == 0);
        (void)json_unpack(key, "{s:s}", "revokedAt", &revoked); /* or null */
        (void)printf("%-32s %-10s %-21s %s\n", name, role, created, revoked);
        json_decref(key);
    }
}

bool key_list(const char *url, bool json) {
    struct session *session = session_open(url, statements);
    if (session == NULL) {
        return false;
    }
    struct database_group *group = session_group(session);
    database_group_add(group, &select_keys);
    bool good = run(session, group, json ? print_json : print_table, NULL);
    session_close(session);
    return good;
}

/* --- revoke -------------------------------------------------------------------------------- */

static bool revoke(struct session *session, const char *name) {
    struct os_user user;
    struct outcome outcome = {0};
    os_user_read(&user);
    const struct admin_note note = os_user_note(&user, "usherctl key revoke", NULL);
    struct database_group *group = session_group(session);
    database_group_add(group, &revoke_key);
    database_group_text(group, name);
    admin_note_bind(group, &note);
    if (!run(session, group, read_outcome, &outcome)) {
        return false;
    }
    if (!outcome.name_is_known) {
        (void)fprintf(stderr, "usherctl: there is no key named %s\n", name);
        return false;
    }
    (void)printf("%s %s\n", name,
                 outcome.done ? "is revoked; gateways refuse it within 2 s" : "was revoked before");
    return true;
}

bool key_revoke(const char *url, const char *name) {
    if (strcmp(name, ADMIN_KEY_FILE_NAME) == 0) {
        (void)fprintf(stderr,
                      "usherctl: admin.key is a file: put another key into USHER_HOME/admin.key\n");
        return false;
    }
    struct session *session = session_open(url, statements);
    bool good = session != NULL && revoke(session, name);
    if (session != NULL) {
        session_close(session);
    }
    return good;
}

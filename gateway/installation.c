#include "gateway/installation.h"

#include "shared/log.h"
#include "shared/partition.h"

/* NULL when it does not have a key's length. */
static struct mac *read_key(const PGresult *row, int column) {
    const uint8_t *data = NULL;
    bool is_key =
        !database_is_null(row, 0, column) && database_bytes(row, 0, column, &data) == MAC_KEY_BYTES;
    return is_key ? mac_create(data) : NULL;
}

static bool refuse(const char *why) {
    log_write(LOG_ERROR, "installation-refused",
              "This gateway must not work on this database and ends. Nothing was changed.",
              LOG_TEXT("why", why));
    return false;
}

/* False when one does not have a key's length. */
static bool read_keys(struct installation *installation, const PGresult *row) {
    struct token_keys *session_keys = &installation->session_keys;
    installation->booking_key = read_key(row, 3);
    session_keys->keys[0] = read_key(row, 4);
    session_keys->keys[1] = read_key(row, 5);
    session_keys->count = session_keys->keys[1] != NULL ? 2 : 1;
    return installation->booking_key != NULL && session_keys->keys[0] != NULL &&
           (session_keys->keys[1] != NULL || database_is_null(row, 0, 5));
}

bool installation_read(struct installation *installation, const PGresult *row) {
    struct installation read = {.known = true};
    if (PQntuples(row) != 1) {
        return refuse("usher.installation has no row: run usherctl migrate");
    }
    if (database_i32(row, 0, 1) != PARTITION_COUNT ||
        strcmp(database_text(row, 0, 2), PARTITION_HASH) != 0) {
        return refuse("partition count or hash function are not this program's");
    }
    read.id = database_uuid(row, 0, 0);
    if (installation->known && !id128_equal(&installation->id, &read.id)) {
        return refuse("the database has become another installation's");
    }
    if (!read_keys(&read, row)) {
        installation_clear(&read);
        return refuse("a key does not have 32 bytes");
    }
    installation_clear(installation);
    *installation = read;
    return true;
}

void installation_clear(struct installation *installation) {
    mac_destroy(installation->booking_key);
    for (size_t i = 0; i < ARRAY_LEN(installation->session_keys.keys); i++) {
        mac_destroy(installation->session_keys.keys[i]);
    }
    *installation = (struct installation){0};
}

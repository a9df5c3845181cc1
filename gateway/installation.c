#include "gateway/installation.h"

#include "shared/log.h"
#include "shared/partition.h"

static bool read_key(const PGresult *row, int column, uint8_t *key, size_t size_bytes) {
    const uint8_t *data = NULL;
    if (database_is_null(row, 0, column) || database_bytes(row, 0, column, &data) != size_bytes) {
        return false;
    }
    memcpy(key, data, size_bytes);
    return true;
}

static bool refuse(const char *why) {
    log_write(LOG_ERROR, "installation-refused",
              "This gateway must not work on this database and ends. Nothing was changed.",
              LOG_TEXT("why", why));
    return false;
}

bool installation_read(struct installation *installation, const PGresult *row) {
    struct installation read = {.known = true, .session_keys.count = 1};
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
    if (!read_key(row, 3, read.booking_key, sizeof read.booking_key) ||
        !read_key(row, 4, read.session_keys.keys[0], TOKEN_KEY_BYTES)) {
        return refuse("a key does not have 32 bytes");
    }
    if (!database_is_null(row, 0, 5)) {
        if (!read_key(row, 5, read.session_keys.keys[1], TOKEN_KEY_BYTES)) {
            return refuse("a key does not have 32 bytes");
        }
        read.session_keys.count = 2;
    }
    *installation = read;
    return true;
}

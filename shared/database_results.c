#include "shared/database.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

/* Types as in src/include/catalog/pg_type.dat. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_FLOAT8 = 701,
    OID_INT4_ARRAY = 1007,
    OID_INT8_ARRAY = 1016,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_TIMESTAMPTZ = 1184,
    OID_UUID = 2950,
    OID_JSONB = 3802,
    ARRAY_EMPTY_BYTES = 12,
    ARRAY_HEAD_BYTES = 20,
    ARRAY_LENGTH_BYTES = 4,
    JSONB_VERSION = 1,
};
static const int64_t postgres_epoch_unix_us = 946684800000000;

static uint32_t get_u32(const uint8_t *at) {
    uint32_t big;
    memcpy(&big, at, sizeof big);
    return be32toh(big);
}

static uint64_t get_u64(const uint8_t *at) {
    uint64_t big;
    memcpy(&big, at, sizeof big);
    return be64toh(big);
}

/* A value that has to be of the type, binary and not NULL. */
static const uint8_t *value_of(const PGresult *result, int row, int column, Oid type) {
    ensure(!database_is_null(result, row, column));
    ensure(PQfformat(result, column) == 1 && PQftype(result, column) == type);
    return (const uint8_t *)PQgetvalue(result, row, column);
}

static size_t size_of(const PGresult *result, int row, int column) {
    return (size_t)PQgetlength(result, row, column);
}

bool database_is_null(const PGresult *result, int row, int column) {
    ensure(row >= 0 && row < PQntuples(result) && column >= 0 && column < PQnfields(result));
    return PQgetisnull(result, row, column) == 1;
}

bool database_bool(const PGresult *result, int row, int column) {
    return *value_of(result, row, column, OID_BOOL) != 0;
}

int16_t database_i16(const PGresult *result, int row, int column) {
    uint16_t big;
    memcpy(&big, value_of(result, row, column, OID_INT2), sizeof big);
    return (int16_t)be16toh(big);
}

int32_t database_i32(const PGresult *result, int row, int column) {
    return (int32_t)get_u32(value_of(result, row, column, OID_INT4));
}

int64_t database_i64(const PGresult *result, int row, int column) {
    return (int64_t)get_u64(value_of(result, row, column, OID_INT8));
}

double database_f64(const PGresult *result, int row, int column) {
    uint64_t bits = get_u64(value_of(result, row, column, OID_FLOAT8));
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

const char *database_text(const PGresult *result, int row, int column) {
    ensure(!database_is_null(result, row, column));
    Oid type = PQftype(result, column);
    ensure(PQfformat(result, column) == 0 || type == OID_TEXT || type == OID_VARCHAR ||
           type == OID_BPCHAR || type == OID_NAME || type == OID_JSON);
    return PQgetvalue(result, row, column);
}

const char *database_jsonb(const PGresult *result, int row, int column) {
    const uint8_t *value = value_of(result, row, column, OID_JSONB);
    ensure(value[0] == JSONB_VERSION);
    return (const char *)value + 1;
}

struct id128 database_uuid(const PGresult *result, int row, int column) {
    struct id128 id;
    memcpy(id.bytes, value_of(result, row, column, OID_UUID), sizeof id.bytes);
    return id;
}

int64_t database_time_us(const PGresult *result, int row, int column) {
    return (int64_t)get_u64(value_of(result, row, column, OID_TIMESTAMPTZ)) +
           postgres_epoch_unix_us;
}

size_t database_bytes(const PGresult *result, int row, int column, const uint8_t **data) {
    *data = value_of(result, row, column, OID_BYTEA);
    return size_of(result, row, column);
}

int64_t database_number_text(const PGresult *result, int row, int column) {
    ensure(!database_is_null(result, row, column) && PQfformat(result, column) == 0);
    const char *text = PQgetvalue(result, row, column);
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    ensure(errno == 0 && end != text && *end == '\0');
    return number;
}

/* The elements of an array whose elements all have `element_bytes`, each with its length in front.
 */
static const uint8_t *array_elements(const PGresult *result, int row, int column, Oid type,
                                     size_t element_bytes, size_t *count) {
    const uint8_t *array = value_of(result, row, column, type);
    *count = 0;
    if (get_u32(array) == 0)
        return array + ARRAY_EMPTY_BYTES;
    ensure(get_u32(array) == 1 && get_u32(array + 4) == 0);
    *count = get_u32(array + ARRAY_EMPTY_BYTES);
    ensure(size_of(result, row, column) ==
           ARRAY_HEAD_BYTES + *count * (ARRAY_LENGTH_BYTES + element_bytes));
    return array + ARRAY_HEAD_BYTES;
}

size_t database_i32_array(const PGresult *result, int row, int column, int32_t *values,
                          size_t limit) {
    size_t count;
    const uint8_t *at = array_elements(result, row, column, OID_INT4_ARRAY, sizeof *values, &count);
    for (size_t i = 0; i < count && i < limit; i++, at += ARRAY_LENGTH_BYTES + sizeof *values)
        values[i] = (int32_t)get_u32(at + ARRAY_LENGTH_BYTES);
    return count;
}

size_t database_i64_array(const PGresult *result, int row, int column, int64_t *values,
                          size_t limit) {
    size_t count;
    const uint8_t *at = array_elements(result, row, column, OID_INT8_ARRAY, sizeof *values, &count);
    for (size_t i = 0; i < count && i < limit; i++, at += ARRAY_LENGTH_BYTES + sizeof *values)
        values[i] = (int64_t)get_u64(at + ARRAY_LENGTH_BYTES);
    return count;
}

int64_t database_rows_affected(const PGresult *result) {
    return strtoll(PQcmdTuples((PGresult *)(uintptr_t)result), NULL, 10);
}

#include "shared/database_private.h"

#include <endian.h>
#include <limits.h>
#include <stdlib.h>

/* PostgreSQL's binary formats: src/backend/utils/adt, the functions named …send and …recv. */
enum {
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_INT8 = 20,
    OID_TEXT = 25,
    OID_UUID = 2950,
    ARRAY_EMPTY_BYTES = 12, /* dimensions, whether there are NULLs, type of the elements */
    ARRAY_HEAD_BYTES = 20,  /* the same, length and lower bound of the one dimension */
    ARRAY_LENGTH_BYTES = 4, /* in front of every element; -1: NULL */
    JSONB_VERSION = 1,
};
static const int64_t postgres_epoch_unix_us = 946684800000000;

static uint8_t *put_u32(uint8_t *at, uint32_t value) {
    uint32_t big = htobe32(value);
    memcpy(at, &big, sizeof big);
    return at + sizeof big;
}

static uint8_t *put_u64(uint8_t *at, uint64_t value) {
    uint64_t big = htobe64(value);
    memcpy(at, &big, sizeof big);
    return at + sizeof big;
}

static uint8_t *put_bytes(uint8_t *at, const void *data, size_t size_bytes) {
    if (size_bytes > 0)
        memcpy(at, data, size_bytes);
    return at + size_bytes;
}

struct database_group *database_group_create(struct database_session *session) {
    struct database_group *group = malloc(sizeof *group);
    if (group == NULL)
        return NULL;
    /* Only the counts need a value: the arrays are read as far as those say. */
    group->session = session;
    group->next = NULL;
    group->failure = STATUS_OK;
    group->statement_count = 0;
    group->parameters_due = 0;
    group->parameter_count = 0;
    group->data = NULL;
    group->data_bytes = 0;
    group->data_capacity_bytes = 0;
    memset(group->results, 0, sizeof group->results);
    group->answered = 0;
    group->failed_statement = -1;
    group->warned = false;
    return group;
}

void database_group_release_data(struct database_group *group) {
    free(group->data);
    group->data = NULL;
}

void database_group_free(struct database_group *group) {
    for (size_t i = 0; i < ARRAY_LEN(group->results); i++)
        PQclear(group->results[i]);
    free(group->data);
    free(group);
}

enum status database_group_check(const struct database_group *group) {
    if (group->failure != STATUS_OK)
        return group->failure;
    ensure(group->statement_count > 0);
    ensure(group->parameter_count == group->parameters_due);
    return STATUS_OK;
}

void database_group_add(struct database_group *group, const struct database_statement *statement) {
    if (group == NULL || group->failure != STATUS_OK)
        return;
    ensure(group->parameter_count == group->parameters_due);
    ensure(statement->parameter_count <= DATABASE_PARAMETERS_MAX);
    if (group->statement_count == DATABASE_GROUP_MAX) {
        group->failure = STATUS_LIMIT;
        return;
    }
    group->statements[group->statement_count++] = statement;
    group->parameters_due += statement->parameter_count;
}

static bool group_reserve(struct database_group *group, size_t size_bytes) {
    if (size_bytes > GROUP_DATA_MAX_BYTES - group->data_bytes) {
        group->failure = STATUS_LIMIT;
        return false;
    }
    size_t needed = group->data_bytes + size_bytes;
    if (group->data != NULL && needed <= group->data_capacity_bytes)
        return true;
    size_t capacity = group->data_capacity_bytes;
    if (capacity == 0)
        capacity = GROUP_DATA_FIRST_BYTES;
    while (capacity < needed)
        capacity *= 2;
    uint8_t *data = realloc(group->data, capacity);
    if (data == NULL) {
        group->failure = STATUS_NO_MEMORY;
        return false;
    }
    group->data = data;
    group->data_capacity_bytes = capacity;
    return true;
}

/* The next parameter's bytes, to be filled in; NULL when the group has failed. */
static uint8_t *group_parameter(struct database_group *group, size_t size_bytes) {
    if (group == NULL || group->failure != STATUS_OK)
        return NULL;
    ensure(group->parameter_count < group->parameters_due);
    if (!group_reserve(group, size_bytes))
        return NULL;
    group->parameters[group->parameter_count++] =
        (struct group_parameter){(uint32_t)group->data_bytes, (int32_t)size_bytes};
    uint8_t *at = group->data + group->data_bytes;
    group->data_bytes += size_bytes;
    return at;
}

void database_group_null(struct database_group *group) {
    if (group == NULL || group->failure != STATUS_OK)
        return;
    ensure(group->parameter_count < group->parameters_due);
    group->parameters[group->parameter_count++] = (struct group_parameter){0, -1};
}

void database_group_bool(struct database_group *group, bool value) {
    uint8_t *at = group_parameter(group, 1);
    if (at != NULL)
        *at = value ? 1 : 0;
}

void database_group_i16(struct database_group *group, int16_t value) {
    uint16_t big = htobe16((uint16_t)value);
    database_group_bytes(group, &big, sizeof big);
}

void database_group_i32(struct database_group *group, int32_t value) {
    uint8_t *at = group_parameter(group, sizeof value);
    if (at != NULL)
        put_u32(at, (uint32_t)value);
}

void database_group_i64(struct database_group *group, int64_t value) {
    uint8_t *at = group_parameter(group, sizeof value);
    if (at != NULL)
        put_u64(at, (uint64_t)value);
}

void database_group_bytes(struct database_group *group, const void *data, size_t size_bytes) {
    uint8_t *at = group_parameter(group, size_bytes);
    if (at != NULL)
        put_bytes(at, data, size_bytes);
}

void database_group_text(struct database_group *group, const char *text) {
    if (text == NULL)
        database_group_null(group);
    else
        database_group_bytes(group, text, strlen(text));
}

void database_group_jsonb(struct database_group *group, const char *text) {
    if (text == NULL) {
        database_group_null(group);
        return;
    }
    size_t length = strlen(text);
    uint8_t *at = group_parameter(group, 1 + length);
    if (at == NULL)
        return;
    *at++ = JSONB_VERSION;
    put_bytes(at, text, length);
}

void database_group_uuid(struct database_group *group, const struct id128 *id) {
    database_group_bytes(group, id->bytes, sizeof id->bytes);
}

void database_group_time(struct database_group *group, int64_t unix_us) {
    database_group_i64(group, unix_us - postgres_epoch_unix_us);
}

/* Writes the head of an array; returns where its `elements_bytes` of elements go, NULL when the
 * group failed or there are none. */
static uint8_t *group_array(struct database_group *group, uint32_t element_type, size_t count,
                            bool has_nulls, size_t elements_bytes) {
    bool fits = count <= INT32_MAX && elements_bytes <= GROUP_DATA_MAX_BYTES;
    if (group != NULL && group->failure == STATUS_OK && !fits)
        group->failure = STATUS_LIMIT;
    if (!fits)
        return NULL;
    uint8_t *at =
        group_parameter(group, count == 0 ? ARRAY_EMPTY_BYTES : ARRAY_HEAD_BYTES + elements_bytes);
    if (at == NULL)
        return NULL;
    at = put_u32(at, count == 0 ? 0 : 1);
    at = put_u32(at, has_nulls ? 1 : 0);
    at = put_u32(at, element_type);
    if (count == 0)
        return NULL;
    at = put_u32(at, (uint32_t)count);
    return put_u32(at, 1);
}

void database_group_i16_array(struct database_group *group, const int16_t *values, size_t count) {
    size_t bytes = count * (ARRAY_LENGTH_BYTES + sizeof *values);
    uint8_t *at = group_array(group, OID_INT2, count, false, bytes);
    for (size_t i = 0; at != NULL && i < count; i++) {
        uint16_t big = htobe16((uint16_t)values[i]);
        at = put_bytes(put_u32(at, sizeof big), &big, sizeof big);
    }
}

void database_group_i32_array(struct database_group *group, const int32_t *values, size_t count) {
    size_t bytes = count * (ARRAY_LENGTH_BYTES + sizeof *values);
    uint8_t *at = group_array(group, OID_INT4, count, false, bytes);
    for (size_t i = 0; at != NULL && i < count; i++)
        at = put_u32(put_u32(at, sizeof *values), (uint32_t)values[i]);
}

void database_group_i64_array(struct database_group *group, const int64_t *values, size_t count) {
    size_t bytes = count * (ARRAY_LENGTH_BYTES + sizeof *values);
    uint8_t *at = group_array(group, OID_INT8, count, false, bytes);
    for (size_t i = 0; at != NULL && i < count; i++)
        at = put_u64(put_u32(at, sizeof *values), (uint64_t)values[i]);
}

void database_group_uuid_array(struct database_group *group, const struct id128 *ids,
                               const bool *nulls, size_t count) {
    size_t null_count = 0;
    for (size_t i = 0; nulls != NULL && i < count; i++)
        null_count += nulls[i];
    size_t bytes = count * ARRAY_LENGTH_BYTES + (count - null_count) * sizeof ids->bytes;
    uint8_t *at = group_array(group, OID_UUID, count, null_count > 0, bytes);
    for (size_t i = 0; at != NULL && i < count; i++) {
        if (nulls != NULL && nulls[i])
            at = put_u32(at, UINT32_MAX);
        else
            at = put_bytes(put_u32(at, sizeof ids->bytes), ids[i].bytes, sizeof ids->bytes);
    }
}

void database_group_text_array(struct database_group *group, const char *const *texts,
                               size_t count) {
    size_t bytes = count * ARRAY_LENGTH_BYTES;
    bool has_nulls = false;
    for (size_t i = 0; i < count; i++) {
        if (texts[i] == NULL)
            has_nulls = true;
        else
            bytes += strlen(texts[i]);
    }
    uint8_t *at = group_array(group, OID_TEXT, count, has_nulls, bytes);
    for (size_t i = 0; at != NULL && i < count; i++) {
        if (texts[i] == NULL) {
            at = put_u32(at, UINT32_MAX);
            continue;
        }
        size_t length = strlen(texts[i]);
        at = put_bytes(put_u32(at, (uint32_t)length), texts[i], length);
    }
}

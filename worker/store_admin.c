/* The statements about who owns what; see worker/store.h. */
#include "worker/store.h"

enum {
    T_INT8 = 20,
    T_INT4 = 23,
    T_TEXT = 25,
    T_INT2_ARRAY = 1005,
    T_INT8_ARRAY = 1016,
};

/* An instance is alive while somebody holds the advisory lock of its number (PostgreSQL
 * manual, 54.12 pg_locks: a bigint key shows its high half in classid, its low half in objid, and
 * objsubid 1). */
#define ALIVE_INSTANCES                                                                            \
    "SELECT (l.classid::int8 << 32) | l.objid::int8 AS instance FROM pg_locks l "                  \
    "JOIN pg_database d ON d.oid = l.database "                                                    \
    "WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND d.datname = "              \
    "current_database()"

const struct database_statement store_select_installation = {
    "select_installation",
    "SELECT installation_id, partition_count, partition_hash FROM usher.installation",
    0,
    {0}};

const struct database_statement store_insert_instance = {
    "insert_instance",
    "INSERT INTO usher.worker_instance (instance, process, host, pid) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (instance) DO NOTHING",
    4,
    {T_INT8, T_TEXT, T_TEXT, T_INT4}};

const struct database_statement store_select_partitions = {
    "select_partitions",
    "WITH alive AS (" ALIVE_INSTANCES ") "
    "SELECT p.partition_id, p.epoch, p.owner, p.owner IN (SELECT instance FROM alive), p.served_ms "
    "FROM usher.partition p ORDER BY p.partition_id",
    0,
    {0}};

const struct database_statement store_select_workers = {
    "select_workers",
    "WITH alive AS (" ALIVE_INSTANCES ") "
    "SELECT w.instance, extract(epoch from clock_timestamp() - w.started_at)::float8 "
    "FROM usher.worker_instance w JOIN alive USING (instance) ORDER BY w.instance",
    0,
    {0}};

const struct database_statement store_lock_instance = {
    "lock_instance", "SELECT pg_try_advisory_lock($1)", 1, {T_INT8}};
const struct database_statement store_unlock_instance = {
    "unlock_instance", "SELECT pg_advisory_unlock($1)", 1, {T_INT8}};

#define END_SESSIONS(condition)                                                                    \
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "                               \
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND " condition

const struct database_statement store_end_sessions = {
    "end_sessions", END_SESSIONS("application_name = $1"), 1, {T_TEXT}};
const struct database_statement store_end_session = {
    "end_session", END_SESSIONS("pid = $1 AND application_name = $2"), 2, {T_INT4, T_TEXT}};

#define RETURN_OWNED " RETURNING partition_id, epoch, served_ms"

const struct database_statement store_take_over = {
    "take_over",
    "WITH taken AS (UPDATE usher.partition SET epoch = epoch + 1, "
    "owner = CASE WHEN partition_id = ANY($3) THEN $2 END WHERE owner = $1 "
    "RETURNING partition_id, epoch, served_ms, owner) "
    "SELECT partition_id, epoch, served_ms FROM taken WHERE owner = $2",
    3,
    {T_INT8, T_INT8, T_INT2_ARRAY}};

const struct database_statement store_claim = {
    "claim",
    "UPDATE usher.partition SET epoch = epoch + 1, owner = $1 "
    "WHERE owner IS NULL AND partition_id = ANY($2)" RETURN_OWNED,
    2,
    {T_INT8, T_INT2_ARRAY}};

const struct database_statement store_raise_epochs = {
    "raise_epochs",
    "UPDATE usher.partition SET epoch = epoch + 1 WHERE owner = $1" RETURN_OWNED,
    1,
    {T_INT8}};

const struct database_statement store_release = {
    "release",
    "UPDATE usher.partition p SET owner = NULL, served_ms = greatest(p.served_ms, "
    "left_at.served_ms) "
    "FROM unnest($2, $3) AS left_at(partition_id, served_ms) "
    "WHERE p.partition_id = left_at.partition_id AND p.owner = $1",
    3,
    {T_INT8, T_INT2_ARRAY, T_INT8_ARRAY}};

const struct database_statement store_delete_instance = {
    "delete_instance", "DELETE FROM usher.worker_instance WHERE instance = $1", 1, {T_INT8}};

const struct database_statement store_delete_stale_instances = {
    "delete_stale_instances",
    "DELETE FROM usher.worker_instance w WHERE w.started_at < clock_timestamp() - interval '1 "
    "minute' "
    "AND w.instance NOT IN (" ALIVE_INSTANCES ") "
    "AND NOT EXISTS (SELECT FROM usher.partition p WHERE p.owner = w.instance)",
    0,
    {0}};

const struct database_statement *const store_admin_statements[] = {
    &store_select_installation,
    &store_insert_instance,
    &store_delete_stale_instances,
    &store_select_partitions,
    &store_select_workers,
    &store_lock_instance,
    &store_unlock_instance,
    &store_end_sessions,
    &store_end_session,
    &store_take_over,
    &store_claim,
    &store_raise_epochs,
    &store_release,
    &store_delete_instance,
    NULL,
};

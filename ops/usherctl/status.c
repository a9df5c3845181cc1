#include "ops/usherctl/status.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

/* Everything in one statement, hence of one moment; instances as texts, since JSON's numbers are
 * doubles to many. A dead worker that owns nothing is history. */
static const char query[] =
    "WITH held AS ("
    "  SELECT (classid::bigint << 32) | objid::bigint AS instance FROM pg_locks"
    "  WHERE locktype = 'advisory' AND objsubid = 1 AND granted"
    "    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),"
    " worker AS ("
    "  SELECT w.*, EXISTS (SELECT FROM held h WHERE h.instance = w.instance) AS alive,"
    "         (SELECT count(*) FROM usher.partition p WHERE p.owner = w.instance) AS owned"
    "  FROM usher.worker_instance w),"
    " partition AS ("
    "  SELECT p.*, w.process, coalesce(w.alive, false) AS alive"
    "  FROM usher.partition p LEFT JOIN worker w ON w.instance = p.owner)"
    " SELECT json_build_object("
    "  'installationId', (SELECT replace(installation_id::text, '-', '') FROM usher.installation),"
    "  'migration', (SELECT max(number) FROM usher.migration),"
    "  'venues', (SELECT count(*) FROM usher.venue),"
    "  'events', (SELECT count(*) FROM usher.event),"
    "  'openHolds', (SELECT coalesce(sum(open_holds), 0) FROM usher.show),"
    "  'bookings', (SELECT json_object_agg(name, (SELECT count(*) FROM usher.booking"
    "                                             WHERE status = number))"
    "               FROM (VALUES (1, 'PENDING'), (2, 'CONFIRMED'), (3, 'CANCELLED'), (4, "
    "'EXPIRED'))"
    "                    AS statuses(number, name)),"
    "  'workers', (SELECT coalesce(json_agg(json_build_object("
    "      'process', process, 'host', host, 'pid', pid, 'instance', instance::text,"
    "      'startedAt', to_char(started_at AT TIME ZONE 'UTC', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'),"
    "      'alive', alive, 'partitions', owned) ORDER BY process, started_at), '[]')"
    "    FROM worker WHERE alive OR owned > 0),"
    "  'partitions', (SELECT coalesce(json_agg(json_build_object("
    "      'partition', partition_id, 'epoch', epoch, 'owner', owner::text, 'process', process,"
    "      'alive', alive, 'servedMs', served_ms) ORDER BY partition_id), '[]') FROM partition))";

/* "" for what is null. */
static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static int64_t number_of(const json_t *object, const char *name) {
    return json_integer_value(json_object_get(object, name));
}

static void print_workers(const json_t *workers) {
    size_t index;
    const json_t *worker;
    (void)printf("\n%-12s %-20s %7s  %-24s %-20s %-5s %10s\n", "WORKER", "HOST", "PID", "STARTED",
                 "INSTANCE", "ALIVE", "PARTITIONS");
    json_array_foreach(workers, index, worker) {
        (void)printf("%-12s %-20s %7" PRId64 "  %-24s %-20s %-5s %10" PRId64 "\n",
                     text_of(worker, "process"), text_of(worker, "host"), number_of(worker, "pid"),
                     text_of(worker, "startedAt"), text_of(worker, "instance"),
                     json_is_true(json_object_get(worker, "alive")) ? "yes" : "NO",
                     number_of(worker, "partitions"));
    }
}

static void print_partitions(const json_t *partitions) {
    size_t index;
    const json_t *partition;
    (void)printf("\n%9s  %-12s %-20s %-5s %8s %14s\n", "PARTITION", "OWNER", "INSTANCE", "ALIVE",
                 "EPOCH", "SERVED S");
    json_array_foreach(partitions, index, partition) {
        const char *instance = text_of(partition, "owner");
        const char *alive = json_is_true(json_object_get(partition, "alive")) ? "yes" : "NO";
        (void)printf("%9" PRId64 "  %-12s %-20s %-5s %8" PRId64 " %14.1f\n",
                     number_of(partition, "partition"),
                     instance[0] ? text_of(partition, "process") : "-", instance,
                     instance[0] ? alive : "-", number_of(partition, "epoch"),
                     (double)number_of(partition, "servedMs") / 1000);
    }
}

static void print_table(const json_t *status) {
    const json_t *bookings = json_object_get(status, "bookings");
    (void)printf("installation  %s, migration %" PRId64 "\n", text_of(status, "installationId"),
                 number_of(status, "migration"));
    (void)printf("catalogue     %" PRId64 " venues, %" PRId64 " events\n",
                 number_of(status, "venues"), number_of(status, "events"));
    (void)printf("open holds    %" PRId64 "\n", number_of(status, "openHolds"));
    (void)printf("bookings      %" PRId64 " pending, %" PRId64 " confirmed, %" PRId64
                 " cancelled, %" PRId64 " expired\n",
                 number_of(bookings, "PENDING"), number_of(bookings, "CONFIRMED"),
                 number_of(bookings, "CANCELLED"), number_of(bookings, "EXPIRED"));
    print_workers(json_object_get(status, "workers"));
    print_partitions(json_object_get(status, "partitions"));
}

bool status_print(PGconn *connection, bool json) {
    PGresult *result = PQexec(connection, query);
    bool good = PQresultStatus(result) == PGRES_TUPLES_OK;
    if (!good) {
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        bool no_tables = sqlstate && strcmp(sqlstate, "42P01") == 0;
        (void)fprintf(stderr, "usherctl: %s",
                      no_tables ? "this database has no usher yet: run usherctl migrate\n"
                                : PQerrorMessage(connection));
    } else if (json) {
        (void)printf("%s\n", PQgetvalue(result, 0, 0));
    } else {
        json_t *status = json_loads(PQgetvalue(result, 0, 0), 0, NULL);
        ensure(status);
        print_table(status);
        json_decref(status);
    }
    PQclear(result);
    return good;
}

#include "ops/usherctl/migrate.h"

#include "shared/partition.h"

#include <openssl/rand.h>
#include <stdlib.h>

enum { KEY_BYTES = 32 };

/* The advisory lock of runners: "migrate" in ASCII. */
static const char LOCK[] = "SELECT pg_advisory_lock(x'006d696772617465'::bigint)";
static const char UNLOCK[] = "SELECT pg_advisory_unlock(x'006d696772617465'::bigint)";

struct runner {
    PGconn *connection;
    const struct migration_set *program;
    FILE *out;
    char *error; /* MIGRATE_ERROR_SIZE */
};

/* libpq's messages have several lines and end in one; ours is a sentence. */
static enum status database_failed(const struct runner *runner, enum status status,
                                   const char *what) {
    char message[MIGRATE_ERROR_SIZE / 2];
    (void)snprintf(message, sizeof message, "%s", PQerrorMessage(runner->connection));
    size_t length = strcspn(message, "\n");
    message[length] = '\0';
    (void)snprintf(runner->error, MIGRATE_ERROR_SIZE, "%s: %s", what, message);
    return status;
}

/* Runs what returns nothing of interest. */
static enum status run(const struct runner *runner, const char *sql, const char *what) {
    PGresult *result = PQexec(runner->connection, sql);
    ExecStatusType outcome = PQresultStatus(result);
    PQclear(result);
    return outcome == PGRES_COMMAND_OK || outcome == PGRES_TUPLES_OK
               ? STATUS_OK
               : database_failed(runner, STATUS_UNAVAILABLE, what);
}

static void roll_back(const struct runner *runner) {
    PQclear(PQexec(runner->connection, "ROLLBACK"));
}

/* PostgreSQL's integers as texts are good. */
static int number_at(const PGresult *result, int row, int column) {
    return (int)strtol(PQgetvalue(result, row, column), NULL, 10);
}

/* --- migrations ---------------------------------------------------------------------------- */

static enum status check_program(const struct runner *runner) {
    for (size_t i = 0; i < runner->program->count; i++) {
        if (runner->program->items[i].number != (int)i + 1) {
            (void)snprintf(runner->error, MIGRATE_ERROR_SIZE,
                           "this program has no migration %zu, but migration %d: number the files "
                           "in migrations/ without gaps and build again",
                           i + 1, runner->program->items[i].number);
            return STATUS_CONFLICT;
        }
    }
    return STATUS_OK;
}

/* One applied migration, which should be the program's number `position` + 1. */
static enum status check_applied(const struct runner *runner, size_t position, int number,
                                 const char *name, const char *checksum) {
    const struct migration_set *program = runner->program;
    if (number != (int)position + 1) {
        (void)snprintf(runner->error, MIGRATE_ERROR_SIZE,
                       "the database lacks migration %zu but has %d: table usher.migration was "
                       "altered by hand; restore the database from its backup",
                       position + 1, number);
    } else if (position >= program->count) {
        (void)snprintf(
            runner->error, MIGRATE_ERROR_SIZE,
            "the database has migration %d (%s), which this program does not know: it is "
            "older than the database; use the newer version of usher",
            number, name);
    } else if (strcmp(program->items[position].checksum, checksum) != 0) {
        (void)snprintf(runner->error, MIGRATE_ERROR_SIZE,
                       "migration %d (%s) was edited after it had been applied here: restore the "
                       "file's old text and put the change into a new migration",
                       number, name);
    } else {
        return STATUS_OK;
    }
    return STATUS_CONFLICT;
}

/* Reads what was applied and compares it with the program; *count of them. */
static enum status read_applied(const struct runner *runner, size_t *count) {
    static const char query[] =
        "SELECT number, name, checksum FROM usher.migration ORDER BY number";
    PGresult *result = PQexec(runner->connection, query);
    enum status status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK) {
        status = database_failed(runner, STATUS_UNAVAILABLE, "usher.migration can't be read");
    }
    int rows = PQntuples(result);
    for (int row = 0; row < rows && status == STATUS_OK; row++) {
        status = check_applied(runner, (size_t)row, number_at(result, row, 0),
                               PQgetvalue(result, row, 1), PQgetvalue(result, row, 2));
    }
    PQclear(result);
    *count = (size_t)rows;
    return status;
}

static bool record(const struct runner *runner, const struct migration *migration) {
    char number[16];
    (void)snprintf(number, sizeof number, "%d", migration->number);
    const char *const values[] = {number, migration->name, migration->checksum};
    PGresult *result =
        PQexecParams(runner->connection,
                     "INSERT INTO usher.migration (number, name, checksum) VALUES ($1, $2, $3)", 3,
                     NULL, values, NULL, NULL, 0);
    bool recorded = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return recorded;
}

static enum status apply(const struct runner *runner, const struct migration *migration) {
    char what[128];
    (void)snprintf(what, sizeof what, "migration %d (%s) fails and nothing of it is applied",
                   migration->number, migration->name);
    enum status status = run(runner, "BEGIN", what);
    if (status == STATUS_OK) {
        status = run(runner, migration->sql, what);
    }
    if (status == STATUS_OK && PQtransactionStatus(runner->connection) != PQTRANS_INTRANS) {
        (void)snprintf(
            runner->error, MIGRATE_ERROR_SIZE,
            "migration %d (%s) ends its transaction itself: take COMMIT and ROLLBACK out",
            migration->number, migration->name);
        return STATUS_INVALID;
    }
    if (status == STATUS_OK && !record(runner, migration)) {
        status = database_failed(runner, STATUS_UNAVAILABLE, what);
    }
    if (status == STATUS_OK) {
        status = run(runner, "COMMIT", what);
    }
    if (status != STATUS_OK) {
        roll_back(runner);
        return PQstatus(runner->connection) == CONNECTION_OK ? STATUS_INVALID : STATUS_UNAVAILABLE;
    }
    (void)fprintf(runner->out, "applied migration %04d_%s\n", migration->number, migration->name);
    return STATUS_OK;
}

static enum status apply_all(const struct runner *runner, size_t *applied) {
    static const char table[] = "CREATE SCHEMA IF NOT EXISTS usher;"
                                "CREATE TABLE IF NOT EXISTS usher.migration ("
                                "    number      integer PRIMARY KEY,"
                                "    name        text NOT NULL,"
                                "    checksum    text NOT NULL,"
                                "    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp())";
    size_t count = 0;
    enum status status = check_program(runner);
    if (status == STATUS_OK) {
        status = run(runner, table, "schema usher can't be made");
    }
    if (status == STATUS_OK) {
        status = read_applied(runner, &count);
    }
    for (size_t i = count; i < runner->program->count && status == STATUS_OK; i++) {
        status = apply(runner, &runner->program->items[i]);
        *applied += status == STATUS_OK;
    }
    return status;
}

/* --- the installation ---------------------------------------------------------------------- */

/* What the program was built with against what the installation was made with. */
static enum status check_partitions(const struct runner *runner) {
    PGresult *result = PQexec(runner->connection,
                              "SELECT partition_count, partition_hash FROM usher.installation");
    enum status status = STATUS_OK;
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        status = database_failed(runner, STATUS_UNAVAILABLE, "the installation can't be read");
    } else if (number_at(result, 0, 0) != PARTITION_COUNT ||
               strcmp(PQgetvalue(result, 0, 1), PARTITION_HASH) != 0) {
        (void)snprintf(runner->error, MIGRATE_ERROR_SIZE,
                       "the installation was made with %s partitions by %s, this program has %d by "
                       "%s: use the version of usher that it was made with",
                       PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), PARTITION_COUNT,
                       PARTITION_HASH);
        status = STATUS_CONFLICT;
    }
    PQclear(result);
    return status;
}

/* *made says whether there was none. */
static enum status insert_installation(const struct runner *runner, bool *made) {
    uint8_t keys[2][KEY_BYTES];
    ensure(RAND_bytes(keys[0], sizeof keys) == 1);
    char count[16];
    (void)snprintf(count, sizeof count, "%d", PARTITION_COUNT);
    const char *const values[] = {count, PARTITION_HASH, (const char *)keys[0],
                                  (const char *)keys[1]};
    PGresult *result = PQexecParams(
        runner->connection,
        "INSERT INTO usher.installation (installation_id, partition_count, partition_hash,"
        "                                booking_key, session_keys)"
        " VALUES (gen_random_uuid(), $1::text::integer, $2::text, $3::bytea, ARRAY[$4::bytea])"
        " ON CONFLICT DO NOTHING",
        ARRAY_LEN(values), NULL, values, (const int[]){0, 0, KEY_BYTES, KEY_BYTES},
        (const int[]){0, 0, 1, 1}, 0);
    bool failed = PQresultStatus(result) != PGRES_COMMAND_OK;
    *made = !failed && strcmp(PQcmdTuples(result), "1") == 0;
    PQclear(result);
    return failed
               ? database_failed(runner, STATUS_UNAVAILABLE, "the installation can't be recorded")
               : STATUS_OK;
}

static enum status make_installation(const struct runner *runner, bool *made) {
    char partitions[160];
    (void)snprintf(partitions, sizeof partitions,
                   "INSERT INTO usher.partition (partition_id)"
                   " SELECT generate_series(0, %d) ON CONFLICT DO NOTHING",
                   PARTITION_COUNT - 1);
    enum status status = run(runner, "BEGIN", "no transaction can be begun");
    if (status == STATUS_OK) {
        status = insert_installation(runner, made);
    }
    if (status == STATUS_OK) {
        status = check_partitions(runner);
    }
    if (status == STATUS_OK) {
        status = run(runner, partitions, "the partitions can't be made");
    }
    if (status == STATUS_OK) {
        status = run(runner, "COMMIT", "the installation can't be recorded");
    }
    if (status != STATUS_OK) {
        roll_back(runner);
    }
    return status;
}

enum status migrate_run(PGconn *connection, const struct migration_set *program, FILE *out,
                        char error[MIGRATE_ERROR_SIZE]) {
    struct runner runner = {connection, program, out, error};
    error[0] = '\0';
    size_t applied = 0;
    bool made = false;
    enum status status = run(&runner, "SET client_min_messages TO warning", "not connected");
    if (status == STATUS_OK) {
        status = run(&runner, LOCK, "the lock of migrations can't be had");
    }
    if (status != STATUS_OK) {
        return status;
    }
    status = apply_all(&runner, &applied);
    if (status == STATUS_OK) {
        status = make_installation(&runner, &made);
    }
    if (status == STATUS_OK && made) {
        (void)fprintf(out, "made the installation: %d partitions, fresh keys\n", PARTITION_COUNT);
    }
    if (status == STATUS_OK && !made && applied == 0) {
        (void)fprintf(out, "nothing to do: %zu migrations are applied\n", program->count);
    }
    PQclear(PQexec(connection, UNLOCK));
    return status;
}

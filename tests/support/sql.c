#include "tests/support/sql.h"
#include "tests/support/expect.h"
#include "tests/support/wait.h"

#include <stdlib.h>

enum { SQL_OPEN_MS = 10000 };

struct sql {
    PGconn *connection;
};

struct sql *sql_open(const char *url) {
    struct sql *sql = calloc(1, sizeof *sql);
    ensure(sql != NULL);
    struct wait wait = wait_at_most(SQL_OPEN_MS);
    sql->connection = PQconnectdb(url);
    while (PQstatus(sql->connection) != CONNECTION_OK) {
        wait_again(&wait, PQerrorMessage(sql->connection));
        PQreset(sql->connection);
    }
    return sql;
}

void sql_close(struct sql *sql) {
    if (sql != NULL) {
        PQfinish(sql->connection);
        free(sql);
    }
}

static PGresult *query_once(struct sql *sql, const char *query, const char *const *parameters) {
    int count = 0;
    while (parameters != NULL && parameters[count] != NULL) {
        count++;
    }
    return PQexecParams(sql->connection, query, count, NULL, parameters, NULL, NULL, 0);
}

/* An error that does not come from the server has no SQLSTATE: the connection broke. (PQstatus may
 * still say that it is fine, when the server's last words were a notice.) */
static bool connection_broke(const PGresult *result) {
    return PQresultStatus(result) == PGRES_FATAL_ERROR &&
           PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL;
}

PGresult *sql_rows(struct sql *sql, const char *query, const char *const *parameters) {
    PGresult *result = query_once(sql, query, parameters);
    if (connection_broke(result)) {
        PQclear(result);
        PQreset(sql->connection);
        result = query_once(sql, query, parameters);
    }
    ExecStatusType status = PQresultStatus(result);
    expect(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s: %s", query,
           PQresultErrorMessage(result));
    return result;
}

void sql_run(struct sql *sql, const char *statement, const char *const *parameters) {
    PQclear(sql_rows(sql, statement, parameters));
}

char *sql_text(struct sql *sql, const char *query, const char *const *parameters) {
    PGresult *result = sql_rows(sql, query, parameters);
    expect(PQntuples(result) == 1 && PQnfields(result) == 1, "%s: %d rows of %d columns", query,
           PQntuples(result), PQnfields(result));
    char *text = PQgetisnull(result, 0, 0) ? NULL : strdup(PQgetvalue(result, 0, 0));
    PQclear(result);
    return text;
}

int64_t sql_number(struct sql *sql, const char *query, const char *const *parameters) {
    char *text = sql_text(sql, query, parameters);
    expect(text != NULL, "%s: NULL", query);
    int64_t number = strtoll(text, NULL, 10);
    free(text);
    return number;
}

void sql_bytes(struct sql *sql, const char *query, void *bytes, size_t size_bytes) {
    size_t found_bytes = 0;
    char *text = sql_text(sql, query, NULL);
    expect(text != NULL, "%s: NULL", query);
    unsigned char *found = PQunescapeBytea((const unsigned char *)text, &found_bytes);
    expect(found != NULL && found_bytes == size_bytes, "%s: %zu bytes", query, found_bytes);
    memcpy(bytes, found, size_bytes);
    PQfreemem(found);
    free(text);
}

/*
 * sql: a test's own look into the database. Blocking; an error fails the test with PostgreSQL's
 * text.
 *
 * Parameters are texts, NULL-terminated: sql_number(sql, "SELECT … $1", (const char *[]){"17",
 * NULL}); NULL for none.
 */
#ifndef USHER_TESTS_SUPPORT_SQL_H
#define USHER_TESTS_SUPPORT_SQL_H

#include "shared/base.h"

#include <libpq-fe.h>

struct sql;

/* `url` as for libpq; tries for 10 s. */
struct sql *sql_open(const char *url);
void sql_close(struct sql *sql); /* NULL is allowed */
/* In all of these a statement that finds the connection dead is sent once more, on a new one. */
void sql_run(struct sql *sql, const char *statement, const char *const *parameters);
/* Texts; the caller's, PQclear. */
PGresult *sql_rows(struct sql *sql, const char *query, const char *const *parameters);
/* The one value of the one row. sql_text: the caller's, free; NULL for NULL. */
int64_t sql_number(struct sql *sql, const char *query, const char *const *parameters);
char *sql_text(struct sql *sql, const char *query, const char *const *parameters);
/* The one value, a bytea of exactly so many bytes. */
void sql_bytes(struct sql *sql, const char *query, void *bytes, size_t size_bytes);

#endif

/*
 * migrate: brings a database to the program's migrations. Forward only.
 *
 * A migration is a file migrations/NNNN_name.sql, numbered from 1 without gaps, embedded into the
 * program when it is built. Each is applied once, in a transaction of its own, and recorded in
 * usher.migration with the SHA-256 of its text. A session's advisory lock lets one runner work at a
 * time; the next one finds nothing to do. After the last migration the installation's row and its
 * partitions are made, if they are not there.
 */
#ifndef USHER_OPS_USHERCTL_MIGRATE_H
#define USHER_OPS_USHERCTL_MIGRATE_H

#include "shared/base.h"
#include "shared/status.h"

#include <libpq-fe.h>
#include <stdio.h>

enum { MIGRATE_ERROR_SIZE = 1024 };

struct migration {
    int number;
    const char *name;
    const char *sql;
    const char *checksum; /* SHA-256, 64 hex digits */
};

struct migration_set {
    const struct migration *items; /* in order of number */
    size_t count;
};

/* Those of migrations/, generated at build time. */
extern const struct migration_set migrations_embedded;

/*
 * Blocking; waits for another runner. Writes a line to `out` for each thing done, or that there was
 * nothing to do. On failure `error` is one sentence that says what to do, and everything before the
 * failed migration stays: STATUS_CONFLICT     an applied migration was edited, the database knows
 * migrations that the program does not, numbers have gaps, or the installation was made with other
 * partitions STATUS_INVALID      a migration fails STATUS_UNAVAILABLE  anything else that the
 * database refuses
 */
MUST_CHECK enum status migrate_run(PGconn *connection, const struct migration_set *program,
                                   FILE *out, char error[MIGRATE_ERROR_SIZE]);

#endif

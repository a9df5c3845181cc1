/*
 * database_private: what the session (database.c) and the building of groups (database_group.c)
 * share. Nobody else includes it.
 */
#ifndef USHER_SHARED_DATABASE_PRIVATE_H
#define USHER_SHARED_DATABASE_PRIVATE_H

#include "shared/database.h"

enum {
    GROUP_PARAMETERS_MAX = DATABASE_GROUP_MAX * DATABASE_PARAMETERS_MAX,
    GROUP_DATA_FIRST_BYTES = 1024,
    GROUP_DATA_MAX_BYTES = 256 << 20,
};

struct group_parameter {
    uint32_t offset;    /* into the group's data */
    int32_t size_bytes; /* -1: NULL */
};

struct database_group {
    struct database_session *session;
    struct database_group *next;
    enum status failure; /* of building it */

    const struct database_statement *statements[DATABASE_GROUP_MAX];
    int statement_count;
    int parameters_due; /* those of all statements added so far */
    int parameter_count;
    struct group_parameter parameters[GROUP_PARAMETERS_MAX];
    uint8_t *data; /* the bytes of all parameters; released once libpq has them */
    size_t data_bytes;
    size_t data_capacity_bytes;

    /* Once sent. */
    database_answer_handler *on_answer;
    void *context;
    PGresult *results[DATABASE_GROUP_MAX + 1]; /* one more: an error of the implicit commit */
    int answered;                              /* statements that have their result */
    int failed_statement;                      /* -1: none; its result tells why */
    bool warned;
};

/* What building it ended with; STATUS_OK: it may be sent. Aborts when parameters are missing. */
enum status database_group_check(const struct database_group *group);
void database_group_release_data(struct database_group *group);
void database_group_free(struct database_group *group);

#endif

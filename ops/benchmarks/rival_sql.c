#include "ops/benchmarks/rival_sql.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>

bool rival_send(PGconn *connection, const char *name, const struct sale_buyer *buyer,
                const uint32_t versions[2], int count) {
    static const int sizes[] = {8, 4, 4, sizeof(struct id128), sizeof(struct id128), 4, 4};
    static const int binary[] = {1, 1, 1, 1, 1, 1, 1};
    uint64_t event = htobe64(buyer->event);
    uint32_t numbers[] = {htobe32(buyer->seats[0]), htobe32(buyer->seats[1]), htobe32(versions[0]),
                          htobe32(versions[1])};
    const char *values[] = {(const char *)&event,       (const char *)&numbers[0],
                            (const char *)&numbers[1],  (const char *)&buyer->booking,
                            (const char *)&buyer->user, (const char *)&numbers[2],
                            (const char *)&numbers[3]};
    return PQsendQueryPrepared(connection, name, count, values, sizes, binary, 1) == 1;
}

_Noreturn void rival_give_up(const PGresult *result) {
    fprintf(stderr, "PostgreSQL refused: %s", PQresultErrorMessage(result));
    exit(1);
}

bool rival_is_stored(const PGresult *result) {
    static const char check_violation[] = "23514";
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        return true;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL || strcmp(state, check_violation) != 0)
        rival_give_up(result);
    return false;
}

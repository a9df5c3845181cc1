/*
 * installation: the record of usher.installation, read once the database can be reached. Without it
 * a gateway knows neither its subjects on NATS nor the keys it signs and derives with, so it takes
 * no bookings before.
 */
#ifndef USHER_GATEWAY_INSTALLATION_H
#define USHER_GATEWAY_INSTALLATION_H

#include "shared/database.h"
#include "shared/ids.h"
#include "shared/mac.h"
#include "shared/token.h"

struct installation {
    bool known;
    struct id128 id;
    struct mac *booking_key;
    struct token_keys session_keys;
};

/* Reads the answer of sql_installation. False, logged, when this program must not work on that
 * database: partition count or hash are not its own, keys have the wrong length, or the
 * installation is another than the one known before; then `installation` is as it was. */
MUST_CHECK bool installation_read(struct installation *installation, const PGresult *row);
/* Forgets it, with its keys. */
void installation_clear(struct installation *installation);

#endif

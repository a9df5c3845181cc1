/*
 * token: signed statements that a client carries for us. HMAC-SHA-256 (shared/mac.h) over a version
 * byte, a kind byte and the payload; base64url without padding (RFC 4648, 5). There is no algorithm
 * field to swap. Compared in constant time. Two keys: the first signs, both verify, so that keys
 * can be rotated. Pure; the keys are for one thread at a time.
 */
#ifndef USHER_SHARED_TOKEN_H
#define USHER_SHARED_TOKEN_H

#include "shared/mac.h"
#include "shared/status.h"

enum { TOKEN_TEXT_MAX = 512, TOKEN_SESSION_DAYS = 30 };

/* Belong to whoever made them. */
struct token_keys {
    struct mac *keys[2];
    uint32_t count; /* 1 or 2 */
};

/* A guest's session. */
struct session {
    struct id128 installation;
    struct id128 user;
    bool guest;
    int64_t expires_us; /* unix µs, database time */
};

/* Writes the token and NUL. */
void token_sign_session(const struct token_keys *keys, const struct session *session,
                        char text[TOKEN_TEXT_MAX]);
/* STATUS_INVALID: not a token, not ours, altered, another installation's, or expired at `now_us`.
 */
MUST_CHECK enum status token_verify_session(const struct token_keys *keys,
                                            const struct id128 *installation, int64_t now_us,
                                            const char *text, struct session *session);

/* Somebody's place in the line of an event. Good until it is used or ends; says nothing of whose
 * turn it is. */
struct queue_token {
    struct id128 installation;
    struct id128 user;
    uint64_t event_id;
    uint64_t number;
    uint32_t span; /* of the line it was given in; told for the audit */
};
void token_sign_queue(const struct token_keys *keys, const struct queue_token *token,
                      char text[TOKEN_TEXT_MAX]);
/* STATUS_INVALID: not a queue token, not ours, altered, or another installation's. */
MUST_CHECK enum status token_verify_queue(const struct token_keys *keys,
                                          const struct id128 *installation, const char *text,
                                          struct queue_token *token);

/* The right to book with a turn; how long it lasts is the owner's to say. */
struct pass_token {
    struct id128 installation;
    struct id128 user;
    uint64_t event_id;
    uint64_t number;
};
void token_sign_pass(const struct token_keys *keys, const struct pass_token *token,
                     char text[TOKEN_TEXT_MAX]);
MUST_CHECK enum status token_verify_pass(const struct token_keys *keys,
                                         const struct id128 *installation, const char *text,
                                         struct pass_token *token);

#endif

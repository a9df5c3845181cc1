-- Who may change the catalogue, and what was changed.
--
-- A key is 32 random bytes; here is its SHA-256. Nothing slower is needed: slow hashes protect what people choose,
-- and nobody tries through 2^256 keys. A name is used once and its row stays, so that the log says who it was.

CREATE TABLE usher.admin_key (
    name        text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$'
                                        AND name NOT IN ('admin.key', 'usherctl')),
    role        text NOT NULL CHECK (role IN ('viewer', 'operator', 'organiser', 'admin')),
    hash        bytea NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at  timestamptz
);

-- What admins did. A line of what usher's own statement changes is written by that statement. A change of an event,
-- which its owner decides, has its line before it is asked for, and its status when it is decided.
CREATE TABLE usher.admin_log (
    log_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    who         text NOT NULL,      -- the key's name; a user of the system when role is usherctl
    role        text NOT NULL,      -- the key's, then; or usherctl
    what        text NOT NULL,      -- PATCH /admin/events/{id}, usherctl key create
    event_id    bigint,
    venue_id    bigint,
    key_name    text,
    request_id  text,
    address     text NOT NULL,      -- the client's address; usherctl's host
    change      jsonb,              -- as it was asked for
    status      smallint            -- as HTTP says it; NULL: not known whether the change was made
);

-- The scope of an idempotency key is its caller's. Imports are usherctl's, whoever calls it.
ALTER TABLE usher.admin_request ADD COLUMN caller text NOT NULL DEFAULT 'admin.key';
UPDATE usher.admin_request SET caller = 'usherctl' WHERE idempotency_key ~ '^import-[0-9a-f]{64}-';
ALTER TABLE usher.admin_request ALTER COLUMN caller DROP DEFAULT;
ALTER TABLE usher.admin_request DROP CONSTRAINT admin_request_pkey,
                                ADD PRIMARY KEY (caller, route, idempotency_key);

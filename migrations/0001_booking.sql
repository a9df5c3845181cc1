-- The booking path. Applied by `usherctl migrate` in one transaction; schema usher is the runner's.
--
-- A seat is taken by a row in usher.seat_claim, and its primary key is the last line of promise 1: whatever
-- goes wrong above it, PostgreSQL does not store two claims on one seat. A claim's booking says by its status
-- whether the seat is HELD or BOOKED; a claim without a booking is a seat that the promoter BLOCKED.

CREATE TABLE usher.installation (
    only_row         boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    installation_id  uuid NOT NULL,
    partition_count  integer NOT NULL,
    partition_hash   text NOT NULL,
    booking_key      bytea NOT NULL CHECK (length(booking_key) = 32),  -- never rotated: bookings' ids derive from it
    session_keys     bytea[] NOT NULL CHECK (cardinality(session_keys) IN (1, 2)),  -- the first signs
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Who decides. An owner is a worker's instance; it is alive while it holds the advisory lock of that number.
CREATE TABLE usher.worker_instance (
    instance    bigint PRIMARY KEY,
    process     text NOT NULL,
    host        text NOT NULL,
    pid         integer NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE usher.partition (
    partition_id  smallint PRIMARY KEY,
    epoch         bigint NOT NULL DEFAULT 0,
    owner         bigint,                      -- worker_instance.instance; NULL: nobody
    served_ms     bigint NOT NULL DEFAULT 0    -- the clock of holds' deadlines; stands still while nobody serves
) WITH (fillfactor = 10);

CREATE TABLE usher.venue (
    venue_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text NOT NULL,
    city            text NOT NULL,
    country         text NOT NULL,
    time_zone       text NOT NULL,
    layout_version  integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A layout never changes; a venue that is rebuilt gets the next version.
CREATE TABLE usher.layout (
    venue_id        bigint NOT NULL REFERENCES usher.venue,
    layout_version  integer NOT NULL,
    seat_count      integer NOT NULL CHECK (seat_count > 0),
    categories      text[] NOT NULL,           -- price categories; sections and prices refer to them by position
    sections        jsonb NOT NULL,            -- as GET /events/{id}/layout answers them
    PRIMARY KEY (venue_id, layout_version)
);

CREATE TABLE usher.layout_section (
    venue_id        bigint NOT NULL,
    layout_version  integer NOT NULL,
    section_no      integer NOT NULL,          -- from 0, in order
    name            text NOT NULL,
    general         boolean NOT NULL,
    category_no     smallint NOT NULL,         -- position in layout.categories, from 0
    first_seat      integer NOT NULL,
    seat_count      integer NOT NULL CHECK (seat_count > 0),
    PRIMARY KEY (venue_id, layout_version, section_no),
    FOREIGN KEY (venue_id, layout_version) REFERENCES usher.layout
);

CREATE TABLE usher.layout_seat (
    venue_id        bigint NOT NULL,
    layout_version  integer NOT NULL,
    seat            integer NOT NULL,          -- from 0, in layout order
    seat_id         text NOT NULL,
    section         text NOT NULL,
    "row"           text NOT NULL,
    number          text NOT NULL,
    PRIMARY KEY (venue_id, layout_version, seat),
    UNIQUE (venue_id, layout_version, seat_id),
    FOREIGN KEY (venue_id, layout_version) REFERENCES usher.layout
);

-- partition_of_event of shared/partition.c: FNV-1a, 64 bits, over the id as 8 bytes little-endian, modulo 64.
-- numeric, since bigint has no unsigned multiplication; an exclusive or with a byte touches the lowest byte only.
CREATE FUNCTION usher.partition_of_event(event_id bigint) RETURNS smallint
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    hash    numeric := 14695981039346656037;
    lowest  integer;
BEGIN
    FOR i IN 0..7 LOOP
        lowest := hash % 256;
        hash := hash - lowest + (lowest # ((event_id >> (8 * i)) & 255)::integer);
        hash := hash * 1099511628211 % 18446744073709551616;
    END LOOP;
    RETURN hash % 64;
END
$$;

CREATE TABLE usher.event (
    event_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition_id    smallint NOT NULL GENERATED ALWAYS AS (usher.partition_of_event(event_id)) STORED,
    name            text NOT NULL,
    venue_id        bigint NOT NULL REFERENCES usher.venue,
    layout_version  integer NOT NULL,
    state           smallint NOT NULL DEFAULT 1    -- enum show_state: 0 draft, 1 open, 2 paused, 3 sale ended, 4 cancelled
                    CHECK (state BETWEEN 0 AND 4),
    start_time      timestamptz NOT NULL,
    end_time        timestamptz,
    on_sale_time    timestamptz,                   -- NULL: at once
    sale_end_time   timestamptz,                   -- NULL: never
    description     text NOT NULL DEFAULT '',
    artists         text[] NOT NULL DEFAULT '{}',
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    prices          bigint[] NOT NULL,             -- minor units, by position in layout.categories
    hold_seconds    integer NOT NULL CHECK (hold_seconds BETWEEN 1 AND 86400),
    seats_per_user  integer NOT NULL CHECK (seats_per_user BETWEEN 1 AND 1000),
    guests          boolean NOT NULL DEFAULT true,
    room            jsonb NOT NULL DEFAULT '{}',   -- settings of the waiting room as given; defaults are the reader's
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (venue_id, layout_version) REFERENCES usher.layout
);
CREATE INDEX event_by_start ON usher.event (start_time, event_id);

-- What changes with every batch, apart from the wide row above.
CREATE TABLE usher.show (
    event_id         bigint PRIMARY KEY REFERENCES usher.event,
    partition_id     smallint NOT NULL,
    seats_version    bigint NOT NULL DEFAULT 0,
    seats_available  integer NOT NULL,
    open_holds       integer NOT NULL DEFAULT 0
) WITH (fillfactor = 50);
CREATE INDEX show_by_partition ON usher.show (partition_id);

-- Written by the owner of the event's partition only. No index on what changes: status updates stay HOT.
CREATE TABLE usher.booking (
    event_id            bigint NOT NULL,
    booking_id          uuid NOT NULL,
    user_id             uuid NOT NULL,
    status              smallint NOT NULL CHECK (status BETWEEN 1 AND 4),  -- enum booking_status
    body_hash           bigint NOT NULL,
    seats               integer[] NOT NULL,
    prices              bigint[] NOT NULL,
    amount              bigint NOT NULL,
    currency            text NOT NULL,
    queue_number        bigint,
    created_at          timestamptz NOT NULL,
    deadline_served_ms  bigint NOT NULL,
    expires_at          timestamptz NOT NULL,   -- forecast of the deadline
    contact_name        text,
    contact_email       text,
    PRIMARY KEY (event_id, booking_id)
) WITH (fillfactor = 50);
CREATE INDEX booking_by_user ON usher.booking (user_id, event_id);

CREATE TABLE usher.seat_claim (
    event_id    bigint NOT NULL,
    seat        integer NOT NULL,
    booking_id  uuid,                           -- NULL: blocked by the promoter
    PRIMARY KEY (event_id, seat)
) WITH (fillfactor = 80);

-- Idempotency of admin POSTs; kept at least 24 h.
CREATE TABLE usher.admin_request (
    route            text NOT NULL,
    idempotency_key  text NOT NULL,
    body_hash        bytea NOT NULL,
    result_id        bigint NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (route, idempotency_key)
);

-- Reports: these views do not change, the tables above may.

CREATE SCHEMA report;

CREATE VIEW report.venues AS
    SELECT v.venue_id, v.name, v.city, v.country, l.sections AS seat_map
    FROM usher.venue v JOIN usher.layout l USING (venue_id, layout_version);

CREATE VIEW report.events AS
    SELECT event_id, name, venue_id, start_time, on_sale_time FROM usher.event;

CREATE VIEW report.seats AS
    SELECT e.event_id, s.seat_id, s.section, s."row", s.number,
           CASE WHEN c.event_id IS NULL THEN 'AVAILABLE'
                WHEN c.booking_id IS NULL THEN 'BLOCKED'
                WHEN b.status = 1 THEN 'HELD'
                WHEN b.status = 2 THEN 'BOOKED'
           END AS status,
           e.event_id || '-' || replace(c.booking_id::text, '-', '') AS booking_id
    FROM usher.event e
    JOIN usher.layout_seat s USING (venue_id, layout_version)
    LEFT JOIN usher.seat_claim c ON c.event_id = e.event_id AND c.seat = s.seat
    LEFT JOIN usher.booking b ON b.event_id = c.event_id AND b.booking_id = c.booking_id;

CREATE VIEW report.bookings AS
    SELECT b.event_id || '-' || replace(b.booking_id::text, '-', '') AS booking_id,
           replace(b.user_id::text, '-', '') AS user_id,
           b.event_id,
           (SELECT array_agg(s.seat_id ORDER BY t.position)
            FROM unnest(b.seats) WITH ORDINALITY AS t(seat, position)
            JOIN usher.layout_seat s ON s.venue_id = e.venue_id AND s.layout_version = e.layout_version
                                    AND s.seat = t.seat) AS seat_ids,
           (ARRAY['PENDING', 'CONFIRMED', 'CANCELLED', 'EXPIRED'])[b.status] AS status,
           b.amount, b.currency, b.queue_number, b.created_at, b.expires_at
    FROM usher.booking b JOIN usher.event e USING (event_id);

-- The tables of the strategies that usher is measured beside, as the textbook has them, and at their best: updates of
-- seats stay HOT, ids come in time order, nothing is indexed that nobody looks for. Schema report shows them as usher's
-- own does, for reserve_check.sql.

CREATE SCHEMA rival;
CREATE TABLE rival.seat (
    event_id    bigint NOT NULL,
    seat        integer NOT NULL,
    version     integer NOT NULL DEFAULT 0,
    status      smallint NOT NULL DEFAULT 0,  -- 0 available, 1 held
    booking_id  uuid,
    PRIMARY KEY (event_id, seat)
) WITH (fillfactor = 45);
CREATE TABLE rival.booking (
    booking_id  uuid PRIMARY KEY,
    user_id     uuid NOT NULL,
    event_id    bigint NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    amount      bigint NOT NULL,
    seats       integer[] NOT NULL,
    held        integer NOT NULL CHECK (held = cardinality(seats)),  -- so many could be had: all or nothing
    status      smallint NOT NULL
);

CREATE SCHEMA report;
CREATE VIEW report.seats AS
    SELECT event_id, seat::text AS seat_id, CASE status WHEN 0 THEN 'AVAILABLE' ELSE 'HELD' END AS status,
           event_id || '-' || replace(booking_id::text, '-', '') AS booking_id
    FROM rival.seat;
CREATE VIEW report.bookings AS
    SELECT event_id || '-' || replace(booking_id::text, '-', '') AS booking_id, event_id,
           CASE status WHEN 1 THEN 'PENDING' END AS status
    FROM rival.booking;

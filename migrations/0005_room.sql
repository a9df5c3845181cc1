-- The waiting room. People who wait are in a JetStream stream; here is how far the door has gone, and everybody it
-- has called. Written by the owner of the event's partition only, in the batches of its decisions.

-- admitted_to is the only position of the door. Numbers up to issued_to may have been answered to somebody.
CREATE TABLE usher.room (
    event_id     bigint PRIMARY KEY REFERENCES usher.event,
    admitted_to  bigint NOT NULL,
    issued_to    bigint NOT NULL CHECK (issued_to >= admitted_to),
    claimed      bigint NOT NULL,   -- turns that became passes, since the room began, and so on
    missed       bigint NOT NULL,
    gone         bigint NOT NULL,   -- given up
    bought       bigint NOT NULL
) WITH (fillfactor = 10);

-- Which numbers the sequences of which stream, kept by which run of NATS, have (shared/room.h). Rows are never changed.
CREATE TABLE usher.room_span (
    event_id           bigint NOT NULL REFERENCES usher.event,
    span_no            integer NOT NULL,       -- from 0
    first_number       bigint NOT NULL,
    first_sequence     bigint NOT NULL,
    stream_no          integer NOT NULL,       -- counts up when another stream takes the place of the one before
    server_id          text NOT NULL,          -- '': replicated, any run
    created            text NOT NULL,          -- the stream's, as NATS writes it
    admitted_to        bigint NOT NULL,        -- how far the door had gone when this span began
    vouched_served_ms  bigint NOT NULL,
    vouched_at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event_id, span_no),
    UNIQUE (event_id, server_id, created)
);

-- The admission record: one row a number that the door has passed, and those known to the owner before.
CREATE TABLE usher.turn (
    event_id            bigint NOT NULL,
    number              bigint NOT NULL,
    user_id             uuid NOT NULL,
    state               smallint NOT NULL CHECK (state BETWEEN 1 AND 8),  -- enum turn_state
    joined_at           timestamptz,            -- when the stream stored it; NULL: its number was shown at a roll call
    called_at           timestamptz,
    deadline_served_ms  bigint NOT NULL DEFAULT 0,
    booking_id          uuid,                   -- of a pass: its open hold
    ended_at            timestamptz,
    PRIMARY KEY (event_id, number)
) WITH (fillfactor = 70);
CREATE INDEX turn_live ON usher.turn (event_id, number) WHERE state <= 3;  -- waiting, called, pass

-- Rooms that may have to open or admit without anybody asking.
CREATE INDEX event_with_room ON usher.event (partition_id) WHERE room ->> 'mode' IN ('open', 'paused');

-- A guest who logs in: POST /sessions/link. The first row of a guest decides whose the guest's bookings become; it
-- is written before anything moves, and never changes. Which bookings those are is noted with it, so that a repeat
-- finds what is still to be moved, and can show what was.

CREATE TABLE usher.guest_link (
    guest_user_id  uuid PRIMARY KEY,
    user_id        uuid NOT NULL,
    linked_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE usher.guest_link_booking (
    guest_user_id  uuid NOT NULL REFERENCES usher.guest_link,
    event_id       bigint NOT NULL,
    booking_id     uuid NOT NULL,
    PRIMARY KEY (guest_user_id, event_id, booking_id)
);

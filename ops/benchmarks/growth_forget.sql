-- Takes the bookings of growth_bookings.sql out again, once nobody uses :event any more, and prints how many they were,
-- and how many seats they had.
WITH gone AS (
    DELETE FROM usher.booking WHERE event_id = :event AND status <> 1 RETURNING event_id, booking_id
), freed AS (
    DELETE FROM usher.seat_claim c USING gone WHERE c.event_id = gone.event_id AND c.booking_id = gone.booking_id RETURNING 1
)
SELECT (SELECT count(*) FROM gone) || ' ' || (SELECT count(*) FROM freed);

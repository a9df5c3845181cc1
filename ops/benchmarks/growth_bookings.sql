-- Bookings that :event has had so far, before anybody loads it: :count, each of another user and of two seats.
-- :confirmed of them have the last seats of its :seats; every other one of the rest was cancelled or expired. Their ids
-- are in time order like those that usher makes.
BEGIN;
INSERT INTO usher.booking (event_id, booking_id, user_id, status, body_hash, seats, prices, amount, currency, created_at,
                           deadline_served_ms, expires_at)
SELECT :event, (lpad(to_hex(1700000000000 + nth * 10), 12, '0') || '7' || substr(md5(nth::text), 2, 19))::uuid,
       md5('user ' || nth)::uuid, status, nth, ARRAY[seat, seat + 1], '{4500,4500}', 9000, 'EUR',
       now() - interval '1 day', 0, now() - interval '23 hours'
FROM generate_series(0, :count - 1) AS nth,
     LATERAL (SELECT CASE WHEN nth < :confirmed THEN 2 ELSE 3 + nth % 2 END AS status,
                     CASE WHEN nth < :confirmed THEN :seats - 2 * (nth + 1) ELSE 2 * (nth % (:seats / 2)) END AS seat) AS made;
INSERT INTO usher.seat_claim (event_id, seat, booking_id)
SELECT event_id, unnest(seats), booking_id FROM usher.booking WHERE event_id = :event AND status = 2;
UPDATE usher.show SET seats_version = 1, seats_available = :seats - 2 * :confirmed WHERE event_id = :event;
COMMIT;
VACUUM ANALYZE usher.booking, usher.seat_claim;

-- Whether the database holds what was answered in a drop, and nothing else. A line for everything that is wrong; no
-- line: all is well. Standard input: what drop.h describes. Variable `event`: the event, sold to nobody else.

CREATE TEMPORARY TABLE answered (kind text, user_id text, number bigint, booking_id text, status text, seats text);
\copy answered FROM pstdin
CREATE TEMPORARY TABLE place AS SELECT user_id, number FROM answered WHERE kind = 'place';
CREATE TEMPORARY TABLE booking AS
    SELECT user_id, number, booking_id, status, seats FROM answered WHERE kind = 'booking';
CREATE TEMPORARY TABLE paid AS
    SELECT booking_id, unnest(string_to_array(seats, ',')) AS seat_id FROM booking WHERE status = 'CONFIRMED';
CREATE TEMPORARY TABLE stored AS
    SELECT user_id, queue_number AS number, booking_id, status, array_to_string(seat_ids, ',') AS seats
    FROM report.bookings WHERE event_id = :event;
CREATE TEMPORARY TABLE seat AS SELECT seat_id, status, booking_id FROM report.seats WHERE event_id = :event;
CREATE TEMPORARY TABLE turn AS
    SELECT number, replace(user_id::text, '-', '') AS user_id FROM usher.turn WHERE event_id = :event;
ANALYZE place, booking, paid, stored, seat, turn;

SELECT count || ' ' || what FROM (
    SELECT 'seats are in report.seats twice' AS what,
           (SELECT count(*) FROM (SELECT FROM seat GROUP BY seat_id HAVING count(*) > 1) AS twice)
    UNION ALL
    SELECT 'seats were answered as paid for twice',
           (SELECT count(*) FROM (SELECT FROM paid GROUP BY seat_id HAVING count(*) > 1) AS twice)
    UNION ALL
    SELECT 'seats are not sold', (SELECT count(*) FROM seat WHERE status IS DISTINCT FROM 'BOOKED')
    UNION ALL
    SELECT 'seats are not those of the booking that was answered',
           (SELECT count(*) FROM seat s FULL JOIN paid p USING (seat_id)
            WHERE s.booking_id IS DISTINCT FROM p.booking_id)
    UNION ALL
    SELECT 'bookings are not as they were answered',
           (SELECT count(*) FROM ((TABLE booking EXCEPT ALL TABLE stored) UNION ALL
                                  (TABLE stored EXCEPT ALL TABLE booking)) AS odd)
    UNION ALL
    SELECT 'numbers were answered twice',
           (SELECT count(*) FROM (SELECT FROM place GROUP BY number HAVING count(*) > 1) AS twice)
    UNION ALL
    SELECT 'turns are not of who was answered their number',
           (SELECT count(*) FROM turn t LEFT JOIN place p USING (number) WHERE p.user_id IS DISTINCT FROM t.user_id)
    UNION ALL
    SELECT 'answers to check', CASE WHEN EXISTS (SELECT FROM booking) AND EXISTS (SELECT FROM place) THEN 0 ELSE -1 END
) AS checks WHERE count <> 0;

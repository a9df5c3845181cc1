-- Whether the database holds what was answered, and nothing else. A line for everything that is wrong; no line: all
-- is well. Standard input: event, booking, seat of every seat that was answered for. Variables: `events`, the events
-- that were sold, as '{1,2,…}', nobody else booked on them; `seats` and `bookings`, the status that all of these have,
-- if it is not HELD and PENDING.

\if :{?seats}
\else
    \set seats HELD
    \set bookings PENDING
\endif
CREATE TEMPORARY TABLE answered (event_id bigint, booking_id text, seat_id text);
\copy answered FROM pstdin
CREATE TEMPORARY TABLE stored AS
    SELECT event_id, seat_id, status, booking_id FROM report.seats
    WHERE event_id = ANY (:'events'::bigint[]) AND status IS DISTINCT FROM 'AVAILABLE';
CREATE TEMPORARY TABLE booking AS
    SELECT booking_id, status FROM report.bookings WHERE event_id = ANY (:'events'::bigint[]);
ANALYZE answered, stored, booking;

SELECT count || ' ' || what FROM (
    SELECT 'seats were answered for twice' AS what,
           (SELECT count(*) FROM (SELECT FROM answered GROUP BY event_id, seat_id HAVING count(*) > 1) AS twice)
    UNION ALL
    SELECT 'seats are in report.seats twice',
           (SELECT count(*) FROM (SELECT FROM stored GROUP BY event_id, seat_id HAVING count(*) > 1) AS twice)
    UNION ALL
    SELECT 'answered seats are not held by the booking that was answered',
           (SELECT count(*) FROM answered a LEFT JOIN stored s USING (event_id, seat_id)
            WHERE s.status IS DISTINCT FROM :'seats' OR s.booking_id IS DISTINCT FROM a.booking_id)
    UNION ALL
    SELECT 'seats are held that nobody was answered for',
           (SELECT count(*) FROM stored s LEFT JOIN answered a USING (event_id, seat_id) WHERE a.seat_id IS NULL)
    UNION ALL
    SELECT 'bookings are more or fewer than answers',
           abs((SELECT count(*) FROM booking) - (SELECT count(DISTINCT booking_id) FROM answered))
    UNION ALL
    SELECT 'bookings are not ' || :'bookings', (SELECT count(*) FROM booking WHERE status <> :'bookings')
    UNION ALL
    SELECT 'answered bookings have not two seats',
           (SELECT count(*) FROM (SELECT FROM answered GROUP BY booking_id HAVING count(*) <> 2) AS odd)
    UNION ALL
    SELECT 'answers to check', CASE WHEN EXISTS (SELECT FROM answered) THEN 0 ELSE -1 END
) AS checks WHERE count <> 0;

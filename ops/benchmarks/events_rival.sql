-- Events :first to :last with :seats seats each.
INSERT INTO rival.seat (event_id, seat)
SELECT event_id, seat FROM generate_series(:first::bigint, :last) AS event_id, generate_series(0, :seats - 1) AS seat;
VACUUM (ANALYZE) rival.seat;

-- :count new events at :venue with :seats seats each. Prints the last one's id; the others are those before it.
WITH made AS (
    INSERT INTO usher.event (name, venue_id, layout_version, start_time, currency, prices, hold_seconds, seats_per_user)
    SELECT 'Bench', :venue, 1, now() + interval '1 year', 'EUR', '{4500}', 3600, 8 FROM generate_series(1, :count)
    RETURNING event_id, partition_id
), shown AS (
    INSERT INTO usher.show (event_id, partition_id, seats_available) SELECT event_id, partition_id, :seats FROM made
)
SELECT max(event_id) FROM made;
ANALYZE usher.event, usher.show;

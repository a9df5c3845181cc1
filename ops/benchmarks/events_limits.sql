-- Events :first to :last with :seats seats each, at a venue of their own; a seat's id is its number.
BEGIN;
INSERT INTO usher.venue (name, city, country, time_zone) VALUES ('Bench', 'Bern', 'CH', 'Europe/Zurich')
RETURNING venue_id AS venue \gset
INSERT INTO usher.layout (venue_id, layout_version, seat_count, categories, sections) VALUES (:venue, 1, :seats, '{All}', '[]');
INSERT INTO usher.layout_seat (venue_id, layout_version, seat, seat_id, section, "row", number)
SELECT :venue, 1, seat, seat, '', '', seat FROM generate_series(0, :seats - 1) AS seat;
INSERT INTO usher.event (event_id, name, venue_id, layout_version, start_time, currency, prices, hold_seconds, seats_per_user)
OVERRIDING SYSTEM VALUE
SELECT event_id, 'Bench', :venue, 1, now() + interval '1 year', 'EUR', '{4500}', 3600, 8
FROM generate_series(:first::bigint, :last) AS event_id;
INSERT INTO usher.show (event_id, partition_id, seats_available)
SELECT event_id, partition_id, :seats FROM usher.event WHERE venue_id = :venue
ON CONFLICT (event_id) DO NOTHING;
COMMIT;
ANALYZE usher.layout_seat, usher.event, usher.show;

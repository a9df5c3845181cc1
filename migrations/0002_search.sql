-- Search of events: PostgreSQL full text, accents folded, typing errors forgiven. What is found, in which order, is said
-- in gateway/search.h.
--
-- usher.event_search has a row an event, kept by a trigger; venues don't change. Words are stored once for each weight:
-- behind the letter A those of name and artists, behind B these and the venue's name and city, behind C these and the
-- description. (PostgreSQL's own weights are not in its index: to tell names from descriptions it would read every row
-- that has the word.) So the index alone decides which events match how well.
--
-- The words of names and places are also known by themselves, in usher.search_word: with these a query that finds
-- nothing is respelled.
--
-- The extensions come with PostgreSQL's server and are trusted: the database's owner may create them. They go to
-- schema public, where an administrator who does not leave that to others creates them beforehand.

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch WITH SCHEMA public;

-- One spelling for what reads alike: compatibility forms, combining and other accents, case, quotation marks, dashes.
-- (unaccent is only STABLE because its file of rules may change; after that: UPDATE usher.event SET name = name.)
CREATE FUNCTION usher.search_fold(given text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(public.unaccent('public.unaccent'::regdictionary,
        normalize(regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]+', '', 'g'), NFKC)));

-- Folded, and punctuation gives way to spaces: the parser of text search would take AC/DC for a file, -182 for a number.
CREATE FUNCTION usher.search_plain(given text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN btrim(regexp_replace(usher.search_fold(given),
        '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g'));

CREATE FUNCTION usher.search_vector(given text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_tsvector('pg_catalog.simple', usher.search_plain(given));

-- Of names: words that punctuation joins are known in one piece as well (ACDC, aha, OBrien).
CREATE FUNCTION usher.search_names(given text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN usher.search_vector(given || ' ' || regexp_replace(given, '(?<=\w)[^\w\s](?=\w)', '', 'g'));

-- Folded words have no capitals: a mark in front of a word is no part of it.
CREATE FUNCTION usher.search_mark(words tsvector, mark text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN regexp_replace(words::text, '(^| )''', '\1''' || mark, 'g')::tsvector;

CREATE FUNCTION usher.search_document(name text, artists text[], venue text, city text, description text)
    RETURNS tsvector LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
DECLARE
    names   tsvector := usher.search_names(name || ' ' || array_to_string(artists, ' '));
    places  tsvector := names || usher.search_names(venue || ' ' || city);
BEGIN
    RETURN usher.search_mark(names, 'A') || usher.search_mark(places, 'B')
        || usher.search_mark(places || usher.search_vector(description), 'C');
END
$$;

CREATE FUNCTION usher.search_letters(word text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT string_agg(letter, '' ORDER BY letter COLLATE "C") FROM string_to_table(word, NULL) AS t(letter));

-- Some may have gone out of use.
CREATE TABLE usher.search_word (
    word     text COLLATE "C" PRIMARY KEY,
    letters  text COLLATE "C" NOT NULL GENERATED ALWAYS AS (usher.search_letters(word)) STORED  -- finds swapped letters
);

CREATE TABLE usher.event_search (
    event_id       bigint PRIMARY KEY REFERENCES usher.event ON DELETE CASCADE,
    start_time     timestamptz NOT NULL,
    on_sale_time   timestamptz,
    sale_end_time  timestamptz,
    state          smallint NOT NULL,
    city           text NOT NULL,  -- folded
    time_zone      text NOT NULL,
    words          tsvector NOT NULL
);

-- Words are added in order, so that two who add the same ones wait for each other one way only.
CREATE FUNCTION usher.event_search_keep() RETURNS trigger LANGUAGE plpgsql
AS $$
BEGIN
    INSERT INTO usher.event_search
    SELECT c.event_id, c.start_time, c.on_sale_time, c.sale_end_time, c.state, usher.search_plain(v.city), v.time_zone,
           usher.search_document(c.name, c.artists, v.name, v.city, c.description)
    FROM changed c JOIN usher.venue v USING (venue_id)
    ON CONFLICT (event_id) DO UPDATE SET
        start_time = excluded.start_time, on_sale_time = excluded.on_sale_time, sale_end_time = excluded.sale_end_time,
        state = excluded.state, city = excluded.city, time_zone = excluded.time_zone, words = excluded.words;

    INSERT INTO usher.search_word (word)
    SELECT DISTINCT w.word
    FROM changed c JOIN usher.venue v USING (venue_id), unnest(tsvector_to_array(
        usher.search_names(concat_ws(' ', c.name, array_to_string(c.artists, ' '), v.name, v.city)))) AS w(word)
    WHERE length(w.word) BETWEEN 3 AND 64 AND w.word !~ '^[0-9]+$'
      AND NOT EXISTS (SELECT FROM usher.search_word known WHERE known.word = w.word)
    ORDER BY w.word
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER event_search_insert AFTER INSERT ON usher.event REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION usher.event_search_keep();
CREATE TRIGGER event_search_update AFTER UPDATE ON usher.event REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION usher.event_search_keep();
UPDATE usher.event SET name = name;

-- Without pending lists, which every search would read from end to end.
CREATE INDEX event_search_by_word ON usher.event_search USING gin (words) WITH (fastupdate = off);
CREATE INDEX event_search_by_start ON usher.event_search (start_time, event_id);
CREATE INDEX event_search_by_city ON usher.event_search (city, start_time, event_id);
CREATE INDEX search_word_by_trigram ON usher.search_word USING gin (word public.gin_trgm_ops) WITH (fastupdate = off);
CREATE INDEX search_word_by_letters ON usher.search_word (letters);

-- A query for words of one mark; what must not occur must not occur anywhere.
CREATE FUNCTION usher.search_mark(query tsquery, mark text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT string_agg(replace(
                       regexp_replace(piece, '''([^'']+)''', '''' || CASE WHEN piece LIKE '!(%' THEN 'C' ELSE mark END || '\1''', 'g'),
                       '!''' || mark, '!''C'), '' ORDER BY place)
            FROM regexp_split_to_table(query::text, '(?=!\()|(?<=\))') WITH ORDINALITY AS t(piece, place))::tsquery;

-- What somebody typed, as websearch_to_tsquery reads it: words, "phrases", -without, or. Dashes inside and behind words
-- are punctuation. NULL: no word is asked for.
CREATE FUNCTION usher.search_query(given text) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    plain  text := regexp_replace(regexp_replace(usher.search_fold(given),
        '[\u0001-\u0021\u0023-\u002c\u002e\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00bf\u2000-\u206f\u3000-\u303f]+', ' ', 'g'),
        '--+|-(?=\s|$)|(?<=\S)-', ' ', 'g');
    query  tsquery := websearch_to_tsquery('pg_catalog.simple', plain);
BEGIN
    RETURN CASE WHEN numnode(query) > 0 AND NOT ''::tsvector @@ query THEN query END;
END
$$;

-- The queries that find what matches best, second best, …: they exclude each other. NULL: no word is asked for (an
-- element: not needed).
--   1  all words in the names
--   2  the same, and the last word may go on, as long as neither a space nor a quotation mark has ended it
--   3  as 2, in names and places; 4  anywhere. Here a single letter does not go on.
CREATE FUNCTION usher.search_classes(given text) RETURNS tsquery[]
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
AS $$
DECLARE
    whole  tsquery := usher.search_query(given);
    typed  tsquery := whole;
    long   tsquery := whole;
BEGIN
    IF given ~ '[^[:space:]"]$' AND whole::text ~ '(^|[^!])''[^'']+''$' THEN
        typed := (whole::text || ':*')::tsquery;
        long := CASE WHEN whole::text ~ '[^'']{2}''$' THEN typed ELSE whole END;
    END IF;
    RETURN CASE WHEN whole IS NOT NULL THEN ARRAY[
        usher.search_mark(whole, 'A'),
        CASE WHEN typed::text <> whole::text THEN usher.search_mark(typed, 'A') && !!usher.search_mark(whole, 'A') END,
        usher.search_mark(long, 'B') && !!usher.search_mark(typed, 'A'),
        usher.search_mark(long, 'C') && !!(usher.search_mark(long, 'B') || usher.search_mark(typed, 'A'))]
    END;
END
$$;

-- The same, the query being spelled with known words, for when it finds nothing as it is: each word looked for, of eight at
-- most and of four letters at least, becomes the words in use with the fewest wrong letters (swapped ones count as one,
-- an unfinished word as one more), at most one in four or five letters, two in up to eight, three in more. Shorter words
-- don't count.
-- NULL: a word has no likeness, nothing is left, or nothing changes.
CREATE FUNCTION usher.search_similar(given text) RETURNS tsquery[]
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET pg_trgm.similarity_threshold = 0.2
AS $$
DECLARE
    spelled    tsquery := usher.search_query(given);
    respelled  tsquery := spelled;
    wrong      text;
    likely     text;
BEGIN
    FOR wrong IN
        SELECT DISTINCT match[1]
        FROM regexp_matches(regexp_replace(respelled::text, '!(\( [^)]*\)|''[^'']*'')', '', 'g'), '''([^'']*)''', 'g') AS t(match)
        WHERE length(match[1]) <= 64 LIMIT 8
    LOOP
        SELECT string_agg(quote_literal(near.word), ' | ') INTO likely
        FROM (
            SELECT known.word, rank() OVER (ORDER BY d.distance) AS place
            FROM usher.search_word known, LATERAL (SELECT least(
                     public.levenshtein(known.word, wrong),
                     public.levenshtein(left(known.word, length(wrong)), wrong) + 1,
                     CASE WHEN known.letters = usher.search_letters(wrong) AND known.word <> wrong THEN 1 END)
                 ) AS d(distance)
            WHERE length(wrong) >= 4
              AND (known.word OPERATOR(public.%) wrong OR known.letters = usher.search_letters(wrong))
              AND d.distance <= CASE WHEN length(wrong) < 6 THEN 1 WHEN length(wrong) < 9 THEN 2 ELSE 3 END
              AND EXISTS (SELECT FROM usher.event_search e WHERE e.words @@ quote_literal('B' || known.word)::tsquery)
        ) near
        WHERE near.place = 1;
        IF likely IS NULL AND length(wrong) >= 4 THEN
            RETURN NULL;
        END IF;
        IF likely IS DISTINCT FROM quote_literal(wrong) THEN
            respelled := ts_rewrite(respelled, quote_literal(wrong)::tsquery, coalesce(likely, '')::tsquery);
        END IF;
    END LOOP;
    RETURN CASE WHEN numnode(respelled) > 0 AND respelled::text <> spelled::text AND NOT ''::tsvector @@ respelled THEN ARRAY[
        usher.search_mark(respelled, 'A'),
        usher.search_mark(respelled, 'B') && !!usher.search_mark(respelled, 'A'),
        usher.search_mark(respelled, 'C') && !!usher.search_mark(respelled, 'B')]
    END;
END
$$;

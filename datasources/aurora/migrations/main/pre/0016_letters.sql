-- Letters of all scripts are compared without regard to case, by whatever locale a server was made.

-- The case of letters is the database's own business only in its default collation, which is C on some servers. This
-- one is the same on all that have any of these, the builtin one of PostgreSQL 17 before ICU's and those of the system.
-- Where there is none, only ASCII letters have a case; `stackflow doctor` says so.
DO $$
DECLARE
    chosen text;
BEGIN
    SELECT format('%I.%I', n.nspname, c.collname) INTO chosen
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
    CROSS JOIN LATERAL (
        SELECT CASE WHEN c.collname = 'pg_c_utf8' THEN 1 WHEN c.collname = 'und-x-icu' THEN 2
                    WHEN c.collname ILIKE 'C.utf%8' THEN 3 WHEN c.collname ILIKE 'en\_US.utf%8' THEN 4 END AS place
    ) AS known
    WHERE c.collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding())) AND known.place IS NOT NULL
          AND n.nspname = 'pg_catalog'
    ORDER BY known.place LIMIT 1;
    EXECUTE 'CREATE COLLATION stackflow_letters FROM ' || coalesce(chosen, 'pg_catalog."C"');
END
$$;

-- Functions of an index bind what they use when they are made (RETURN), since an index is built with no search path.
-- CASE comes first everywhere: a text of ASCII alone, as most are, takes the short way, and inlined at that.

-- A text as it is compared: composed, of one width, in small letters. Letters that differ by case only in some places
-- are one: sigma at the end of a word, sharp s and double s, i with and without its dot.
CREATE FUNCTION folded_letters(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(translate(lower(translate(normalize(given, NFKC), U&'\0130', 'i') COLLATE stackflow_letters),
                         U&'\0131\03C2', U&'i\03C3'), U&'\00DF', 'ss');
CREATE FUNCTION folded(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(given) = length(given) THEN lower(given COLLATE "C") ELSE folded_letters(given) END;

-- A folded text spelled in ASCII for trigrams, which pg_trgm makes of nothing but ASCII under the locale C: marks are
-- taken off; a letter of an alphabet becomes one letter or digit, one of Thai, Chinese, Japanese or Korean three, so
-- that a single one of these is a trigram; signs become spaces. Different texts may be spelled alike: who finds one so
-- compares it again.
CREATE FUNCTION spelled_letters(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT string_agg(CASE
               WHEN code < 128 THEN letter
               WHEN code < 3584 THEN substr('abcdefghijklmnopqrstuvwxyz0123456789', code % 36 + 1, 1)
               ELSE substr('abcdefghijklmnopqrstuvwxyz0123456789', code / 1296 % 36 + 1, 1)
                    || substr('abcdefghijklmnopqrstuvwxyz0123456789', code / 36 % 36 + 1, 1)
                    || substr('abcdefghijklmnopqrstuvwxyz0123456789', code % 36 + 1, 1)
           END, '' ORDER BY place)
    FROM regexp_split_to_table(
             regexp_replace(
                 normalize(regexp_replace(normalize(given, NFD), U&'[\0300-\036F]', '', 'g'), NFC),
                 U&'[\0080-\00A9\00AB-\00B4\00B6-\00B9\00BB-\00BF\00D7\00F7\2000-\206F\2190-\2BFF\3000-\3004\3008-\3020\30FB]',
                 ' ', 'g'),
             '') WITH ORDINALITY AS split (letter, place)
    CROSS JOIN LATERAL (SELECT ascii(letter) AS code) AS point;
END;
CREATE FUNCTION spelled(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(given) = length(given) THEN lower(given COLLATE "C")
            ELSE spelled_letters(folded_letters(given)) END;

-- A folded text for full-text search. Thai, Chinese, Japanese and Korean letters are words of their own, since no space
-- parts words there; several of them in a query are a phrase.
CREATE FUNCTION worded_letters(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(
    regexp_replace(folded_letters(given), U&'[\2000-\206F\2190-\2BFF\3000-\3004\3008-\3020\30FB]', ' ', 'g'),
    U&'([\0E00-\0EFF\1000-\109F\1780-\17FF\3005-\3007\3021-\30FA\30FC-\30FF\3400-\9FFF\AC00-\D7AF\F900-\FAFF\+020000-\+03FFFF])',
    ' \1 ', 'g');
CREATE FUNCTION worded(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(given) = length(given) THEN lower(given COLLATE "C") ELSE worded_letters(given) END;

-- A text as the literal part of a LIKE pattern.
CREATE FUNCTION like_literal(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(given, '([\\%_])', '\\\1', 'g');

-- The column keeps its name: the code before this migration reads it as well. PostgreSQL 16 cannot change the expression
-- in place. Each table is rewritten under a lock, 1,000,000 items in about a minute.
ALTER TABLE teams DROP COLUMN search, ADD COLUMN search tsvector GENERATED ALWAYS AS
    (to_tsvector('simple', worded(key || ' ' || name || ' ' || description))) STORED;
CREATE INDEX teams_search ON teams USING gin (search);
CREATE INDEX teams_spelled ON teams USING gin (spelled(name) gin_trgm_ops);
ALTER TABLE users DROP COLUMN search, ADD COLUMN search tsvector GENERATED ALWAYS AS
    (to_tsvector('simple', worded(key || ' ' || name || ' ' || email))) STORED;
CREATE INDEX users_search ON users USING gin (search);
CREATE INDEX users_spelled ON users USING gin (spelled(name) gin_trgm_ops);
ALTER TABLE configuration_items DROP COLUMN search, ADD COLUMN search tsvector GENERATED ALWAYS AS
    (to_tsvector('simple', worded(name || ' ' || class_key))) STORED;
CREATE INDEX configuration_items_search ON configuration_items USING gin (search);
CREATE INDEX configuration_items_spelled ON configuration_items USING gin (spelled(name) gin_trgm_ops);
ALTER TABLE changes DROP COLUMN search, ADD COLUMN search tsvector GENERATED ALWAYS AS
    (to_tsvector('simple', worded(number)) || to_tsvector('english', worded(title || ' ' || description))) STORED;
CREATE INDEX changes_search ON changes USING gin (search);
CREATE INDEX changes_spelled ON changes USING gin (spelled(title) gin_trgm_ops);
ALTER TABLE incidents DROP COLUMN search, ADD COLUMN search tsvector GENERATED ALWAYS AS
    (to_tsvector('simple', worded(number)) || to_tsvector('english', worded(title || ' ' || description))) STORED;
CREATE INDEX incidents_search ON incidents USING gin (search);
CREATE INDEX incidents_spelled ON incidents USING gin (spelled(title) gin_trgm_ops);
ALTER TABLE documents DROP COLUMN search, ADD COLUMN search tsvector GENERATED ALWAYS AS
    (setweight(to_tsvector('english', worded(title)), 'A')
        || to_tsvector('english', worded(left(body, 200000)))) STORED;
CREATE INDEX documents_search ON documents USING gin (search);
CREATE INDEX documents_spelled ON documents USING gin (spelled(title) gin_trgm_ops);
ALTER TABLE workflows DROP COLUMN search, ADD COLUMN search tsvector GENERATED ALWAYS AS
    (to_tsvector('simple', worded(key)) || to_tsvector('english', worded(name || ' ' || description))) STORED;
CREATE INDEX workflows_search ON workflows USING gin (search);
CREATE INDEX workflows_spelled ON workflows USING gin (spelled(name) gin_trgm_ops);

-- A short name is found by one wrong letter however many long names hold its trigrams: its keys are its spelling and that
-- with each one letter left out, and two names one letter apart (missing, added, changed or swapped) have a key in common.
CREATE FUNCTION near_keys(given text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(spelled(given)) <= 24 THEN ARRAY(
    SELECT spelled(given)
    UNION SELECT left(spelled(given), place - 1) || substr(spelled(given), place + 1)
    FROM generate_series(1, length(spelled(given))) AS letter (place))
    ELSE '{}' END;
CREATE INDEX configuration_items_near ON configuration_items USING gin (near_keys(name)) WHERE length(name) <= 16;

-- Rows whose title is spelled like `asked`, a spelled text, best first, at most `most` of each kind: likeness is half that of the
-- whole title and half that of its best part. Of more than 5,000 candidates of a kind the first found are ranked.
-- `similar_rows`, which the code before this migration calls, says why it is a function with settings.
-- Loads pg_trgm: an owner who is no superuser, as none is on RDS, may give a function no setting of an extension that
-- his session does not know yet.
DO $$ BEGIN PERFORM show_limit(); END $$;

CREATE FUNCTION spelled_alike(asked text, kinds text[], sees_restricted boolean, team_keys text[], most integer)
RETURNS TABLE (kind text, id uuid, title text, alike real)
LANGUAGE sql STABLE ROWS 100
SET pg_trgm.word_similarity_threshold = 0.4
SET enable_seqscan = off
AS $$
WITH like_configuration_items AS MATERIALIZED (
    SELECT c.id, c.name AS title FROM configuration_items c
    WHERE 'CONFIGURATION_ITEM' = ANY(kinds) AND spelled(c.name) %> asked),
like_incidents AS MATERIALIZED (
    SELECT i.id, i.title AS title FROM incidents i
    WHERE 'INCIDENT' = ANY(kinds) AND spelled(i.title) %> asked
       AND (sees_restricted OR i.restricted_team_id IS NULL
            OR i.restricted_team_id IN (SELECT t.id FROM teams t WHERE t.key = ANY(team_keys)))),
like_changes AS MATERIALIZED (
    SELECT h.id, h.title AS title FROM changes h
    WHERE 'CHANGE' = ANY(kinds) AND spelled(h.title) %> asked),
like_documents AS MATERIALIZED (
    SELECT d.id, d.title AS title FROM documents d
    WHERE 'DOCUMENT' = ANY(kinds) AND spelled(d.title) %> asked),
like_workflows AS MATERIALIZED (
    SELECT w.id, w.name AS title FROM workflows w
    WHERE 'WORKFLOW' = ANY(kinds) AND spelled(w.name) %> asked
       AND NOT EXISTS (
           SELECT 1 FROM workflows n
           WHERE n.key = w.key AND (n.state = 'PUBLISHED', n.revision) > (w.state = 'PUBLISHED', w.revision))),
like_teams AS MATERIALIZED (
    SELECT t.id, t.name AS title FROM teams t
    WHERE 'TEAM' = ANY(kinds) AND spelled(t.name) %> asked),
like_users AS MATERIALIZED (
    SELECT u.id, u.name AS title FROM users u
    WHERE 'USER' = ANY(kinds) AND spelled(u.name) %> asked)
(SELECT 'CONFIGURATION_ITEM', x.id, x.title, (word_similarity(asked, spelled(x.title)) + similarity(asked, spelled(x.title))) / 2
 FROM (SELECT * FROM like_configuration_items LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'INCIDENT', x.id, x.title, (word_similarity(asked, spelled(x.title)) + similarity(asked, spelled(x.title))) / 2
 FROM (SELECT * FROM like_incidents LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'CHANGE', x.id, x.title, (word_similarity(asked, spelled(x.title)) + similarity(asked, spelled(x.title))) / 2
 FROM (SELECT * FROM like_changes LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'DOCUMENT', x.id, x.title, (word_similarity(asked, spelled(x.title)) + similarity(asked, spelled(x.title))) / 2
 FROM (SELECT * FROM like_documents LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'WORKFLOW', x.id, x.title, (word_similarity(asked, spelled(x.title)) + similarity(asked, spelled(x.title))) / 2
 FROM (SELECT * FROM like_workflows LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'TEAM', x.id, x.title, (word_similarity(asked, spelled(x.title)) + similarity(asked, spelled(x.title))) / 2
 FROM (SELECT * FROM like_teams LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'USER', x.id, x.title, (word_similarity(asked, spelled(x.title)) + similarity(asked, spelled(x.title))) / 2
 FROM (SELECT * FROM like_users LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
$$;

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
ALTER TABLE requirements DROP COLUMN search, ADD COLUMN search tsvector GENERATED ALWAYS AS
    (to_tsvector('simple', worded(key)) || to_tsvector('english', worded(title || ' ' || description))) STORED;
CREATE INDEX requirements_search ON requirements USING gin (search);
CREATE INDEX requirements_spelled ON requirements USING gin (spelled(title) gin_trgm_ops);

-- What `spelled_alike` of the main database is for its titles.
-- Loads pg_trgm: an owner who is no superuser, as none is on RDS, may give a function no setting of an extension that
-- his session does not know yet.
DO $$ BEGIN PERFORM show_limit(); END $$;

CREATE FUNCTION spelled_alike(asked text, most integer)
RETURNS TABLE (id uuid, title text, alike real)
LANGUAGE sql STABLE ROWS 100
SET pg_trgm.word_similarity_threshold = 0.4
SET enable_seqscan = off
AS $$
WITH candidates AS MATERIALIZED (SELECT r.id, r.title FROM requirements r WHERE spelled(r.title) %> asked)
SELECT x.id, x.title, (word_similarity(asked, spelled(x.title)) + similarity(asked, spelled(x.title))) / 2
FROM (SELECT * FROM candidates LIMIT 5000) x ORDER BY 3 DESC, x.id LIMIT most
$$;

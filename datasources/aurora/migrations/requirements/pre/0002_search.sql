-- What the search for requirements stands on; `similar_rows` of the main database says why it is a function.
-- Loads pg_trgm: an owner who is no superuser, as none is on RDS, may give a function no setting of an extension that
-- his session does not know yet.
DO $$ BEGIN PERFORM show_limit(); END $$;

CREATE FUNCTION similar_requirements(asked text, most integer)
RETURNS TABLE (id uuid, title text, alike real)
LANGUAGE sql STABLE ROWS 100
SET pg_trgm.word_similarity_threshold = 0.4
SET enable_seqscan = off
AS $$
WITH candidates AS MATERIALIZED (SELECT r.id, r.title FROM requirements r WHERE r.title %> asked)
SELECT x.id, x.title, word_similarity(asked, x.title)
FROM (SELECT * FROM candidates LIMIT 5000) x ORDER BY 3 DESC, x.id LIMIT most
$$;

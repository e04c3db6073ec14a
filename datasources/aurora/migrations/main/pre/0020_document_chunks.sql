-- Chunks of documents and the weights of their terms, for retrieval, and the team that alone may read a document.

ALTER TABLE documents
    ADD COLUMN team_id uuid REFERENCES teams (id),
    ADD COLUMN restricted_team_id uuid REFERENCES teams (id);
-- By hash, since an entry of a B-tree is too short for some titles.
CREATE INDEX documents_by_folded_title ON documents USING hash (folded(title));
CREATE INDEX documents_by_folded_key ON documents USING hash (folded(key));

-- A part of a document that is retrieved and cited as a whole. Lines count from 1 in the body of the document.
CREATE TABLE document_chunks (
    id uuid PRIMARY KEY,
    document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    position integer NOT NULL,
    -- The headings above it, from the title of the document down, joined by ' > '.
    heading text NOT NULL,
    body text NOT NULL,
    first_line integer NOT NULL,
    last_line integer NOT NULL,
    -- SHA-256 of heading and body, in hexadecimal digits.
    content_hash text NOT NULL,
    -- The sum of the weights of its terms.
    length real NOT NULL,
    UNIQUE (document_id, position)
);

-- The postings of BM25: how often a term occurs in a chunk, twice as much in titles and headings.
CREATE TABLE document_chunk_terms (
    term text NOT NULL,
    chunk_id uuid NOT NULL REFERENCES document_chunks (id) ON DELETE CASCADE,
    weight real NOT NULL,
    PRIMARY KEY (term, chunk_id)
);
CREATE INDEX document_chunk_terms_by_chunk ON document_chunk_terms (chunk_id);

-- Which version of a document its chunks were made from, by which rules, and by which model they were embedded, empty
-- for none. A document without a row waits.
CREATE TABLE document_indexes (
    document_id uuid PRIMARY KEY REFERENCES documents (id) ON DELETE CASCADE,
    document_version integer NOT NULL,
    chunking text NOT NULL,
    model text NOT NULL
);

-- The words of a text for retrieval: those of identifiers such as PatroniLagTooHigh and redis_sentinel-01 part by part.
CREATE FUNCTION retrieval_words(given text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN worded(regexp_replace(
    regexp_replace(given, '([[:lower:][:digit:]])([[:upper:]])', '\1 \2', 'g'), '[_./:-]+', ' ', 'g'));

-- The terms of a chunk with their weights; the title of its document is part of its heading. A chunk of one endless
-- line is read up to the same length as the body of a document in search, since a search vector has a limit.
CREATE FUNCTION chunk_terms(heading text, body text) RETURNS TABLE (term text, weight real)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 50
BEGIN ATOMIC
    SELECT found.lexeme, sum(found.weight)::real
    FROM (
        SELECT h.lexeme, 2 * cardinality(h.positions) AS weight
        FROM unnest(to_tsvector('english', retrieval_words(heading))) h
        UNION ALL
        SELECT b.lexeme, cardinality(b.positions) FROM unnest(to_tsvector('english', retrieval_words(left(body, 200000)))) b
    ) found
    GROUP BY found.lexeme;
END;

-- As before, without the documents that are restricted to other teams than these. Loads pg_trgm first: an owner who is no
-- superuser, as none is on RDS, may give a function no setting of an extension that his session does not know yet.
DO $$ BEGIN PERFORM show_limit(); END $$;

CREATE OR REPLACE FUNCTION spelled_alike(asked text, kinds text[], sees_restricted boolean, team_keys text[], most integer)
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
    WHERE 'DOCUMENT' = ANY(kinds) AND spelled(d.title) %> asked
       AND (sees_restricted OR d.restricted_team_id IS NULL
            OR d.restricted_team_id IN (SELECT t.id FROM teams t WHERE t.key = ANY(team_keys)))),
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

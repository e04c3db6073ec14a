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

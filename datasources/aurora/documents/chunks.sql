-- name: chunks_by_ids
-- Chunks by id that are visible to the caller, in no order.
SELECT c.id, c.document_id, c.position, c.heading, c.body, c.first_line, c.last_line, c.content_hash
FROM document_chunks c JOIN documents d ON d.id = c.document_id
WHERE c.id = ANY(%(ids)s::uuid[])
  AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
       OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])));

-- name: chunks_by_texts
-- For each text, by its number, the visible chunks that have a term of it, best first by BM25 (Robertson and Zaragoza
-- 2009; k1 = 1.2, b = 0.75), of all kinds of documents or of one. Numbers and lengths are those of visible chunks, so
-- that a hidden one changes neither a score nor an order.
WITH asked AS MATERIALIZED (
    SELECT x.n, a.lexeme AS term
    FROM unnest(%(texts)s::text[]) WITH ORDINALITY x (text, n)
    CROSS JOIN LATERAL unnest(to_tsvector('english', retrieval_words(x.text))) a),
corpus AS MATERIALIZED (
    SELECT count(*)::float8 AS chunks, coalesce(avg(c.length), 1)::float8 AS mean_length
    FROM document_chunks c JOIN documents d ON d.id = c.document_id
    WHERE %(sees_restricted)s OR d.restricted_team_id IS NULL
          OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[]))),
-- Once for all texts.
found AS MATERIALIZED (
    SELECT t.term, t.weight, c.id, c.document_id, c.position, c.length, d.kind
    FROM (SELECT DISTINCT a.term FROM asked a) a
    -- OFFSET keeps this a search in the index for each term, whatever number of terms the planner expects.
    CROSS JOIN LATERAL (SELECT * FROM document_chunk_terms x WHERE x.term = a.term OFFSET 0) t
    JOIN document_chunks c ON c.id = t.chunk_id
    JOIN documents d ON d.id = c.document_id
    WHERE %(sees_restricted)s OR d.restricted_team_id IS NULL
          OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[]))),
frequencies AS MATERIALIZED (
    SELECT f.term, ln(1 + (corpus.chunks - count(*) + 0.5) / (count(*) + 0.5)::float8) AS weight
    FROM found f CROSS JOIN corpus
    GROUP BY f.term, corpus.chunks),
-- In whole billionths, so that a sum does not depend on its order and equal chunks have equal scores.
postings AS MATERIALIZED (
    SELECT f.term, f.id, f.document_id, f.position,
           (1e9 * w.weight * f.weight * 2.2 / (f.weight + 1.2 * (0.25 + 0.75 * f.length / corpus.mean_length)))::bigint
               AS score
    FROM found f JOIN frequencies w ON w.term = f.term CROSS JOIN corpus
    WHERE %(kind)s::text IS NULL OR f.kind = %(kind)s),
scores AS (
    SELECT a.n, p.id, p.document_id, p.position, sum(p.score) AS score
    FROM asked a JOIN postings p ON p.term = a.term
    GROUP BY a.n, p.id, p.document_id, p.position),
ranks AS (
    SELECT s.*, row_number() OVER (PARTITION BY s.n ORDER BY s.score DESC, s.document_id, s.position) AS place
    FROM scores s)
SELECT r.n AS lookup_key, r.id AS chunk_id, r.document_id, r.position, (r.score / 1e9)::float8 AS score
FROM ranks r
WHERE r.place <= %(limit)s
ORDER BY r.n, r.place;

-- name: chunks_by_names
-- The first chunk of each visible document whose title or key equals a name, whatever the case of letters, by name, of
-- all kinds of documents or of one.
SELECT k.name AS lookup_key, c.id AS chunk_id, c.document_id, c.position, 0::float8 AS score
FROM unnest(%(names)s::text[]) k (name)
JOIN documents d ON folded(d.title) = folded(k.name) OR folded(d.key) = folded(k.name)
JOIN document_chunks c ON c.document_id = d.id AND c.position = 0
WHERE (%(kind)s::text IS NULL OR d.kind = %(kind)s)
  AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
       OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
ORDER BY k.name, c.document_id;

-- name: terms_by_texts
-- The terms of the first 20,000 characters of each text, as those of chunks are made, in the order of the texts.
SELECT tsvector_to_array(to_tsvector('english', retrieval_words(left(x.text, 20000)))) AS terms
FROM unnest(%(texts)s::text[]) WITH ORDINALITY x (text, n)
ORDER BY x.n;

-- name: term_weights_by_texts
-- The weight of each term of each text, by the number of the text: its inverse frequency among visible chunks.
WITH visible AS MATERIALIZED (
    SELECT c.id FROM document_chunks c JOIN documents d ON d.id = c.document_id
    WHERE %(sees_restricted)s OR d.restricted_team_id IS NULL
          OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
SELECT x.n AS lookup_key, a.lexeme AS term,
       ln(1 + ((SELECT count(*) FROM visible) - f.chunks + 0.5) / (f.chunks + 0.5)::float8)::float8 AS weight
FROM unnest(%(texts)s::text[]) WITH ORDINALITY x (text, n)
CROSS JOIN LATERAL unnest(to_tsvector('english', retrieval_words(x.text))) a
CROSS JOIN LATERAL (
    SELECT count(*) AS chunks FROM document_chunk_terms t JOIN visible v ON v.id = t.chunk_id
    WHERE t.term = a.lexeme) f
ORDER BY x.n, a.lexeme;

-- name: documents_with_chunks_count
-- The number of visible documents that retrieval searches.
SELECT count(*)
FROM document_indexes x JOIN documents d ON d.id = x.document_id
WHERE %(sees_restricted)s OR d.restricted_team_id IS NULL
      OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[]));

-- name: documents_stale
-- Documents whose chunks are missing, or were made from another version, by other rules or, unless null, another model,
-- or whose names were found by other rules.
SELECT d.id, d.title, d.body, d.version
FROM documents d LEFT JOIN document_indexes x ON x.document_id = d.id
WHERE x.document_id IS NULL OR x.document_version <> d.version OR x.chunking <> %(chunking)s
      OR x.naming <> %(naming)s
      OR x.model <> %(model)s::text
ORDER BY d.id
LIMIT %(limit)s;

-- name: documents_stale_count
-- The number of those documents.
SELECT count(*)
FROM documents d LEFT JOIN document_indexes x ON x.document_id = d.id
WHERE x.document_id IS NULL OR x.document_version <> d.version OR x.chunking <> %(chunking)s
      OR x.naming <> %(naming)s
      OR x.model <> %(model)s::text;

-- name: document_index
-- The id of a document if its chunks were made from this version by these rules and, unless null, this model.
SELECT x.document_id FROM document_indexes x
WHERE x.document_id = %(document_id)s::uuid AND x.document_version = %(version)s AND x.chunking = %(chunking)s
      AND x.naming = %(naming)s
      AND (%(model)s::text IS NULL OR x.model = %(model)s);

-- name: document_lock
-- The version of a document, which no one changes until the transaction ends.
SELECT d.version FROM documents d WHERE d.id = %(id)s::uuid FOR UPDATE;

-- name: chunks_delete
-- Delete the chunks of a document with their terms.
DELETE FROM document_chunks WHERE document_id = %(document_id)s::uuid;

-- name: chunks_insert
-- Insert the chunks of a document and their terms.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::uuid[], %(positions)s::int[], %(headings)s::text[], %(bodies)s::text[],
                         %(first_lines)s::int[], %(last_lines)s::int[], %(content_hashes)s::text[])
         AS g (id, position, heading, body, first_line, last_line, content_hash)),
terms AS MATERIALIZED (
    SELECT g.id AS chunk_id, t.term, t.weight FROM given g CROSS JOIN LATERAL chunk_terms(g.heading, g.body) t),
chunks AS (
    INSERT INTO document_chunks
        (id, document_id, position, heading, body, first_line, last_line, content_hash, length)
    SELECT g.id, %(document_id)s::uuid, g.position, g.heading, g.body, g.first_line, g.last_line, g.content_hash,
           coalesce((SELECT sum(t.weight) FROM terms t WHERE t.chunk_id = g.id), 0)
    FROM given g
    RETURNING id)
INSERT INTO document_chunk_terms (term, chunk_id, weight)
SELECT t.term, t.chunk_id, t.weight FROM terms t JOIN chunks c ON c.id = t.chunk_id;

-- name: document_index_set
-- Record from which version of a document its chunks were made, and by which rules.
INSERT INTO document_indexes (document_id, document_version, chunking, naming, model)
VALUES (%(document_id)s::uuid, %(version)s, %(chunking)s, %(naming)s, coalesce(%(model)s, ''))
ON CONFLICT (document_id) DO UPDATE
    SET document_version = excluded.document_version, chunking = excluded.chunking, naming = excluded.naming,
        model = excluded.model;

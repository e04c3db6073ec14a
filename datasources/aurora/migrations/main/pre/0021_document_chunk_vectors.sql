-- Embeddings of chunks, and their comparison with that of a question.

-- pgvector compares 13 times as fast as plain SQL. Where it is not installed, or the owner may not create it, an
-- administrator can create it at any time: CREATE EXTENSION vector.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'the extension vector is not created: %', SQLERRM;
END
$$;

-- One embedding of a chunk by one model; those of different models are never compared. Vectors have the length 1.
CREATE TABLE document_chunk_vectors (
    chunk_id uuid NOT NULL REFERENCES document_chunks (id) ON DELETE CASCADE,
    model text NOT NULL,
    embedding real[] NOT NULL,
    PRIMARY KEY (chunk_id, model)
);

-- The visible chunks that are most similar to `asked`, a vector of the length 1, of documents of one kind or of all
-- (null), at most `most`, best first. The score is the cosine, from -1 to 1. An exact search: it reads all vectors of the
-- model.
CREATE FUNCTION chunks_by_vector(
    asked real[], asked_model text, asked_kind text, sees_restricted boolean, team_keys text[], most integer)
RETURNS TABLE (chunk_id uuid, document_id uuid, "position" integer, score double precision)
LANGUAGE plpgsql STABLE ROWS 100
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT c.id, c.document_id, c.position, %s AS score
         FROM document_chunk_vectors v
         JOIN document_chunks c ON c.id = v.chunk_id
         JOIN documents d ON d.id = c.document_id
         WHERE v.model = $2 AND cardinality(v.embedding) = cardinality($1) AND ($3 IS NULL OR d.kind = $3)
               AND ($4 OR d.restricted_team_id IS NULL
                    OR d.restricted_team_id IN (SELECT t.id FROM teams t WHERE t.key = ANY($5)))
         ORDER BY 4 DESC, c.document_id, c.position LIMIT $6',
        CASE WHEN to_regtype('vector') IS NULL
             THEN '(SELECT sum(x * y)::float8 FROM unnest(v.embedding, $1) AS pairs (x, y))'
             ELSE '-(v.embedding::vector <#> $1::vector)' END)
        USING asked, asked_model, asked_kind, sees_restricted, team_keys, most;
END
$$;

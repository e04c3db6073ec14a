-- Answers that were given, and answers that may be given again.

-- The proof of an answer: its sentences with their sources, an array of {"text", "citations"}. Only its actor reads it.
CREATE TABLE answers (
    id uuid PRIMARY KEY,
    actor text NOT NULL,
    sentences jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX answers_created_at ON answers (created_at);

-- An answer that may be given to an equal question of callers who see the same. `partition` is the hash of all else that
-- an answer depends on: what the caller may read, items, prompt, model and locale. `canonical` is the question in its
-- canonical form. The answer is stale when a cited chunk or item is another than it was.
CREATE TABLE cached_answers (
    id uuid PRIMARY KEY,
    partition text NOT NULL,
    canonical text NOT NULL,
    model text,
    embedding real[],
    value text NOT NULL,
    chunk_ids uuid[] NOT NULL,
    content_hashes text[] NOT NULL,
    item_ids uuid[] NOT NULL,
    item_versions integer[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    UNIQUE (partition, canonical),
    CHECK (cardinality(chunk_ids) = cardinality(content_hashes)),
    CHECK (cardinality(item_ids) = cardinality(item_versions)),
    CHECK ((model IS NULL) = (embedding IS NULL))
);
CREATE INDEX cached_answers_expires_at ON cached_answers (expires_at);

-- The cached answers of a partition whose questions are most similar to `asked`, a vector of the length 1, at least
-- `min_similarity` and at most `most`, best first. An exact search: it reads all vectors of the partition.
CREATE FUNCTION cached_answers_by_vector(
    asked real[], asked_model text, asked_partition text, min_similarity double precision, most integer)
RETURNS TABLE (id uuid, similarity double precision)
LANGUAGE plpgsql STABLE ROWS 5
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT s.id, s.similarity FROM (
             SELECT a.id, %s AS similarity FROM cached_answers a
             WHERE a.partition = $3 AND a.model = $2 AND cardinality(a.embedding) = cardinality($1)
                   AND a.expires_at > now()) s
         WHERE s.similarity >= $4 ORDER BY s.similarity DESC, s.id LIMIT $5',
        CASE WHEN to_regtype('vector') IS NULL
             THEN '(SELECT sum(x * y)::float8 FROM unnest(a.embedding, $1) AS pairs (x, y))'
             ELSE '-(a.embedding::vector <#> $1::vector)' END)
        USING asked, asked_model, asked_partition, min_similarity, most;
END
$$;

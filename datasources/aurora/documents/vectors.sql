-- name: chunks_by_vectors
-- For each embedding, by its number, the most similar visible chunks, best first, of all kinds of documents or of one.
SELECT x.n AS lookup_key, best.chunk_id, best.document_id, best.position, best.score
FROM unnest(%(embeddings)s::text[]) WITH ORDINALITY x (embedding, n)
CROSS JOIN LATERAL chunks_by_vector(
    string_to_array(x.embedding, ',')::real[], %(model)s, %(kind)s, %(sees_restricted)s, %(team_keys)s::text[],
    %(limit)s) best
ORDER BY x.n, best.score DESC, best.document_id, best.position;

-- name: vectors_insert
-- Insert embeddings of chunks by a model.
INSERT INTO document_chunk_vectors (chunk_id, model, embedding)
SELECT g.id, %(model)s, string_to_array(g.embedding, ',')::real[]
FROM unnest(%(ids)s::uuid[], %(embeddings)s::text[]) g (id, embedding);

-- name: chunks_by_vector
-- The visible chunks that are most similar to an embedding, best first, by their cosine.
SELECT c.chunk_id, c.document_id, c.score
FROM chunks_by_vector(%(embedding)s::real[], %(model)s, %(sees_restricted)s, %(team_keys)s::text[], %(limit)s) c;

-- name: chunks_without_vector
-- Chunks that have no embedding by a model, in no order.
SELECT c.id, c.heading, c.body
FROM document_chunks c
WHERE NOT EXISTS (SELECT FROM document_chunk_vectors v WHERE v.chunk_id = c.id AND v.model = %(model)s)
LIMIT %(limit)s;

-- name: vectors_insert
-- Insert embeddings by a model. One of a chunk that was deleted meanwhile, or that has one by now, is left out.
INSERT INTO document_chunk_vectors (chunk_id, model, embedding)
SELECT c.id, %(model)s, string_to_array(g.embedding, ',')::real[]
FROM unnest(%(ids)s::uuid[], %(embeddings)s::text[]) g (id, embedding)
JOIN document_chunks c ON c.id = g.id
FOR KEY SHARE OF c
ON CONFLICT DO NOTHING;

-- name: vectors_delete_others
-- Delete the embeddings by all models but one.
DELETE FROM document_chunk_vectors WHERE model <> %(model)s;

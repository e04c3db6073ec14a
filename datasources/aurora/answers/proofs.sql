-- name: answer_insert
-- Store an answer with its sources.
INSERT INTO answers (id, actor, sentences) VALUES (%(id)s, %(actor)s, %(sentences)s::jsonb);

-- name: answer_by_id
-- The sentences of an answer that was given to an actor, as JSON text.
SELECT a.sentences::text FROM answers a WHERE a.id = %(id)s::uuid AND a.actor = %(actor)s;

-- name: answers_purge
-- Delete answers that are older than so many days, at most so many.
DELETE FROM answers WHERE id IN (
    SELECT id FROM answers WHERE created_at < now() - %(age)s * interval '1 day'
    ORDER BY created_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING true;

-- name: chunks_by_documents
-- All chunks of documents that are visible to the caller, by document and position.
SELECT c.document_id AS lookup_key, c.id, c.document_id, c.position, c.heading, c.body, c.first_line, c.last_line,
       c.content_hash
FROM document_chunks c JOIN documents d ON d.id = c.document_id
WHERE c.document_id = ANY(%(keys)s::uuid[])
  AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
       OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
ORDER BY c.document_id, c.position;

-- name: relationship_ids_by_impacts
-- The relationships by which an impact reaches one item from another directly, by the number of the pair.
SELECT x.n AS lookup_key, r.id AS value
FROM unnest(%(from_ids)s::uuid[], %(to_ids)s::uuid[]) WITH ORDINALITY x (from_id, to_id, n)
JOIN relationships r ON r.impact_from_id = x.from_id AND r.impact_to_id = x.to_id
ORDER BY x.n, r.id;

-- name: cached_answers_by_question
-- The answer of a partition to a canonical question, then those to similar questions, best first; whether each is
-- fresh: all cited chunks are visible and, like all items, the same as when it was stored.
WITH candidates AS MATERIALIZED (
    SELECT a.id, 2::float8 AS similarity FROM cached_answers a
    WHERE a.partition = %(partition)s AND a.canonical = %(canonical)s AND a.expires_at > now()
    UNION ALL
    SELECT s.id, s.similarity
    FROM cached_answers_by_vector(
        string_to_array(%(embedding)s::text, ',')::real[], %(model)s::text, %(partition)s, %(least)s, %(limit)s) s
    WHERE %(embedding)s::text IS NOT NULL),
best AS (SELECT c.id, max(c.similarity) AS similarity FROM candidates c GROUP BY c.id)
SELECT a.id, a.canonical, a.value,
       NOT EXISTS (
           SELECT FROM unnest(a.chunk_ids, a.content_hashes) AS cited (id, content_hash)
           WHERE NOT EXISTS (
               SELECT FROM document_chunks c JOIN documents d ON d.id = c.document_id
               WHERE c.id = cited.id AND c.content_hash = cited.content_hash
                     AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
                          OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))))
       AND NOT EXISTS (
           SELECT FROM unnest(a.item_ids, a.item_versions) AS cited (id, version)
           WHERE NOT EXISTS (
               SELECT FROM configuration_items i WHERE i.id = cited.id AND i.version = cited.version)) AS is_fresh
FROM best b JOIN cached_answers a ON a.id = b.id
ORDER BY b.similarity DESC, a.id;

-- name: cached_answer_store
-- Store an answer, in place of an earlier one to the same question.
INSERT INTO cached_answers
    (id, partition, canonical, model, embedding, value, chunk_ids, content_hashes, item_ids, item_versions, expires_at)
VALUES (%(id)s, %(partition)s, %(canonical)s, %(model)s::text, string_to_array(%(embedding)s::text, ',')::real[],
        %(value)s, %(chunk_ids)s::uuid[], %(content_hashes)s::text[], %(item_ids)s::uuid[], %(item_versions)s::int[],
        now() + %(hours)s * interval '1 hour')
ON CONFLICT (partition, canonical) DO UPDATE SET
    id = excluded.id, model = excluded.model, embedding = excluded.embedding, value = excluded.value,
    chunk_ids = excluded.chunk_ids, content_hashes = excluded.content_hashes, item_ids = excluded.item_ids,
    item_versions = excluded.item_versions, created_at = now(), expires_at = excluded.expires_at;

-- name: cached_answer_delete
-- Delete an answer of the cache.
DELETE FROM cached_answers WHERE id = %(id)s;

-- name: cached_answers_purge
-- Delete answers of the cache that expired so many hours ago, at most so many.
DELETE FROM cached_answers WHERE id IN (
    SELECT id FROM cached_answers WHERE expires_at < now() - %(age)s * interval '1 hour'
    ORDER BY expires_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING true;

-- name: publications_locked
-- Become the only publisher until this transaction ends, if there is none. Does not wait.
SELECT pg_try_advisory_xact_lock(hashtextextended('stackflow knowledge base', 0));

-- name: publications_bounded
-- Let the server end this transaction, and so release the lock, after its client is silent for so many milliseconds.
SELECT set_config('idle_in_transaction_session_timeout', %(milliseconds)s, true);

-- name: publications_begin
-- Record of at most so many new chunks, oldest first, that they may have objects from now on.
INSERT INTO published_chunks (chunk_id, document_id)
SELECT c.id, c.document_id FROM document_chunks c
WHERE NOT EXISTS (SELECT 1 FROM published_chunks p WHERE p.chunk_id = c.id)
ORDER BY c.id
LIMIT %(limit)s
ON CONFLICT DO NOTHING;

-- name: publications_due
-- Chunks whose objects are not what the tables say, with what they must be: of those that have not failed after
-- `failed_until`, first those that failed longest ago or never, of these first those that are in the bucket.
WITH due AS MATERIALIZED (
    SELECT p.chunk_id, p.failed_at, true AS is_written
    FROM documents d
    LEFT JOIN teams t ON t.id = d.restricted_team_id
    -- Once for each document: a join with all links at once takes minutes while a table has no statistics.
    CROSS JOIN LATERAL (
        SELECT coalesce((array_agg(x.configuration_item_id ORDER BY x.configuration_item_id))[1:%(max_items)s], '{}')
                   AS item_ids
        FROM document_configuration_items x WHERE x.document_id = d.id) l
    JOIN published_chunks p ON p.document_id = d.id
    WHERE p.item_ids IS NOT NULL AND (p.item_ids <> l.item_ids OR p.restricted_team IS DISTINCT FROM t.key)
      AND p.failed_at <= %(failed_until)s::timestamptz
      -- Obsolete ones, which may be refused for long, must not fill the limit.
      AND EXISTS (SELECT 1 FROM document_chunks c WHERE c.id = p.chunk_id)
    ORDER BY p.failed_at, p.chunk_id
    LIMIT %(limit)s),
found AS MATERIALIZED (
    SELECT * FROM due
    UNION ALL
    (SELECT p.chunk_id, p.failed_at, false FROM published_chunks p
     WHERE p.item_ids IS NULL AND p.failed_at <= %(failed_until)s::timestamptz
       AND EXISTS (SELECT 1 FROM document_chunks c WHERE c.id = p.chunk_id)
     ORDER BY p.failed_at, p.chunk_id
     LIMIT %(limit)s))
SELECT c.id AS chunk_id, c.document_id, c.heading, c.body, c.content_hash, t.key AS restricted_team,
       ARRAY(SELECT x.configuration_item_id::text FROM document_configuration_items x WHERE x.document_id = d.id
             ORDER BY x.configuration_item_id LIMIT %(max_items)s) AS item_ids,
       f.is_written
FROM found f
JOIN document_chunks c ON c.id = f.chunk_id
JOIN documents d ON d.id = c.document_id
LEFT JOIN teams t ON t.id = d.restricted_team_id
ORDER BY f.failed_at, f.is_written DESC, c.id
LIMIT %(limit)s;

-- name: publications_obsolete
-- At most so many publications whose chunks are deleted, of those that have not failed after `failed_until`, first
-- those that failed longest ago or never.
SELECT p.chunk_id, p.document_id FROM published_chunks p
WHERE NOT EXISTS (SELECT 1 FROM document_chunks c WHERE c.id = p.chunk_id)
  AND p.failed_at <= %(failed_until)s::timestamptz
ORDER BY p.failed_at, p.chunk_id
LIMIT %(limit)s;

-- name: publications_count
-- The number of chunks whose objects must be written or deleted.
SELECT (SELECT count(*) FROM document_chunks c LEFT JOIN published_chunks p ON p.chunk_id = c.id
        WHERE p.item_ids IS NULL)
     + (SELECT count(*) FROM published_chunks p
        WHERE NOT EXISTS (SELECT 1 FROM document_chunks c WHERE c.id = p.chunk_id))
     + (SELECT count(*)
        FROM documents d
        LEFT JOIN teams t ON t.id = d.restricted_team_id
        CROSS JOIN LATERAL (
            SELECT coalesce(
                       (array_agg(x.configuration_item_id ORDER BY x.configuration_item_id))[1:%(max_items)s], '{}')
                       AS item_ids
            FROM document_configuration_items x WHERE x.document_id = d.id) l
        JOIN published_chunks p ON p.document_id = d.id
        WHERE p.item_ids IS NOT NULL AND (p.item_ids <> l.item_ids OR p.restricted_team IS DISTINCT FROM t.key)
              AND EXISTS (SELECT 1 FROM document_chunks c WHERE c.id = p.chunk_id));

-- name: publications_written
-- Record what the metadata in the bucket says. Items are separated by commas.
UPDATE published_chunks p
SET restricted_team = g.team, item_ids = string_to_array(g.items, ',')::uuid[], failed_at = '-infinity'
FROM unnest(%(ids)s::uuid[], %(teams)s::text[], %(items)s::text[]) AS g (id, team, items)
WHERE p.chunk_id = g.id;

-- name: publications_failed
-- Record that objects of these chunks could not be written or deleted now.
UPDATE published_chunks SET failed_at = clock_timestamp() WHERE chunk_id = ANY(%(ids)s::uuid[]);

-- name: publications_delete
-- Delete publications whose objects are deleted.
DELETE FROM published_chunks WHERE chunk_id = ANY(%(ids)s::uuid[]);

-- name: publications_reset
-- Let the objects of all chunks be written again.
UPDATE published_chunks SET item_ids = NULL WHERE item_ids IS NOT NULL;

-- name: ingestion_request
-- Record that objects have changed.
UPDATE knowledge_ingestions SET pending = true WHERE NOT pending;

-- name: ingestion_try
-- Record that an ingestion is started now, if objects have changed and the last try is at least so many seconds old.
UPDATE knowledge_ingestions SET tried_at = clock_timestamp()
WHERE pending AND tried_at <= clock_timestamp() - make_interval(secs => %(seconds)s)
RETURNING pending;

-- name: ingestion_started
-- Record that an ingestion reads what has changed so far.
UPDATE knowledge_ingestions SET pending = false;

-- name: queue_locked
-- Serialize senders and receivers that settle on one queue, so that positions become visible in order.
SELECT true FROM pg_advisory_xact_lock(hashtextextended('stackflow queue ' || %(queue)s, 0));

-- name: queue_forgotten
-- Delete deduplication ids that are too old to matter.
DELETE FROM queue_deduplication WHERE queue = %(queue)s AND sent_at < now() - %(seconds)s * interval '1 second';

-- name: queue_sent
-- Insert messages in the given order, except those whose deduplication id was sent before.
WITH given AS (
    SELECT DISTINCT ON (g.deduplication_id) g.*
    FROM unnest(%(ids)s::uuid[], %(groups)s::text[], %(deduplication_ids)s::text[], %(bodies)s::text[],
                %(request_ids)s::text[])
        WITH ORDINALITY AS g (id, group_key, deduplication_id, body, request_id, nth)
    ORDER BY g.deduplication_id, g.nth
),
fresh AS (
    INSERT INTO queue_deduplication (queue, deduplication_id)
    SELECT %(queue)s, deduplication_id FROM given
    ON CONFLICT (queue, deduplication_id) DO NOTHING
    RETURNING deduplication_id
)
INSERT INTO queue_messages (queue, id, group_key, body, request_id, head)
SELECT %(queue)s, g.id, g.group_key, g.body, g.request_id,
       row_number() OVER (PARTITION BY g.group_key ORDER BY g.nth) = 1
       AND NOT EXISTS (SELECT FROM queue_messages m WHERE m.queue = %(queue)s AND m.group_key = g.group_key)
FROM given g JOIN fresh USING (deduplication_id)
ORDER BY g.nth
RETURNING id;

-- name: queue_received
-- Receive messages of groups without a receiver, each group from its head on; a head that failed before is received
-- alone. Groups alternate after `turn` messages, so that none waits for all messages of a long one.
WITH heads AS (
    SELECT m.position, m.group_key, m.attempt FROM queue_messages m
    WHERE m.queue = %(queue)s AND m.head AND m.visible_at <= now()
    ORDER BY m.visible_at, m.position
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
),
taken AS (
    SELECT f.position, (f.nth - 1) / %(turn)s AS turn FROM heads h CROSS JOIN LATERAL (
        SELECT m.position, row_number() OVER (ORDER BY m.position) AS nth FROM queue_messages m
        WHERE m.queue = %(queue)s AND m.group_key = h.group_key AND m.position >= h.position
        ORDER BY m.position
        LIMIT CASE WHEN h.attempt > 0 THEN 1 ELSE %(most)s / (SELECT count(*) FROM heads) END
    ) f
),
held AS (
    UPDATE queue_messages m
    SET attempt = m.attempt + 1, receipt = %(receipt)s::uuid, visible_at = now() + %(visibility)s * interval '1 second'
    FROM taken t WHERE m.position = t.position
    RETURNING t.turn, m.position, m.id, m.group_key, m.body, m.attempt, m.request_id, m.receipt, m.reason
)
SELECT id, group_key AS group, body, attempt, request_id, receipt, reason FROM held ORDER BY turn, position;

-- name: queue_done
-- Delete messages that are done, if the receiver still has them.
DELETE FROM queue_messages WHERE queue = %(queue)s AND receipt = %(receipt)s::uuid AND id = ANY(%(ids)s::uuid[]);

-- name: queue_failed
-- Make messages available again after a delay. A message that was only held back does not count as an attempt.
UPDATE queue_messages m
SET receipt = NULL, visible_at = now() + %(delay)s * interval '1 second', attempt = m.attempt - g.untried,
    reason = CASE WHEN g.untried = 1 THEN m.reason ELSE g.reason END
FROM unnest(%(ids)s::uuid[], %(reasons)s::text[], %(untried)s::integer[]) AS g (id, reason, untried)
WHERE m.queue = %(queue)s AND m.receipt = %(receipt)s::uuid AND m.id = g.id;

-- name: queue_died
-- Move messages that can never succeed to the dead letters, with the reason.
WITH gone AS (
    DELETE FROM queue_messages m USING unnest(%(ids)s::uuid[], %(reasons)s::text[]) AS g (id, reason)
    WHERE m.queue = %(queue)s AND m.receipt = %(receipt)s::uuid AND m.id = g.id
    RETURNING m.*, g.reason AS died_of
)
INSERT INTO dead_letters (id, queue, group_key, body, request_id, attempt, reason, sent_at)
SELECT id, queue, group_key, body, request_id, attempt, died_of, sent_at FROM gone
ON CONFLICT (id) DO NOTHING;

-- name: queue_promoted
-- Make the first message of each of these groups its head.
UPDATE queue_messages m SET head = true
FROM (SELECT DISTINCT unnest(%(groups)s::text[]) AS group_key) g
CROSS JOIN LATERAL (
    SELECT f.position FROM queue_messages f WHERE f.queue = %(queue)s AND f.group_key = g.group_key
    ORDER BY f.position LIMIT 1
) first
WHERE m.position = first.position AND NOT m.head;

-- name: queue_depth
-- The number of messages, and the age of the oldest in seconds.
SELECT count(*) AS waiting,
       coalesce(extract(epoch FROM now() - min(sent_at) FILTER (WHERE isfinite(sent_at))), 0)::float8 AS oldest_seconds
FROM queue_messages WHERE queue = %(queue)s;

-- name: dead_letters_buried
-- Insert dead letters of messages that did not come by this queue.
INSERT INTO dead_letters (id, queue, group_key, body, request_id, attempt, reason, sent_at)
SELECT g.id, %(queue)s, g.group_key, g.body, g.request_id, g.attempt, g.reason, now()
FROM unnest(%(ids)s::uuid[], %(groups)s::text[], %(bodies)s::text[], %(request_ids)s::text[], %(attempts)s::integer[],
            %(reasons)s::text[]) AS g (id, group_key, body, request_id, attempt, reason)
ON CONFLICT (id) DO NOTHING;

-- name: dead_letters_listed
-- The oldest dead letters.
SELECT id, group_key AS group, body, attempt, request_id, reason, died_at FROM dead_letters
WHERE queue = %(queue)s ORDER BY died_at, id LIMIT %(most)s;

-- name: dead_letters_replayed
-- Append dead letters to the queue again, all or those with these ids.
WITH gone AS (
    DELETE FROM dead_letters
    WHERE queue = %(queue)s AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s::uuid[]))
    RETURNING *
)
INSERT INTO queue_messages (queue, id, group_key, body, request_id, head)
SELECT queue, id, group_key, body, request_id,
       row_number() OVER (PARTITION BY group_key ORDER BY died_at, id) = 1
       AND NOT EXISTS (SELECT FROM queue_messages m WHERE m.queue = gone.queue AND m.group_key = gone.group_key)
FROM gone ORDER BY died_at, id
RETURNING id;

-- name: dead_letters_dropped
-- Delete dead letters, all or those with these ids.
DELETE FROM dead_letters
WHERE queue = %(queue)s AND (%(ids)s::uuid[] IS NULL OR id = ANY(%(ids)s::uuid[]))
RETURNING id;

-- name: queues_backlog
-- Each queue with messages or dead letters, and always the queue of events: the number of messages, the age of the
-- oldest in seconds, and the number of dead letters.
SELECT n.queue AS name, coalesce(m.waiting, 0) AS waiting, coalesce(m.oldest, 0)::float8 AS oldest_seconds,
       coalesce(d.dead, 0) AS dead
FROM (SELECT 'events' AS queue UNION SELECT queue FROM queue_messages UNION SELECT queue FROM dead_letters) n
LEFT JOIN (
    SELECT queue, count(*) AS waiting, extract(epoch FROM now() - min(sent_at) FILTER (WHERE isfinite(sent_at))) AS oldest
    FROM queue_messages GROUP BY queue
) m USING (queue)
LEFT JOIN (SELECT queue, count(*) AS dead FROM dead_letters GROUP BY queue) d USING (queue)
ORDER BY n.queue;

-- name: queue_looked
-- The oldest messages of a queue, received ones included, without receiving them.
SELECT m.id, m.group_key AS group, m.body, m.attempt, m.request_id, '' AS receipt, m.reason
FROM queue_messages m WHERE m.queue = %(queue)s ORDER BY m.position LIMIT %(most)s;

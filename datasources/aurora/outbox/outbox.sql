-- name: outbox_locked
-- Become the only projector until this transaction ends, if there is none. Does not wait.
SELECT pg_try_advisory_xact_lock(7165381526);

-- name: outbox_bounded
-- Let the server end this transaction, and so release the lock, after its client is silent for so many milliseconds.
SELECT set_config('idle_in_transaction_session_timeout', %(milliseconds)s, true);

-- name: outbox_claimed
-- The first rows ordered by position that are not done, and their ages in seconds; 0 if there is none.
SELECT position, entity, entity_id, attempts,
       CASE WHEN isfinite(written_at) THEN extract(epoch FROM clock_timestamp() - written_at)::float8 ELSE 0 END AS age
FROM outbox
WHERE NOT projected AND refused = ''
ORDER BY position
LIMIT %(most)s;

-- name: outbox_projected
-- Mark these rows as done, and rows of the same entities that were set aside.
UPDATE outbox
SET projected = true, refused = ''
WHERE position = ANY(%(positions)s::bigint[])
   OR (entity_id = ANY(%(ids)s::uuid[]) AND refused <> '');

-- name: outbox_attempted
-- Count a refusal of these rows; rows that were refused too often are set aside with the reason.
UPDATE outbox o
SET attempts = o.attempts + 1,
    refused = CASE WHEN o.attempts + 1 >= %(attempts)s THEN given.reason ELSE '' END
FROM unnest(%(positions)s::bigint[], %(reasons)s::text[]) AS given (position, reason)
WHERE o.position = given.position
RETURNING o.refused <> '';

-- name: outbox_set_aside
-- The rows that were set aside, ordered by position.
SELECT position FROM outbox WHERE NOT projected AND refused <> '' ORDER BY position;

-- name: outbox_state
-- The numbers of rows that wait and that were set aside, and the age in seconds of the oldest waiting one.
SELECT count(*) FILTER (WHERE refused = '') AS pending,
       count(*) FILTER (WHERE refused <> '') AS refused,
       greatest(coalesce(extract(epoch FROM clock_timestamp()
           - min(written_at) FILTER (WHERE refused = '' AND isfinite(written_at))), 0), 0)::float8 AS lag
FROM outbox
WHERE NOT projected;

-- name: outbox_forgotten
-- Delete the oldest rows that are done and older than so many days, at most so many, and record the last one.
WITH gone AS (
    DELETE FROM outbox
    WHERE position IN (
        SELECT position
        -- Positions are about in order of age, so the first rows say whether there are old ones; none else is looked at.
        FROM (SELECT position, written_at FROM outbox WHERE projected ORDER BY position LIMIT %(most)s) AS oldest
        WHERE written_at < now() - %(days)s * interval '1 day'
    )
    RETURNING transaction, position
),
moved AS (
    UPDATE outbox_trimmed t SET transaction = g.transaction, position = g.position
    FROM (SELECT transaction, position FROM gone ORDER BY transaction DESC, position DESC LIMIT 1) g
    WHERE (t.transaction, t.position) < (g.transaction, g.position)
)
SELECT position FROM gone;

-- name: graph_checked
-- Store the result of a comparison of the whole graph with the tables.
INSERT INTO graph_checks (nodes, edges, divergent) VALUES (%(nodes)s, %(edges)s, %(divergent)s);

-- name: graph_last_checked
-- When the whole graph was last compared with the tables, and the number of remaining differences.
SELECT checked_at, divergent FROM graph_checks ORDER BY id DESC LIMIT 1;

-- name: outbox_waiting
-- The entities whose changes are not projected yet, in no order.
SELECT DISTINCT entity_id FROM outbox WHERE NOT projected AND refused = '';

-- name: buckets_claimed
-- Claim the buckets that are due for comparison, the longest due first; concurrent callers claim others.
UPDATE graph_buckets SET claimed_at = now()
WHERE bucket IN (
    SELECT bucket FROM graph_buckets
    WHERE claimed_at <= now() - %(seconds)s * interval '1 second'
    ORDER BY claimed_at, bucket
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
RETURNING bucket;

-- name: buckets_due
-- Make the comparison of every bucket due now.
UPDATE graph_buckets SET claimed_at = '2000-01-01' RETURNING true;

-- name: buckets_compared
-- Store the results of comparisons of buckets.
UPDATE graph_buckets b
SET checked_at = now(), nodes = given.nodes, edges = given.edges, table_digest = given.tables,
    graph_digest = given.graph, divergent = given.divergent
FROM unnest(%(buckets)s::int[], %(nodes)s::bigint[], %(edges)s::bigint[], %(tables)s::text[], %(graph)s::text[],
            %(divergent)s::bigint[]) AS given (bucket, nodes, edges, tables, graph, divergent)
WHERE b.bucket = given.bucket;

-- name: buckets_last
-- When the bucket with the oldest comparison was compared, and the number of remaining differences in all; no row
-- while some were never compared.
SELECT min(checked_at) AS checked_at, sum(divergent)::bigint AS divergent
FROM graph_buckets HAVING count(checked_at) = count(*);

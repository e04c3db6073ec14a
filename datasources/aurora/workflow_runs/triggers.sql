-- name: reader_is_behind
-- Whether there are rows for a reader of the outbox that no transaction in progress can precede; true also for a
-- reader that has not started.
SELECT NOT EXISTS (SELECT 1 FROM outbox_readers WHERE name = %(name)s) OR EXISTS (
    SELECT 1
    FROM outbox_readers r
    CROSS JOIN LATERAL (
        SELECT 1 FROM outbox o
        WHERE (o.transaction, o.position) > (r.transaction, r.position)
          AND o.transaction < pg_snapshot_xmin(pg_current_snapshot())
        LIMIT 1) AS next
    WHERE r.name = %(name)s);

-- name: reader_begun
-- Start a new reader after all completed transactions; it does not read the history.
INSERT INTO outbox_readers (name, transaction, position)
VALUES (%(name)s, (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1)::text::xid8, 9223372036854775807)
ON CONFLICT DO NOTHING;

-- name: reader_locked
-- The position of a reader, locked until the transaction ends; no row if it has not started, or another process holds
-- it.
SELECT r.transaction::text::bigint, r.position
FROM outbox_readers r WHERE r.name = %(name)s FOR UPDATE SKIP LOCKED;

-- name: reader_next
-- The rows after a position, ordered by transaction, before the oldest transaction in progress, at most so many.
SELECT o.transaction::text::bigint, o.position, o.entity AS kind, o.entity_id, o.change AS step, o.request_id,
       o.actor, o.cause_run_id, o.by_executor
FROM outbox o
WHERE (o.transaction, o.position) > (%(transaction)s::text::xid8, %(position)s::bigint)
  AND o.transaction < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY o.transaction, o.position
LIMIT %(most)s;

-- name: reader_moved
-- Move a reader to a position.
UPDATE outbox_readers SET transaction = %(transaction)s::text::xid8, position = %(position)s WHERE name = %(name)s;

-- name: triggers_published
-- The triggers of published workflows, except those started by people only, with the scopes of their publishers.
SELECT w.id AS workflow_id, w.key, w.trigger, coalesce(p.sees_restricted, true) AS sees_restricted,
       coalesce(p.team_keys, '{}') AS team_keys
FROM workflows w LEFT JOIN workflow_publishers p ON p.workflow_id = w.id
WHERE w.state = 'PUBLISHED' AND coalesce(w.trigger->>'event', 'manual') <> 'manual'
ORDER BY w.key, w.revision;

-- name: triggers_classes
-- Some classes with all their descendants.
SELECT d.ancestor_key, d.key AS value FROM configuration_item_class_descendants d
WHERE d.ancestor_key = ANY(%(keys)s::text[]);

-- name: trigger_run
-- The subjects of a run, which may have ended.
SELECT r.id, r.incident_id, r.configuration_item_id, r.state FROM workflow_runs r WHERE r.id = %(id)s;

-- name: trigger_cause
-- The newest run that a trigger started for this incident or item in the same request: a caller who writes with the id
-- of that request acts for the run.
SELECT r.id
FROM workflow_runs r
WHERE (r.incident_id = %(entity_id)s OR r.configuration_item_id = %(entity_id)s)
  AND r.request_id = %(request_id)s AND r.trigger_key IS NOT NULL
ORDER BY r.started_at DESC, r.id DESC LIMIT 1;

-- name: trigger_initiators
-- The principals behind a run, as KIND:subject; for an imported run, the user who started it. For what the run causes,
-- also those who acted on it.
SELECT DISTINCT found.actor
FROM workflow_runs r LEFT JOIN users u ON u.id = r.started_by_id
CROSS JOIN LATERAL unnest(
    r.initiators || CASE WHEN %(acted)s THEN r.participants ELSE '{}' END || r.requested_by || ('USER:' || u.key)
) AS found (actor)
WHERE r.id = %(id)s AND found.actor <> ''
ORDER BY found.actor;

-- name: trigger_problem_written
-- Store why a trigger of a workflow started no run the last time.
INSERT INTO workflow_trigger_problems (workflow_id, happened_at, reason) VALUES (%(id)s, %(now)s, %(reason)s)
ON CONFLICT (workflow_id) DO UPDATE SET happened_at = excluded.happened_at, reason = excluded.reason;

-- name: trigger_chain
-- A run and those that led to it, the last one first, by the key of the workflow; at most so many.
WITH RECURSIVE chain AS (
    SELECT r.workflow_id, r.cause_run_id, 1 AS n FROM workflow_runs r WHERE r.id = %(id)s
    UNION ALL
    SELECT r.workflow_id, r.cause_run_id, c.n + 1
    FROM chain c JOIN workflow_runs r ON r.id = c.cause_run_id WHERE c.n < %(most)s
)
SELECT w.key FROM chain c JOIN workflows w ON w.id = c.workflow_id ORDER BY c.n;

-- name: run_set_aside
-- Fail a run that cannot be read, and cancel its open attempts.
WITH called_off AS (
    UPDATE workflow_step_runs
    SET state = 'CANCELLED', finished_at = %(now)s, due_at = NULL, reason = 'the run cannot go on'
    WHERE run_id = %(id)s AND finished_at IS NULL
)
UPDATE workflow_runs SET state = 'FAILED', finished_at = %(now)s, reason = %(reason)s, version = version + 1
WHERE id = %(id)s AND finished_at IS NULL;

-- name: blast_radius_wanted
-- Request the blast radius of a run's failure.
INSERT INTO workflow_run_blast_radii (run_id) VALUES (%(id)s);

-- name: blast_radii_due
-- Runs whose blast radius is not computed yet, with the items that failed: the run's own item and those that its
-- incident affects or that caused it. The oldest first, at most so many.
SELECT b.run_id, array(
    SELECT r.configuration_item_id WHERE r.configuration_item_id IS NOT NULL
    UNION SELECT x.configuration_item_id FROM incident_configuration_items x WHERE x.incident_id = r.incident_id
)::text[] AS item_ids
FROM workflow_run_blast_radii b JOIN workflow_runs r ON r.id = b.run_id
WHERE b.walked_at IS NULL ORDER BY b.run_id LIMIT %(most)s;

-- name: blast_radius_critical
-- The names of the critical items among some, ordered by name, at most so many.
SELECT c.name FROM configuration_items c
WHERE c.id = ANY(%(ids)s::uuid[]) AND c.criticality = 'CRITICAL' ORDER BY c.name, c.id LIMIT %(most)s;

-- name: blast_radius_walked
-- Store a blast radius unless it is stored already. The run is written to the outbox without a new version.
WITH walked AS (
    UPDATE workflow_run_blast_radii
    SET walked_at = %(now)s, total = %(total)s, truncated = %(truncated)s, item_ids = %(item_ids)s::uuid[],
        depths = %(depths)s::integer[], critical = %(critical)s::text[]
    WHERE run_id = %(id)s AND walked_at IS NULL
    RETURNING run_id
)
UPDATE workflow_runs r SET reason = r.reason FROM walked WHERE r.id = walked.run_id RETURNING true;

-- name: messages_locked
-- Become the only sender until this transaction ends, if there is none. Does not wait.
SELECT pg_try_advisory_xact_lock(7165381527);

-- name: messages_to_send
-- The oldest unsent messages for a queue, whether their attempts are still open, and the blast radius of their run.
-- Messages of a run whose blast radius is not computed yet wait for it.
SELECT m.position, m.id, m.group_key AS group, m.body, m.request_id,
       x.state IS NULL OR x.state NOT IN ('CANCELLED', 'FAILED') AS wanted,
       b.total, b.critical
FROM outgoing_messages m
LEFT JOIN workflow_step_runs x ON x.id = m.id
LEFT JOIN workflow_run_blast_radii b ON b.run_id = x.run_id
WHERE m.sent_at IS NULL AND m.queue = %(queue)s AND (b.run_id IS NULL OR b.walked_at IS NOT NULL)
ORDER BY m.position LIMIT %(most)s;

-- name: messages_sent
-- Mark messages that need not be sent any more.
UPDATE outgoing_messages SET sent_at = %(now)s WHERE position = ANY(%(positions)s::bigint[]);

-- name: messages_forgotten
-- Delete messages that were sent before a time, at most so many.
DELETE FROM outgoing_messages WHERE position IN (
    SELECT position FROM outgoing_messages WHERE sent_at < %(before)s ORDER BY sent_at LIMIT %(most)s)
RETURNING position;

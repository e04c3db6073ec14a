-- name: run_set_aside
-- A run that cannot even be read fails, and what of it is under way is called off.
WITH called_off AS (
    UPDATE workflow_step_runs
    SET state = 'CANCELLED', finished_at = %(now)s, due_at = NULL, reason = 'the run cannot go on'
    WHERE run_id = %(id)s AND finished_at IS NULL
)
UPDATE workflow_runs SET state = 'FAILED', finished_at = %(now)s, reason = %(reason)s, version = version + 1
WHERE id = %(id)s AND finished_at IS NULL;

-- name: blast_radius_wanted
-- A run has a failure whose reach is to be walked.
INSERT INTO workflow_run_blast_radii (run_id) VALUES (%(id)s);

-- name: blast_radii_due
-- Runs whose failure was not walked yet, with the items that failed: the run's own and those that its incident affects
-- or was caused by. The oldest first, at most so many.
SELECT b.run_id, array(
    SELECT r.configuration_item_id WHERE r.configuration_item_id IS NOT NULL
    UNION SELECT x.configuration_item_id FROM incident_configuration_items x WHERE x.incident_id = r.incident_id
)::text[]
FROM workflow_run_blast_radii b JOIN workflow_runs r ON r.id = b.run_id
WHERE b.walked_at IS NULL ORDER BY b.run_id LIMIT %(most)s;

-- name: blast_radius_critical
-- The names of critical items among some, by name, at most so many.
SELECT c.name FROM configuration_items c
WHERE c.id = ANY(%(ids)s::uuid[]) AND c.criticality = 'CRITICAL' ORDER BY c.name, c.id LIMIT %(most)s;

-- name: blast_radius_walked
-- Keep what a failure reaches, unless somebody has. Its run tells the outbox, without another version of its own.
WITH walked AS (
    UPDATE workflow_run_blast_radii
    SET walked_at = %(now)s, total = %(total)s, truncated = %(truncated)s, item_ids = %(item_ids)s::uuid[],
        depths = %(depths)s::integer[], critical = %(critical)s::text[]
    WHERE run_id = %(id)s AND walked_at IS NULL
    RETURNING run_id
)
UPDATE workflow_runs r SET reason = r.reason FROM walked WHERE r.id = walked.run_id RETURNING true;

-- name: messages_locked
-- Become the one that sends until this transaction ends, if there is none. Waits for nobody.
SELECT pg_try_advisory_xact_lock(7165381527);

-- name: messages_to_send
-- The oldest messages for a queue that were not sent, whether somebody still waits for what they ask for, and what the failure that
-- their run is for reaches. Messages of a run whose failure was not walked yet wait for that.
SELECT m.position, m.id, m.group_key, m.body, m.request_id,
       x.state IS NULL OR x.state NOT IN ('CANCELLED', 'FAILED'),
       b.total, b.critical
FROM outgoing_messages m
LEFT JOIN workflow_step_runs x ON x.id = m.id
LEFT JOIN workflow_run_blast_radii b ON b.run_id = x.run_id
WHERE m.sent_at IS NULL AND m.queue = %(queue)s AND (b.run_id IS NULL OR b.walked_at IS NOT NULL)
ORDER BY m.position LIMIT %(most)s;

-- name: messages_sent
-- These messages need not be sent any more.
UPDATE outgoing_messages SET sent_at = %(now)s WHERE position = ANY(%(positions)s::bigint[]);

-- name: messages_forgotten
-- Delete messages that were sent before a time, at most so many.
DELETE FROM outgoing_messages WHERE position IN (
    SELECT position FROM outgoing_messages WHERE sent_at < %(before)s ORDER BY sent_at LIMIT %(most)s)
RETURNING position;

-- name: run_workflow
-- A revision of a workflow by id.
SELECT w.id, w.key, w.revision, w.name, w.description, w.state, w.trigger, w.version, w.updated_at, w.inputs
FROM workflows w WHERE w.id = %(id)s;

-- name: run_workflow_by_key
-- The newest published revision of a key.
SELECT w.id, w.key, w.revision, w.name, w.description, w.state, w.trigger, w.version, w.updated_at, w.inputs
FROM workflows w WHERE w.key = %(key)s AND w.state = 'PUBLISHED' ORDER BY w.revision DESC LIMIT 1;

-- name: run_steps
-- The steps of a revision, ordered by position.
SELECT s.id, s.workflow_id, s.key, s.position, s.name, s.kind, s.depends_on, s.configuration
FROM workflow_steps s WHERE s.workflow_id = %(id)s ORDER BY s.position, s.key;

-- name: run_triggered
-- Whether there was a run with this trigger key.
SELECT true FROM workflow_runs WHERE trigger_key = %(trigger_key)s;

-- name: run_number
-- Reserve so many numbers and return the last one.
SELECT 'RUN' || lpad(n::text, greatest(7, length(n::text)), '0')
FROM (SELECT max(nextval('workflow_run_numbers')) AS n FROM generate_series(1, %(step)s)) numbered;

-- name: run_insert
-- Insert a run and return it; no row if its number or its trigger key is taken. Waits for a concurrent insert of the
-- same.
INSERT INTO workflow_runs (id, number, workflow_id, incident_id, configuration_item_id, started_by_id, started_at,
                           requested_by, request_id, trigger_key, cause_run_id, priority, inputs, initiators)
VALUES (%(id)s, %(number)s, %(workflow_id)s, %(incident_id)s, %(configuration_item_id)s,
        (SELECT id FROM users WHERE key = %(user_key)s), %(started_at)s, %(requested_by)s, %(request_id)s,
        %(trigger_key)s, %(cause_run_id)s, %(priority)s, %(inputs)s::jsonb,
        %(initiators)s::text[])
ON CONFLICT DO NOTHING
RETURNING id, number, workflow_id, incident_id, configuration_item_id, state, started_by_id, started_at, finished_at,
          version, requested_by, cause_run_id, priority, inputs, reason, ending, request_id;

-- name: run_locked
-- A run that is visible to the caller, locked until the transaction ends. Others are not waited for.
SELECT r.id, r.number, r.workflow_id, r.incident_id, r.configuration_item_id, r.state, r.started_by_id, r.started_at,
       r.finished_at, r.version, r.requested_by, r.cause_run_id, r.priority, r.inputs, r.reason, r.ending, r.request_id
FROM workflow_runs r
WHERE r.id = %(id)s
  AND (r.incident_id IS NULL OR EXISTS (
      SELECT 1 FROM incidents i
      WHERE i.id = r.incident_id
        AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
             OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))))
FOR NO KEY UPDATE OF r;

-- name: run_locked_if_free
-- A run, locked until the transaction ends; no row if another transaction holds the lock.
SELECT r.id, r.number, r.workflow_id, r.incident_id, r.configuration_item_id, r.state, r.started_by_id, r.started_at,
       r.finished_at, r.version, r.requested_by, r.cause_run_id, r.priority, r.inputs, r.reason, r.ending, r.request_id
FROM workflow_runs r WHERE r.id = %(id)s FOR NO KEY UPDATE OF r SKIP LOCKED;

-- name: run_attempts
-- The attempts at the steps of a run.
SELECT x.id, x.run_id, x.step_id, x.state, x.attempt, x.started_at, x.finished_at, x.outcome, x.due_at, x.reason
FROM workflow_step_runs x WHERE x.run_id = %(id)s ORDER BY x.attempt, x.id;

-- name: run_attempts_written
-- Insert new attempts and update changed ones.
INSERT INTO workflow_step_runs AS x (id, run_id, step_id, state, attempt, started_at, finished_at, outcome, due_at,
                                     reason)
SELECT * FROM unnest(
    %(ids)s::uuid[], %(run_ids)s::uuid[], %(step_ids)s::uuid[], %(states)s::text[], %(attempts)s::integer[],
    %(started_ats)s::timestamptz[], %(finished_ats)s::timestamptz[], %(outcomes)s::jsonb[], %(due_ats)s::timestamptz[],
    %(reasons)s::text[])
ON CONFLICT (id) DO UPDATE SET state = excluded.state, started_at = excluded.started_at,
    finished_at = excluded.finished_at, outcome = excluded.outcome, due_at = excluded.due_at, reason = excluded.reason;

-- name: run_update
-- Update a locked run and return it, with its next version and the principal who acted on it.
UPDATE workflow_runs
SET state = %(state)s, finished_at = %(finished_at)s, reason = %(reason)s, ending = %(ending)s, version = version + 1,
    participants = CASE WHEN %(actor)s::text = ANY(participants) THEN participants ELSE participants || %(actor)s::text END
WHERE id = %(id)s
RETURNING id, number, workflow_id, incident_id, configuration_item_id, state, started_by_id, started_at, finished_at,
          version, requested_by, cause_run_id, priority, inputs, reason, ending, request_id;

-- name: run_of_attempt
-- The run that an attempt belongs to.
SELECT run_id FROM workflow_step_runs WHERE id = %(id)s;

-- name: run_cause
-- The cause of a run: the key of the workflow, the number and the state of the run that led to it.
SELECT w.key AS workflow, r.number, r.state
FROM workflow_runs r JOIN workflows w ON w.id = r.workflow_id WHERE r.id = %(id)s;

-- name: run_incident
-- The readable part of a run's incident, if it is visible to the caller.
SELECT i.id, i.number, i.priority, i.impact, i.urgency, i.state, i.category,
       (SELECT t.key FROM teams t WHERE t.id = i.restricted_team_id) AS restricted_team
FROM incidents i
WHERE i.id = %(id)s
  AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
       OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])));

-- name: run_publisher
-- The scope of a workflow's publisher; no row for an imported one.
SELECT p.sees_restricted, p.team_keys FROM workflow_publishers p WHERE p.workflow_id = %(id)s;

-- name: run_items
-- The readable part of a run's item, or else of the items that its incident affects, at most so many, ordered by name.
SELECT c.id, c.name, c.class_key, c.environment, c.criticality, c.status, c.attributes
FROM configuration_items c
WHERE CASE WHEN %(configuration_item_id)s::uuid IS NOT NULL THEN c.id = %(configuration_item_id)s
      ELSE c.id IN (SELECT x.configuration_item_id FROM incident_configuration_items x
                    WHERE x.incident_id = %(incident_id)s AND x.role = 'AFFECTED') END
ORDER BY c.name, c.id LIMIT %(most)s;

-- name: run_approval_insert
-- Insert a decision about an attempt; no row if the same person has decided before.
INSERT INTO workflow_approvals (id, step_run_id, user_id, decision, comment, decided_at, principal,
                                identity)
VALUES (%(id)s, %(step_run_id)s, (SELECT id FROM users WHERE key = %(user_key)s), %(decision)s, %(comment)s,
        %(decided_at)s, %(principal)s, %(identity)s)
ON CONFLICT DO NOTHING
RETURNING true;

-- name: run_approvers
-- The principals who approved an attempt, oldest first.
SELECT a.principal FROM workflow_approvals a
WHERE a.step_run_id = %(id)s AND a.decision = 'APPROVED' ORDER BY a.decided_at, a.id;

-- name: run_due
-- Runs with something due by a time, the longest due first, at most so many.
SELECT x.run_id
FROM workflow_step_runs x JOIN workflow_runs r ON r.id = x.run_id
WHERE x.due_at <= %(now)s AND x.state IN ('PENDING', 'RUNNING', 'WAITING')
  AND r.state IN ('RUNNING', 'WAITING', 'COMPENSATING')
GROUP BY x.run_id ORDER BY min(x.due_at), x.run_id LIMIT %(most)s;

-- name: messages_written
-- Insert messages to be sent after this transaction, in this order.
INSERT INTO outgoing_messages (id, queue, group_key, body, request_id, written_at)
SELECT m.id, m.queue, m.group_key, m.body, m.request_id, %(now)s
FROM unnest(%(ids)s::uuid[], %(queues)s::text[], %(groups)s::text[], %(bodies)s::text[], %(request_ids)s::text[])
    WITH ORDINALITY AS m (id, queue, group_key, body, request_id, n)
ORDER BY m.n;

-- name: workflow_runs_by_ids
-- Runs by id, in no order. Callers that cannot see the incident of a run do not see the run.
SELECT r.id AS lookup_key, r.id, r.number, r.workflow_id, r.incident_id, r.configuration_item_id, r.state,
       r.started_by_id, r.started_at, r.finished_at, r.version, r.requested_by, r.cause_run_id, r.priority, r.inputs,
       r.reason
FROM workflow_runs r
WHERE r.id = ANY(%(keys)s::uuid[])
  AND (r.incident_id IS NULL OR EXISTS (
      SELECT 1 FROM incidents i
      WHERE i.id = r.incident_id
        AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
             OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))));

-- name: workflow_runs_by_numbers
-- Runs by number that are visible to the caller, in no order.
SELECT r.number AS lookup_key, r.id, r.number, r.workflow_id, r.incident_id, r.configuration_item_id, r.state,
       r.started_by_id, r.started_at, r.finished_at, r.version, r.requested_by, r.cause_run_id, r.priority, r.inputs,
       r.reason
FROM workflow_runs r
WHERE r.number = ANY(%(keys)s::text[])
  AND (r.incident_id IS NULL OR EXISTS (
      SELECT 1 FROM incidents i
      WHERE i.id = r.incident_id
        AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
             OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))));

-- name: workflow_runs_page
-- One page of visible runs for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value,
       r.id, r.number, r.workflow_id, r.incident_id, r.configuration_item_id, r.state, r.started_by_id, r.started_at,
       r.finished_at, r.version, r.requested_by, r.cause_run_id, r.priority, r.inputs, r.reason
FROM unnest(%(keys)s::uuid[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (
    SELECT r.* FROM /*from*/
      AND (r.incident_id IS NULL OR EXISTS (
          SELECT 1 FROM incidents i
          WHERE i.id = r.incident_id
            AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
                 OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))))
      /*where*/
    ORDER BY /*order*/ LIMIT %(limit)s) r
ORDER BY k.n, /*order*/;

-- name: workflow_runs_count
-- The number of visible runs for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM /*from*/
      AND (r.incident_id IS NULL OR EXISTS (
          SELECT 1 FROM incidents i
          WHERE i.id = r.incident_id
            AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
                 OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))))
      /*where*/) counted;

-- name: workflow_runs_groups
-- The number of visible runs for each key and value of one field, largest groups first.
SELECT k.key AS lookup_key, grouped.value, grouped.n AS count
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (
    SELECT (/*group*/)::text AS value, count(*) AS n FROM /*from*/
      AND (r.incident_id IS NULL OR EXISTS (
          SELECT 1 FROM incidents i
          WHERE i.id = r.incident_id
            AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
                 OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))))
      /*where*/
    GROUP BY 1) grouped
ORDER BY grouped.n DESC, grouped.value;

-- name: workflow_runs_from
-- All runs.
workflow_runs r WHERE true;

-- name: workflow_runs_from_workflow
-- The runs of one revision of a workflow.
workflow_runs r WHERE r.workflow_id = k.key;

-- name: workflow_runs_from_configuration_item
-- The runs on a configuration item.
workflow_runs r WHERE r.configuration_item_id = k.key;

-- name: workflow_runs_from_incident
-- The runs for an incident.
workflow_runs r WHERE r.incident_id = k.key;

-- name: workflow_runs_having_workflow
-- Runs of a workflow that fulfils the predicate.
EXISTS (SELECT 1 FROM workflows w WHERE w.id = r.workflow_id AND /*where*/);

-- name: workflow_runs_having_configuration_item
-- Runs on a configuration item that fulfils the predicate.
EXISTS (SELECT 1 FROM configuration_items c WHERE c.id = r.configuration_item_id AND /*where*/);

-- name: workflow_step_runs_by_runs
-- The attempts at the steps of each run, ordered by the position of the step, then by attempt.
SELECT x.run_id AS lookup_key, x.id, x.run_id, x.step_id, x.state, x.attempt, x.started_at, x.finished_at, x.outcome,
       x.due_at, x.reason
FROM workflow_step_runs x JOIN workflow_steps s ON s.id = x.step_id
WHERE x.run_id = ANY(%(keys)s::uuid[])
ORDER BY s.position, s.key, x.attempt;

-- name: workflow_approvals_by_step_runs
-- The decisions about each attempt at a step, oldest first.
SELECT a.step_run_id AS lookup_key, a.id, a.step_run_id, a.user_id, a.decision, a.comment, a.decided_at,
       a.principal
FROM workflow_approvals a
WHERE a.step_run_id = ANY(%(keys)s::uuid[])
ORDER BY a.decided_at, a.id;

-- name: workflow_run_blast_radii_by_runs
-- The computed blast radii of runs, in no order. Callers that can see the run may see it.
SELECT b.run_id AS lookup_key, b.walked_at, b.total, b.truncated, b.item_ids::text[], b.depths, b.critical
FROM workflow_run_blast_radii b
WHERE b.run_id = ANY(%(keys)s::uuid[]) AND b.walked_at IS NOT NULL;

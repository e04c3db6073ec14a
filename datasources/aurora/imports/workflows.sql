-- name: workflows
-- Workflow definitions by key and revision.
SELECT s.ordinal, s.line, s.key || ' revision ' || coalesce(nullif(s.revision, ''), '1') AS shown,
    NULL::text AS reason, '{}'::text[] AS notes, coalesce(e.id, s.id) AS id, s.key,
    coalesce(nullif(s.revision, '')::integer, 1) AS revision,
    coalesce(nullif(s.name, ''), e.name, s.key) AS name,
    coalesce(s.description, e.description, '') AS description,
    coalesce(nullif(s.state, ''), e.state, 'DRAFT') AS state,
    coalesce(nullif(s.trigger, '')::jsonb, e.trigger, '{}') AS trigger
FROM staged s
LEFT JOIN workflows e ON e.key = s.key AND e.revision = coalesce(nullif(s.revision, '')::integer, 1)

-- name: workflow_steps
-- Steps of a known workflow.
SELECT s.ordinal, s.line, s.workflow || ' ' || s.key AS shown,
    CASE WHEN w.id IS NULL THEN 'workflow ' || s.workflow || ' is not known' END AS reason, '{}'::text[] AS notes,
    coalesce(e.id, s.id) AS id, w.id AS workflow_id, s.key, s.position::integer AS position,
    coalesce(nullif(s.name, ''), e.name, s.key) AS name, s.kind,
    CASE WHEN s.depends_on IS NULL THEN coalesce(e.depends_on, '{}')
         ELSE coalesce(nullif(s.depends_on, '')::text[], '{}') END AS depends_on,
    coalesce(nullif(s.configuration, '')::jsonb, e.configuration, '{}') AS configuration
FROM staged s
LEFT JOIN workflows w ON w.key = s.workflow AND w.revision = coalesce(nullif(s.revision, '')::integer, 1)
LEFT JOIN workflow_steps e ON e.workflow_id = w.id AND e.key = s.key

-- name: workflow_items
-- Items that a workflow is for; the link waits while its item is unknown.
SELECT s.ordinal, s.line, s.workflow || ' for ' || s.item AS shown,
    CASE WHEN w.id IS NULL THEN 'workflow ' || s.workflow || ' is not known' END AS reason,
    '{}'::text[] AS notes, /*waits*/
    w.id AS workflow_id, k.configuration_item_id
FROM staged s
LEFT JOIN workflows w ON w.key = s.workflow AND w.revision = coalesce(nullif(s.revision, '')::integer, 1)
LEFT JOIN configuration_item_keys k ON k.source = s.item_source AND k.key = s.item

-- name: workflow_runs
-- Runs of a known workflow by number.
SELECT s.ordinal, s.line, s.number AS shown,
    CASE WHEN w.id IS NULL THEN 'workflow ' || s.workflow || ' is not known' END AS reason,
    array_remove(ARRAY[
        CASE WHEN s.incident <> '' AND i.id IS NULL THEN 'incident ' || s.incident || ' is not known; left empty' END,
        CASE WHEN s.item <> '' AND k.key IS NULL THEN
            'configuration item ' || s.item || ' is not known; left empty' END,
        CASE WHEN s.started_by <> '' AND u.id IS NULL THEN 'user ' || s.started_by || ' is not known; left empty' END
    ], NULL) AS notes,
    coalesce(e.id, s.id) AS id, s.number, w.id AS workflow_id,
    CASE WHEN s.incident IS NULL THEN e.incident_id ELSE i.id END AS incident_id,
    CASE WHEN s.item IS NULL THEN e.configuration_item_id ELSE k.configuration_item_id END AS configuration_item_id,
    coalesce(nullif(s.state, ''), e.state, 'RUNNING') AS state,
    CASE WHEN s.started_by IS NULL THEN e.started_by_id ELSE u.id END AS started_by_id,
    coalesce(nullif(s.started_at, '')::timestamptz, e.started_at, now()) AS started_at,
    CASE WHEN s.finished_at IS NULL THEN e.finished_at ELSE nullif(s.finished_at, '')::timestamptz END AS finished_at
FROM staged s
LEFT JOIN workflow_runs e ON e.number = s.number
LEFT JOIN workflows w ON w.key = s.workflow AND w.revision = coalesce(nullif(s.revision, '')::integer, 1)
LEFT JOIN incidents i ON i.number = s.incident
LEFT JOIN configuration_item_keys k ON k.source = s.item_source AND k.key = s.item
LEFT JOIN users u ON u.key = s.started_by

-- name: step_runs
-- Attempts at the steps of a known run.
SELECT s.ordinal, s.line, s.run || ' ' || s.step || ' attempt ' || coalesce(nullif(s.attempt, ''), '1') AS shown,
    CASE WHEN r.id IS NULL THEN 'run ' || s.run || ' is not known'
         WHEN p.id IS NULL THEN 'step ' || s.step || ' is not known' END AS reason, '{}'::text[] AS notes,
    coalesce(e.id, s.id) AS id, r.id AS run_id, p.id AS step_id,
    coalesce(nullif(s.state, ''), e.state, 'PENDING') AS state,
    coalesce(nullif(s.attempt, '')::integer, 1) AS attempt,
    CASE WHEN s.started_at IS NULL THEN e.started_at ELSE nullif(s.started_at, '')::timestamptz END AS started_at,
    CASE WHEN s.finished_at IS NULL THEN e.finished_at ELSE nullif(s.finished_at, '')::timestamptz END AS finished_at,
    coalesce(nullif(s.outcome, '')::jsonb, e.outcome, '{}') AS outcome
FROM staged s
LEFT JOIN workflow_runs r ON r.number = s.run
LEFT JOIN workflow_steps p ON p.workflow_id = r.workflow_id AND p.key = s.step
LEFT JOIN workflow_step_runs e ON e.run_id = r.id AND e.step_id = p.id
    AND e.attempt = coalesce(nullif(s.attempt, '')::integer, 1)

-- name: approvals
-- Decisions of users on the attempts at approval steps.
SELECT s.ordinal, s.line, s.run || ' ' || s.step || ' by ' || s."user" AS shown,
    CASE WHEN r.id IS NULL THEN 'the attempt at ' || s.step || ' in run ' || s.run || ' is not known'
         WHEN u.id IS NULL THEN 'user ' || s."user" || ' is not known' END AS reason, '{}'::text[] AS notes,
    coalesce(e.id, s.id) AS id, r.id AS step_run_id, u.id AS user_id, s.decision,
    coalesce(s.comment, e.comment, '') AS comment,
    coalesce(nullif(s.decided_at, '')::timestamptz, e.decided_at, now()) AS decided_at
FROM staged s
LEFT JOIN (
    SELECT q.id, w.number, p.key, q.attempt
    FROM workflow_step_runs q
    JOIN workflow_runs w ON w.id = q.run_id
    JOIN workflow_steps p ON p.id = q.step_id
) r ON r.number = s.run AND r.key = s.step AND r.attempt = coalesce(nullif(s.attempt, '')::integer, 1)
LEFT JOIN users u ON u.key = s."user"
LEFT JOIN workflow_approvals e ON e.step_run_id = r.id AND e.user_id = u.id

-- name: workflows_by_ids
-- Workflows by id, in no order.
SELECT w.id AS lookup_key, w.id, w.key, w.revision, w.name, w.description, w.state, w.trigger, w.version, w.updated_at,
       w.inputs
FROM workflows w
WHERE w.id = ANY(%(keys)s::uuid[]);

-- name: workflows_by_keys
-- One revision for each key: the newest published one, else the newest; in no order.
SELECT DISTINCT ON (w.key) w.key AS lookup_key, w.id, w.key, w.revision, w.name, w.description, w.state, w.trigger,
       w.version, w.updated_at, w.inputs
FROM workflows w
WHERE w.key = ANY(%(keys)s::text[])
ORDER BY w.key, (w.state = 'PUBLISHED') DESC, w.revision DESC;

-- name: workflows_page
-- One page of workflows for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value,
       w.id, w.key, w.revision, w.name, w.description, w.state, w.trigger, w.version, w.updated_at, w.inputs
FROM unnest(%(keys)s::uuid[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (SELECT w.* FROM /*from*/ /*where*/ ORDER BY /*order*/ LIMIT %(limit)s) w
ORDER BY k.n, /*order*/;

-- name: workflows_count
-- The number of workflows for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT count(*) AS n FROM /*from*/ /*where*/) counted;

-- name: workflows_groups
-- The number of workflows for each key and value of one field, largest groups first.
SELECT k.key AS lookup_key, grouped.value, grouped.n AS count
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT (/*group*/)::text AS value, count(*) AS n FROM /*from*/ /*where*/ GROUP BY 1) grouped
ORDER BY grouped.n DESC, grouped.value;

-- name: workflows_from
-- All revisions of all workflows.
workflows w WHERE true;

-- name: workflows_from_configuration_item
-- The workflows that are meant for a configuration item.
workflow_configuration_items x JOIN workflows w ON w.id = x.workflow_id WHERE x.configuration_item_id = k.key;

-- name: workflows_having_configuration_items
-- Workflows meant for a configuration item that fulfils the predicate.
EXISTS (
    SELECT 1 FROM workflow_configuration_items x JOIN configuration_items c ON c.id = x.configuration_item_id
    WHERE x.workflow_id = w.id AND /*where*/);

-- name: workflow_steps_by_workflows
-- The steps of each workflow, ordered by position.
SELECT s.workflow_id AS lookup_key, s.id, s.workflow_id, s.key, s.position, s.name, s.kind, s.depends_on,
       s.configuration
FROM workflow_steps s
WHERE s.workflow_id = ANY(%(keys)s::uuid[])
ORDER BY s.position, s.key;

-- name: workflow_steps_by_ids
-- Steps by id, in no order.
SELECT s.id AS lookup_key, s.id, s.workflow_id, s.key, s.position, s.name, s.kind, s.depends_on, s.configuration
FROM workflow_steps s
WHERE s.id = ANY(%(keys)s::uuid[]);

-- name: workflow_trigger_problems_by_ids
-- The last problems of workflow triggers, in no order.
SELECT p.workflow_id AS lookup_key, p.happened_at, p.reason FROM workflow_trigger_problems p
WHERE p.workflow_id = ANY(%(keys)s::uuid[]);

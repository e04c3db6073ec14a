-- name: workflow_key_locked
-- Lock out other writers of revisions of this key until the transaction ends, and wait for them.
SELECT pg_advisory_xact_lock(hashtextextended('workflows ' || %(key)s, 0))::text;

-- name: workflow_insert
-- Insert a draft, the next revision of its key, and return it.
INSERT INTO workflows (id, key, revision, name, description, trigger, inputs)
VALUES (%(id)s, %(key)s, (SELECT coalesce(max(revision), 0) + 1 FROM workflows WHERE key = %(key)s), %(name)s,
        %(description)s, %(trigger)s::jsonb, %(inputs)s::jsonb)
RETURNING id, key, revision, name, description, state, trigger, version, updated_at, inputs;

-- name: workflows_locked
-- Workflows ordered by id, locked until the transaction ends.
SELECT w.id, w.key, w.revision, w.name, w.description, w.state, w.trigger, w.version, w.updated_at, w.inputs
FROM workflows w WHERE w.id = ANY(%(ids)s::uuid[]) ORDER BY w.id FOR NO KEY UPDATE;

-- name: workflow_update
-- Update a locked workflow and return it.
UPDATE workflows SET
    name = %(name)s, description = %(description)s, state = %(state)s, trigger = %(trigger)s::jsonb,
    inputs = %(inputs)s::jsonb, version = version + 1, updated_at = statement_timestamp()
WHERE id = %(id)s
RETURNING id, key, revision, name, description, state, trigger, version, updated_at, inputs;

-- name: workflow_deleted
-- Delete a workflow with its steps and links.
DELETE FROM workflows WHERE id = %(id)s;

-- name: workflow_is_used
-- Whether there is a run of this revision.
SELECT EXISTS (SELECT 1 FROM workflow_runs r WHERE r.workflow_id = %(id)s);

-- name: workflow_publishing_locked
-- Lock out other publishers: two workflows that are valid alone may start each other forever.
SELECT pg_advisory_xact_lock(hashtextextended('workflows published', 0))::text;

-- name: workflow_publisher_written
-- Store the publisher of a workflow, and that principal's scope.
INSERT INTO workflow_publishers (workflow_id, principal, sees_restricted, team_keys)
VALUES (%(id)s, %(principal)s, %(sees_restricted)s, %(team_keys)s::text[])
ON CONFLICT (workflow_id) DO UPDATE SET principal = excluded.principal, sees_restricted = excluded.sees_restricted,
    team_keys = excluded.team_keys;

-- name: workflows_published_of_key
-- The published revisions of a key, locked until the transaction ends.
SELECT w.id, w.key, w.revision, w.name, w.description, w.state, w.trigger, w.version, w.updated_at, w.inputs
FROM workflows w WHERE w.key = %(key)s AND w.state = 'PUBLISHED' ORDER BY w.id FOR NO KEY UPDATE;

-- name: workflow_steps_deleted
-- Delete the steps of a revision.
DELETE FROM workflow_steps WHERE workflow_id = %(id)s;

-- name: workflow_steps_insert
-- Insert the steps of a revision, in this order.
INSERT INTO workflow_steps (id, workflow_id, key, position, name, kind, depends_on, configuration)
SELECT s.id, %(workflow_id)s::uuid, s.key, s.n, s.name, s.kind,
       ARRAY(SELECT jsonb_array_elements_text(s.depends_on)), s.configuration
FROM unnest(%(ids)s::uuid[], %(keys)s::text[], %(names)s::text[], %(kinds)s::text[], %(depends_on)s::jsonb[],
            %(configurations)s::jsonb[]) WITH ORDINALITY AS s (id, key, name, kind, depends_on, configuration, n);

-- name: workflow_steps_of
-- The steps of a revision, ordered by position.
SELECT s.id, s.workflow_id, s.key, s.position, s.name, s.kind, s.depends_on, s.configuration
FROM workflow_steps s WHERE s.workflow_id = %(id)s ORDER BY s.position, s.key;

-- name: workflow_items_of
-- The configuration items that a revision is meant for, ordered by id.
SELECT x.configuration_item_id FROM workflow_configuration_items x WHERE x.workflow_id = %(id)s
ORDER BY x.configuration_item_id;

-- name: workflow_items_replaced
-- Replace the configuration items that a revision is meant for.
WITH gone AS (
    DELETE FROM workflow_configuration_items
    WHERE workflow_id = %(id)s AND configuration_item_id <> ALL(%(items)s::uuid[]))
INSERT INTO workflow_configuration_items (workflow_id, configuration_item_id)
SELECT %(id)s::uuid, item FROM unnest(%(items)s::uuid[]) AS item ORDER BY item
ON CONFLICT DO NOTHING;

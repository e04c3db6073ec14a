-- name: relationship_ends
-- Items and their status, ordered by id; locked until the transaction ends.
SELECT id AS lookup_key, status AS value FROM configuration_items WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR SHARE;

-- name: relationship_types_held
-- Types and their impact, ordered by key; locked until the transaction ends.
SELECT key AS lookup_key, impact AS value
FROM relationship_types WHERE key = ANY(%(keys)s::text[]) ORDER BY key FOR SHARE;

-- name: relationships_insert
-- Insert any number of relationships by one statement, with the impact of their types; no row if one with the same
-- ends, type and source exists. Waits for a concurrent insert of the same one.
INSERT INTO relationships
    (id, from_id, to_id, type_key, source, attributes, redundancy_group_id, impact_from_id, impact_to_id)
SELECT n.id, n.from_id, n.to_id, n.type_key, n.source, n.attributes, n.group_id,
    CASE y.impact WHEN 'FORWARD' THEN n.from_id WHEN 'REVERSE' THEN n.to_id END,
    CASE y.impact WHEN 'FORWARD' THEN n.to_id WHEN 'REVERSE' THEN n.from_id END
FROM unnest(%(ids)s::uuid[], %(from_ids)s::uuid[], %(to_ids)s::uuid[], %(type_keys)s::text[], %(sources)s::text[],
            %(attributes)s::jsonb[], %(group_ids)s::uuid[])
    AS n (id, from_id, to_id, type_key, source, attributes, group_id)
JOIN relationship_types y ON y.key = n.type_key
ORDER BY n.from_id, n.to_id, n.type_key, n.source
ON CONFLICT (from_id, to_id, type_key, source) DO NOTHING
RETURNING id;

-- name: relationships_alike_locked
-- The relationships with these ends, types and sources, ordered by id, locked until the transaction ends.
SELECT r.id, r.from_id, r.to_id, r.type_key, r.source, r.attributes, r.redundancy_group_id, r.version, r.valid_from
FROM relationships r
WHERE (r.from_id, r.to_id, r.type_key, r.source) IN (
    SELECT * FROM unnest(%(from_ids)s::uuid[], %(to_ids)s::uuid[], %(type_keys)s::text[], %(sources)s::text[]))
ORDER BY r.id FOR UPDATE;

-- name: relationships_locked
-- Relationships by id, ordered by id, locked until the transaction ends.
SELECT r.id, r.from_id, r.to_id, r.type_key, r.source, r.attributes, r.redundancy_group_id, r.version, r.valid_from
FROM relationships r WHERE r.id = ANY(%(ids)s::uuid[]) ORDER BY r.id FOR UPDATE;

-- name: relationships_update
-- Update attributes and groups of any number of relationships; their trigger stores the previous version.
UPDATE relationships r SET attributes = n.attributes, redundancy_group_id = n.group_id
FROM unnest(%(ids)s::uuid[], %(attributes)s::jsonb[], %(group_ids)s::uuid[]) AS n (id, attributes, group_id)
WHERE r.id = n.id;

-- name: relationship_delete
-- Delete a relationship; its trigger stores the history.
DELETE FROM relationships WHERE id = %(id)s;

-- name: relationship_impacts
-- The direction in which relationships pass on failures: ids, and the items from and to; null if they do not.
SELECT r.id, r.impact_from_id, r.impact_to_id FROM relationships r WHERE r.id = ANY(%(ids)s::uuid[]) ORDER BY r.id;

-- name: redundancy_groups_locked
-- Redundancy groups by id, and the groups of some relationships, ordered by id, locked until the transaction ends,
-- with each dependent and the number of members it needs.
SELECT g.id, g.dependent_id, g.name, g.needed
FROM redundancy_groups g
WHERE g.id IN (
    SELECT unnest(%(ids)s::uuid[])
    UNION
    SELECT r.redundancy_group_id FROM relationships r WHERE r.id = ANY(%(relationship_ids)s::uuid[]))
ORDER BY g.id FOR UPDATE;

-- name: redundancy_group_insert
-- Insert a group by its dependent and name if there is none; locked until the transaction ends. Waits for a concurrent
-- insert of the same group.
INSERT INTO redundancy_groups (id, dependent_id, name, needed)
VALUES (%(id)s, %(dependent_id)s, %(name)s, %(needed)s)
ON CONFLICT (dependent_id, name) DO NOTHING
RETURNING true;

-- name: redundancy_group_named
-- The group of a dependent by name, locked until the transaction ends.
SELECT g.id, g.dependent_id, g.name, g.needed FROM redundancy_groups g
WHERE g.dependent_id = %(dependent_id)s AND g.name = %(name)s FOR UPDATE;

-- name: redundancy_group_update
-- Set the number of members that a group needs.
UPDATE redundancy_groups SET needed = %(needed)s WHERE id = %(id)s;

-- name: redundancy_group_delete
-- Delete a group.
DELETE FROM redundancy_groups WHERE id = %(id)s;

-- name: redundancy_group_relationships
-- The relationships in a group or with these ids, ordered by id, locked until the transaction ends.
SELECT r.id, r.from_id, r.to_id, r.type_key, r.source, r.attributes, r.redundancy_group_id, r.version, r.valid_from
FROM relationships r
WHERE r.id IN (
    SELECT unnest(%(ids)s::uuid[])
    UNION
    SELECT o.id FROM redundancy_groups g
    JOIN relationships o ON o.impact_to_id = g.dependent_id AND o.redundancy_group_id = g.id
    WHERE g.id = %(id)s)
ORDER BY r.id FOR UPDATE;

-- name: redundancy_group_members
-- The number of different items that are members of a group, without one relationship.
SELECT count(DISTINCT r.impact_from_id)
FROM redundancy_groups g JOIN relationships r ON r.impact_to_id = g.dependent_id AND r.redundancy_group_id = g.id
WHERE g.id = %(id)s AND r.id <> %(without)s;

-- name: relationships_by_ids
-- Relationships by id, in no order.
SELECT r.id AS lookup_key, r.id, r.from_id, r.to_id, r.type_key, r.source, r.attributes, r.redundancy_group_id,
       r.version, r.valid_from
FROM relationships r
WHERE r.id = ANY(%(keys)s::uuid[]);

-- name: redundancy_groups_by_ids
-- Redundancy groups by id with the items that are members of each, in no order.
SELECT g.id AS lookup_key, g.id, g.dependent_id, g.name, g.needed,
       ARRAY(SELECT DISTINCT r.impact_from_id FROM relationships r
             WHERE r.impact_to_id = g.dependent_id AND r.redundancy_group_id = g.id
             ORDER BY r.impact_from_id) AS members
FROM redundancy_groups g
WHERE g.id = ANY(%(keys)s::uuid[]);

-- name: configuration_item_classes_reserved
-- Lock out other writers of classes until the transaction ends, so that two of them cannot create a cycle.
LOCK TABLE configuration_item_classes IN SHARE ROW EXCLUSIVE MODE;

-- name: configuration_item_class_ancestry
-- A class and its ancestors, nearest first; none if there is no such class. A cycle ends it.
WITH RECURSIVE ascent (key, parent_key, depth) AS (
    SELECT c.key, c.parent_key, 0 FROM configuration_item_classes c WHERE c.key = %(key)s
    UNION ALL
    SELECT c.key, c.parent_key, a.depth + 1
    FROM ascent a JOIN configuration_item_classes c ON c.key = a.parent_key
)
CYCLE key SET again USING path
SELECT key FROM ascent ORDER BY depth;

-- name: configuration_item_class_current
-- A class by key.
SELECT c.key, c.parent_key, c.name, c.description FROM configuration_item_classes c WHERE c.key = %(key)s;

-- name: configuration_item_class_upsert
-- Insert or update a class.
INSERT INTO configuration_item_classes (key, parent_key, name, description)
VALUES (%(key)s, %(parent_key)s, %(name)s, %(description)s)
ON CONFLICT (key) DO UPDATE
SET parent_key = excluded.parent_key, name = excluded.name, description = excluded.description;

-- name: relationship_type_insert
-- Insert a relationship type; no row if one with the key exists. Waits for a concurrent insert of the same type.
INSERT INTO relationship_types (key, label, inverse_label, impact, description)
VALUES (%(key)s, %(label)s, %(inverse_label)s, %(impact)s, %(description)s)
ON CONFLICT (key) DO NOTHING
RETURNING true;

-- name: relationship_type_locked
-- A relationship type by key, locked until the transaction ends: it cannot be used in a new relationship meanwhile.
SELECT t.key, t.label, t.inverse_label, t.impact, t.description FROM relationship_types t WHERE t.key = %(key)s
FOR UPDATE;

-- name: relationship_type_update
-- Update a relationship type.
UPDATE relationship_types
SET label = %(label)s, inverse_label = %(inverse_label)s, impact = %(impact)s, description = %(description)s
WHERE key = %(key)s;

-- name: relationship_type_uses
-- The number of relationships of a type.
SELECT count(*) FROM relationships WHERE type_key = %(key)s;

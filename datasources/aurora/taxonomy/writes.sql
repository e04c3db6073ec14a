-- name: configuration_item_classes_reserved
-- Keep other writers of classes out until the transaction ends, so that two cannot close a circle together.
LOCK TABLE configuration_item_classes IN SHARE ROW EXCLUSIVE MODE;

-- name: configuration_item_class_ancestry
-- A class and the classes above it, nearest first; none if there is no such class. A circle ends it.
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
-- A class as it is to be, new or not.
INSERT INTO configuration_item_classes (key, parent_key, name, description)
VALUES (%(key)s, %(parent_key)s, %(name)s, %(description)s)
ON CONFLICT (key) DO UPDATE
SET parent_key = excluded.parent_key, name = excluded.name, description = excluded.description;

-- name: relationship_type_insert
-- A new relationship type; no row where there is one of the key. Waits for whoever makes it at the same time.
INSERT INTO relationship_types (key, label, inverse_label, impact, description)
VALUES (%(key)s, %(label)s, %(inverse_label)s, %(impact)s, %(description)s)
ON CONFLICT (key) DO NOTHING
RETURNING true;

-- name: relationship_type_locked
-- A relationship type by key, locked until the transaction ends: none can be related by it meanwhile.
SELECT t.key, t.label, t.inverse_label, t.impact, t.description FROM relationship_types t WHERE t.key = %(key)s
FOR UPDATE;

-- name: relationship_type_update
-- A relationship type as it is to be.
UPDATE relationship_types
SET label = %(label)s, inverse_label = %(inverse_label)s, impact = %(impact)s, description = %(description)s
WHERE key = %(key)s;

-- name: relationship_type_uses
-- How many relationships are of a type.
SELECT count(*) FROM relationships WHERE type_key = %(key)s;

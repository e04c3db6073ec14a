-- name: configuration_items_insert
-- Insert any number of configuration items by one statement; the database sets their versions and times.
INSERT INTO configuration_items (id, name, class_key, status, environment, criticality, owner_team_id, attributes)
SELECT n.id, n.name, n.class_key, n.status, n.environment, n.criticality, n.owner_team_id, n.attributes
FROM unnest(%(ids)s::uuid[], %(names)s::text[], %(class_keys)s::text[], %(statuses)s::text[],
            %(environments)s::text[], %(criticalities)s::text[], %(owner_team_ids)s::uuid[], %(attributes)s::jsonb[])
    AS n (id, name, class_key, status, environment, criticality, owner_team_id, attributes);

-- name: configuration_item_update
-- Update an item; its trigger stores the previous version.
UPDATE configuration_items
SET name = %(name)s, class_key = %(class_key)s, status = %(status)s, environment = %(environment)s,
    criticality = %(criticality)s, owner_team_id = %(owner_team_id)s, attributes = %(attributes)s::jsonb
WHERE id = %(id)s;

-- name: configuration_item_classes_known
-- Those of these classes that exist, locked until the transaction ends.
SELECT key FROM configuration_item_classes WHERE key = ANY(%(keys)s::text[]) ORDER BY key FOR KEY SHARE;

-- name: teams_known
-- Those of these teams that exist, locked until the transaction ends.
SELECT id FROM teams WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR KEY SHARE;

-- name: configuration_items_locked
-- The current versions of some items, ordered by id, locked until the transaction ends.
SELECT i.id, i.name, i.class_key, i.status, i.environment, i.criticality, i.owner_team_id, i.attributes, i.version,
       i.valid_from
FROM configuration_items i WHERE i.id = ANY(%(ids)s::uuid[]) ORDER BY i.id FOR UPDATE;

-- name: configuration_item_touch
-- Create a new version of an item with the same columns, because its identification keys changed.
UPDATE configuration_items SET name = name WHERE id = %(id)s;

-- name: identification_key_insert
-- Insert an identification key; no row if it is taken. Waits for a concurrent insert of the same key.
INSERT INTO configuration_item_keys (source, key, configuration_item_id) VALUES (%(source)s, %(key)s, %(id)s)
ON CONFLICT DO NOTHING
RETURNING true;

-- name: identification_key_holder
-- The id and name of the item that has an identification key.
SELECT i.id, i.name FROM configuration_item_keys k JOIN configuration_items i ON i.id = k.configuration_item_id
WHERE k.source = %(source)s AND k.key = %(key)s;

-- name: identification_key_delete
-- Remove an identification key from its item; one row if the item had it.
DELETE FROM configuration_item_keys
WHERE source = %(source)s AND key = %(key)s AND configuration_item_id = %(id)s
RETURNING true;

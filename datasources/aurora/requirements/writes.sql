-- name: requirement_insert
-- Insert a requirement and return it; no row if its key is taken.
INSERT INTO requirements (id, key, title, description, kind, priority)
VALUES (%(id)s, %(key)s, %(title)s, %(description)s, %(kind)s, %(priority)s)
ON CONFLICT (key) DO NOTHING
RETURNING id, key, title, description, kind, state, priority, version, updated_at;

-- name: requirement_locked
-- A requirement, locked until the transaction ends.
SELECT r.id, r.key, r.title, r.description, r.kind, r.state, r.priority, r.version, r.updated_at
FROM requirements r WHERE r.id = %(id)s FOR NO KEY UPDATE;

-- name: requirement_update
-- Update a locked requirement and return it.
UPDATE requirements SET
    title = %(title)s, description = %(description)s, kind = %(kind)s, state = %(state)s, priority = %(priority)s,
    version = version + 1, updated_at = statement_timestamp()
WHERE id = %(id)s
RETURNING id, key, title, description, kind, state, priority, version, updated_at;

-- name: requirement_items_linked
-- Link items to a requirement by their own ids, except those already linked by a key; return those that were not
-- linked before. A link that lost its item gets it again.
INSERT INTO requirement_configuration_items (requirement_id, source, key, configuration_item_id)
SELECT %(id)s::uuid, %(source)s, w.item::text, w.item FROM unnest(%(items)s::uuid[]) AS w (item)
WHERE NOT EXISTS (
    SELECT FROM requirement_configuration_items x
    WHERE x.requirement_id = %(id)s AND x.configuration_item_id = w.item)
ORDER BY w.item
ON CONFLICT (requirement_id, source, key) DO UPDATE SET configuration_item_id = excluded.configuration_item_id
RETURNING configuration_item_id;

-- name: requirement_items_unlinked
-- Delete links by any key; return the item of each.
DELETE FROM requirement_configuration_items
WHERE requirement_id = %(id)s AND configuration_item_id = ANY(%(items)s::uuid[])
RETURNING configuration_item_id;

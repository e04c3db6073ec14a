-- name: change_key_found
-- The change with this key in another system.
SELECT k.change_id FROM change_keys k WHERE k.source = %(source)s AND k.key = %(key)s;

-- name: change_key_kept
-- Store the key of a change in another system.
INSERT INTO change_keys (source, key, change_id) VALUES (%(source)s, %(key)s, %(id)s);

-- name: change_items_not_linked
-- Those of these items that a change is not linked to, ordered by id.
SELECT item FROM unnest(%(items)s::uuid[]) AS item
WHERE NOT EXISTS (
    SELECT FROM change_configuration_items x WHERE x.change_id = %(id)s AND x.configuration_item_id = item)
ORDER BY item;

-- name: change_key_found
-- The change that another system knows by this key.
SELECT k.change_id FROM change_keys k WHERE k.source = %(source)s AND k.key = %(key)s;

-- name: change_key_kept
-- By which key another system knows a change.
INSERT INTO change_keys (source, key, change_id) VALUES (%(source)s, %(key)s, %(id)s);

-- name: change_items_not_linked
-- Which of these items a change is not linked to, in order of id.
SELECT item FROM unnest(%(items)s::uuid[]) AS item
WHERE NOT EXISTS (
    SELECT FROM change_configuration_items x WHERE x.change_id = %(id)s AND x.configuration_item_id = item)
ORDER BY item;

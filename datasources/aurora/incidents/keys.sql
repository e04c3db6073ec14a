-- name: incident_key_found
-- The incident with this key in another system.
SELECT k.incident_id FROM incident_keys k WHERE k.source = %(source)s AND k.key = %(key)s;

-- name: incident_key_kept
-- Store the key of an incident in another system.
INSERT INTO incident_keys (source, key, incident_id) VALUES (%(source)s, %(key)s, %(id)s);

-- name: incident_items_not_linked
-- Those of these items that an incident is not linked to in a role, ordered by id.
SELECT item FROM unnest(%(items)s::uuid[]) AS item
WHERE NOT EXISTS (
    SELECT FROM incident_configuration_items x
    WHERE x.incident_id = %(id)s AND x.configuration_item_id = item AND x.role = %(role)s)
ORDER BY item;

-- name: incident_key_found
-- The incident that another system knows by this key.
SELECT k.incident_id FROM incident_keys k WHERE k.source = %(source)s AND k.key = %(key)s;

-- name: incident_key_kept
-- By which key another system knows an incident.
INSERT INTO incident_keys (source, key, incident_id) VALUES (%(source)s, %(key)s, %(id)s);

-- name: incident_items_not_linked
-- Which of these items an incident is not linked to in a role, in order of id.
SELECT item FROM unnest(%(items)s::uuid[]) AS item
WHERE NOT EXISTS (
    SELECT FROM incident_configuration_items x
    WHERE x.incident_id = %(id)s AND x.configuration_item_id = item AND x.role = %(role)s)
ORDER BY item;

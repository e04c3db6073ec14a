-- What is added to the landscape, in this order.

-- name: teams
INSERT INTO teams (id, key, name, contact)
SELECT md5('team' || n)::uuid, 'team-' || n, 'Team ' || n, 'team-' || n || '@example.org'
FROM generate_series(0, 199) n;

-- name: owners_and_attributes
-- Four keys an item; every eleventh has no owner.
UPDATE configuration_items c SET
    owner_team_id = CASE WHEN k.n %% 11 = 0 THEN NULL ELSE md5('team' || k.n %% 200)::uuid END,
    attributes = jsonb_build_object(
        'cpu', k.n %% 64, 'memory_gb', k.n %% 512, 'os', (ARRAY['debian', 'rhel', 'windows'])[1 + k.n %% 3],
        'tags', jsonb_build_array('t' || k.n %% 10, 'z' || k.n %% 4))
FROM (SELECT id, row_number() OVER (ORDER BY id)::int AS n FROM configuration_items) k WHERE k.id = c.id;

-- name: busy_items
-- 30 incidents more for each of the first items by name, so that a page of 20 is full.
INSERT INTO incident_configuration_items (incident_id, configuration_item_id, role)
SELECT i.id, c.id, 'AFFECTED'
FROM (SELECT id, row_number() OVER (ORDER BY name, id) AS n FROM configuration_items
      ORDER BY name, id LIMIT %(busy)s) c
CROSS JOIN generate_series(0, 29) k
JOIN (SELECT id, row_number() OVER (ORDER BY number) - 1 AS n FROM incidents) i
    ON i.n = (c.n * 30 + k) %% %(incidents)s
ON CONFLICT DO NOTHING;

-- name: changes
INSERT INTO changes (id, number, title, state, planned_start)
SELECT md5('change' || n)::uuid, 'CHG' || n, 'Change ' || n, 'SCHEDULED',
       timestamptz '2026-06-01 00:00:00Z' + n * interval '1 minute'
FROM generate_series(1, %(changes)s) n;

-- name: changes_of_items
INSERT INTO change_configuration_items (change_id, configuration_item_id)
SELECT md5('change' || c.n / 5)::uuid, c.id
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM configuration_items) c WHERE c.n %% 5 = 0;

-- name: latest_incidents
-- What PostGraphile shows as a field of an item: no foreign key says which incidents come first.
CREATE FUNCTION configuration_items_latest_incidents(item configuration_items) RETURNS SETOF incidents
LANGUAGE sql STABLE AS $$
    SELECT i.* FROM incidents i
    WHERE i.id IN (SELECT x.incident_id FROM incident_configuration_items x WHERE x.configuration_item_id = item.id)
    ORDER BY i.opened_at DESC, i.id DESC
$$;

-- name: items_by_name
-- What PostGraphile shows as a field of an incident.
CREATE FUNCTION incidents_items_by_name(incident incidents) RETURNS SETOF configuration_items
LANGUAGE sql STABLE AS $$
    SELECT c.* FROM configuration_items c
    WHERE c.id IN (SELECT x.configuration_item_id FROM incident_configuration_items x WHERE x.incident_id = incident.id)
    ORDER BY c.name, c.id
$$;

-- name: requirements_by_ids
-- Requirements by id, in no order.
SELECT r.id AS lookup_key, r.id, r.key, r.title, r.description, r.kind, r.state, r.priority, r.version, r.updated_at
FROM requirements r
WHERE r.id = ANY(%(keys)s::uuid[]);

-- name: requirements_by_keys
-- Requirements by key, in no order.
SELECT r.key AS lookup_key, r.id, r.key, r.title, r.description, r.kind, r.state, r.priority, r.version, r.updated_at
FROM requirements r
WHERE r.key = ANY(%(keys)s::text[]);

-- name: requirements_page
-- One page of requirements for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value,
       r.id, r.key, r.title, r.description, r.kind, r.state, r.priority, r.version, r.updated_at
FROM unnest(%(keys)s::uuid[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (SELECT r.* FROM /*from*/ /*where*/ ORDER BY /*order*/ LIMIT %(limit)s) r
ORDER BY k.n, /*order*/;

-- name: requirements_count
-- The number of requirements for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT count(*) AS n FROM /*from*/ /*where*/) counted;

-- name: requirements_groups
-- The number of requirements for each key and value of one field, largest groups first.
SELECT k.key AS lookup_key, grouped.value, grouped.n AS count
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT (/*group*/)::text AS value, count(*) AS n FROM /*from*/ /*where*/ GROUP BY 1) grouped
ORDER BY grouped.n DESC, grouped.value;

-- name: requirements_from
-- All requirements.
requirements r WHERE true;

-- name: requirements_from_configuration_item
-- The requirements that a configuration item must meet, without duplicates.
requirements r WHERE r.id IN (
    SELECT x.requirement_id FROM requirement_configuration_items x WHERE x.configuration_item_id = k.key);

-- name: configuration_item_ids_by_requirements
-- The ids of the configuration items that must meet each requirement, without duplicates, ordered by id. Links whose
-- item is unknown have none.
SELECT DISTINCT x.requirement_id AS lookup_key, x.configuration_item_id AS value
FROM requirement_configuration_items x
WHERE x.requirement_id = ANY(%(keys)s::uuid[]) AND x.configuration_item_id IS NOT NULL
ORDER BY x.requirement_id, x.configuration_item_id;

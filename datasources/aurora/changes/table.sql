-- name: changes_by_ids
-- Changes by id, in no order.
SELECT h.id AS lookup_key, h.id, h.number, h.title, h.description, h.type, h.state, h.risk, h.team_id, h.assignee_id,
       h.planned_start, h.planned_end, h.actual_start, h.actual_end, h.version, h.updated_at
FROM changes h
WHERE h.id = ANY(%(keys)s::uuid[]);

-- name: changes_by_numbers
-- Changes by number, in no order.
SELECT h.number AS lookup_key, h.id, h.number, h.title, h.description, h.type, h.state, h.risk, h.team_id,
       h.assignee_id, h.planned_start, h.planned_end, h.actual_start, h.actual_end, h.version, h.updated_at
FROM changes h
WHERE h.number = ANY(%(keys)s::text[]);

-- name: changes_page
-- One page of changes for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value,
       h.id, h.number, h.title, h.description, h.type, h.state, h.risk, h.team_id, h.assignee_id, h.planned_start,
       h.planned_end, h.actual_start, h.actual_end, h.version, h.updated_at
FROM unnest(%(keys)s::uuid[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (SELECT h.* FROM /*from*/ /*where*/ ORDER BY /*order*/ LIMIT %(limit)s) h
ORDER BY k.n, /*order*/;

-- name: changes_count
-- The number of changes for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT count(*) AS n FROM /*from*/ /*where*/) counted;

-- name: changes_groups
-- The number of changes for each key and value of one field, largest groups first.
SELECT k.key AS lookup_key, grouped.value, grouped.n AS count
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT (/*group*/)::text AS value, count(*) AS n FROM /*from*/ /*where*/ GROUP BY 1) grouped
ORDER BY grouped.n DESC, grouped.value;

-- name: changes_from
-- All changes.
changes h WHERE true;

-- name: changes_from_configuration_item
-- The changes of a configuration item.
changes h WHERE h.id IN (
    SELECT x.change_id FROM change_configuration_items x WHERE x.configuration_item_id = k.key);

-- name: changes_having_configuration_items
-- Changes with a configuration item that fulfils the predicate.
EXISTS (
    SELECT 1 FROM change_configuration_items x JOIN configuration_items c ON c.id = x.configuration_item_id
    WHERE x.change_id = h.id AND /*where*/);

-- name: changes_having_incidents
-- Changes with an incident that fulfils the predicate and is visible to the caller.
EXISTS (
    SELECT 1 FROM incidents i
    WHERE i.change_id = h.id
      AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
      AND /*where*/);

-- name: changes_having_team
-- Changes whose team fulfils the predicate.
EXISTS (SELECT 1 FROM teams t WHERE t.id = h.team_id AND /*where*/);

-- name: changes_having_assignee
-- Changes whose assignee fulfils the predicate.
EXISTS (SELECT 1 FROM users u WHERE u.id = h.assignee_id AND /*where*/);

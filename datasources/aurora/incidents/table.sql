-- name: incidents_by_ids
-- Incidents by id that are visible to the caller, in no order.
SELECT i.id AS lookup_key, i.id, i.number, i.title, i.description, i.state, i.impact, i.urgency, i.priority, i.category,
       i.team_id, i.assignee_id, i.restricted_team_id, i.change_id, i.resolution_code, i.resolution, i.opened_at,
       i.reopened_at, i.resolved_at, i.closed_at, i.attributes, i.version, i.updated_at
FROM incidents i
WHERE i.id = ANY(%(keys)s::uuid[])
  AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
       OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])));

-- name: incidents_by_numbers
-- Incidents by number that are visible to the caller, in no order.
SELECT i.number AS lookup_key, i.id, i.number, i.title, i.description, i.state, i.impact, i.urgency, i.priority,
       i.category, i.team_id, i.assignee_id, i.restricted_team_id, i.change_id, i.resolution_code, i.resolution,
       i.opened_at, i.reopened_at, i.resolved_at, i.closed_at, i.attributes, i.version, i.updated_at
FROM incidents i
WHERE i.number = ANY(%(keys)s::text[])
  AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
       OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])));

-- name: incidents_page
-- One page of visible incidents for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value,
       i.id, i.number, i.title, i.description, i.state, i.impact, i.urgency, i.priority, i.category, i.team_id,
       i.assignee_id, i.restricted_team_id, i.change_id, i.resolution_code, i.resolution, i.opened_at, i.reopened_at,
       i.resolved_at, i.closed_at, i.attributes, i.version, i.updated_at
FROM unnest(%(keys)s::uuid[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (
    SELECT i.* FROM /*from*/
      AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
      /*where*/
    ORDER BY /*order*/ LIMIT %(limit)s) i
ORDER BY k.n, /*order*/;

-- name: incidents_count
-- The number of visible incidents for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM /*from*/
      AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
      /*where*/) counted;

-- name: incidents_groups
-- The number of visible incidents for each key and value of one field, largest groups first.
SELECT k.key AS lookup_key, grouped.value, grouped.n AS count
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (
    SELECT (/*group*/)::text AS value, count(*) AS n FROM /*from*/
      AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
      /*where*/
    GROUP BY 1) grouped
ORDER BY grouped.n DESC, grouped.value;

-- name: incidents_from
-- All incidents.
incidents i WHERE true;

-- name: incidents_from_configuration_item
-- The incidents of a configuration item, without duplicates, in one role or any.
incidents i WHERE i.id IN (
    SELECT x.incident_id FROM incident_configuration_items x
    WHERE x.configuration_item_id = k.key AND (%(role)s::text IS NULL OR x.role = %(role)s));

-- name: incidents_from_team
-- The incidents that a team works on.
incidents i WHERE i.team_id = k.key;

-- name: incidents_from_change
-- The incidents related to a change.
incidents i WHERE i.change_id = k.key;

-- name: incidents_having_configuration_items
-- Incidents with a configuration item that fulfils the predicate.
EXISTS (
    SELECT 1 FROM incident_configuration_items x JOIN configuration_items c ON c.id = x.configuration_item_id
    WHERE x.incident_id = i.id AND /*where*/);

-- name: incidents_having_team
-- Incidents whose team fulfils the predicate.
EXISTS (SELECT 1 FROM teams t WHERE t.id = i.team_id AND /*where*/);

-- name: incidents_having_assignee
-- Incidents whose assignee fulfils the predicate.
EXISTS (SELECT 1 FROM users u WHERE u.id = i.assignee_id AND /*where*/);

-- name: incidents_having_change
-- Incidents whose change fulfils the predicate.
EXISTS (SELECT 1 FROM changes h WHERE h.id = i.change_id AND /*where*/);

-- name: incident_activities_by_incidents
-- The activities of each incident, oldest first. Callers that can see the incident may see them.
SELECT a.incident_id AS lookup_key, a.id, a.incident_id, a.key, a.kind, a.body, a.team_id, a.user_id, a.document_key,
       a.happened_at
FROM incident_activities a
WHERE a.incident_id = ANY(%(keys)s::uuid[])
ORDER BY a.happened_at, a.id;

-- name: incident_items_by_incidents
-- The configuration items of each incident in any role with their classes, by name. Callers that can see the incident
-- and may read configuration items may see them.
SELECT x.incident_id AS lookup_key, c.id, c.class_key
FROM (SELECT DISTINCT x.incident_id, x.configuration_item_id FROM incident_configuration_items x
      WHERE x.incident_id = ANY(%(keys)s::uuid[])) x
JOIN configuration_items c ON c.id = x.configuration_item_id
ORDER BY x.incident_id, c.name, c.id;

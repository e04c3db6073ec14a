-- name: incident_number
-- Reserve so many numbers and return the last one.
SELECT 'INC' || lpad(n::text, greatest(7, length(n::text)), '0')
FROM (SELECT max(nextval('incident_numbers')) AS n FROM generate_series(1, %(step)s)) numbered;

-- name: incident_insert
-- Insert an incident and return it; no row if its number is taken.
INSERT INTO incidents (id, number, title, description, impact, urgency, priority, category, team_id, assignee_id,
                       restricted_team_id, change_id)
VALUES (%(id)s, %(number)s, %(title)s, %(description)s, %(impact)s, %(urgency)s, %(priority)s, %(category)s,
        %(team_id)s, %(assignee_id)s, %(restricted_team_id)s, %(change_id)s)
ON CONFLICT (number) DO NOTHING
RETURNING id, number, title, description, state, impact, urgency, priority, category, team_id, assignee_id,
          restricted_team_id, change_id, resolution_code, resolution, opened_at, reopened_at, resolved_at, closed_at,
          attributes, version, updated_at;

-- name: incidents_locked
-- Incidents visible to the caller, ordered by id, locked until the transaction ends. Others are not waited for.
SELECT i.id, i.number, i.title, i.description, i.state, i.impact, i.urgency, i.priority, i.category, i.team_id,
       i.assignee_id, i.restricted_team_id, i.change_id, i.resolution_code, i.resolution, i.opened_at, i.reopened_at,
       i.resolved_at, i.closed_at, i.attributes, i.version, i.updated_at
FROM incidents i
WHERE i.id = ANY(%(ids)s::uuid[])
  AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
       OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
ORDER BY i.id FOR NO KEY UPDATE OF i;

-- name: incident_update
-- Update a locked incident and return it. The times in `stamps` are set to now, those in `clears` to null. The time is
-- that of the statement, since the transaction may have begun before that of an earlier writer.
UPDATE incidents SET
    title = %(title)s, description = %(description)s, state = %(state)s, impact = %(impact)s, urgency = %(urgency)s,
    priority = %(priority)s, category = %(category)s, team_id = %(team_id)s, assignee_id = %(assignee_id)s,
    resolution_code = %(resolution_code)s, resolution = %(resolution)s,
    reopened_at = CASE WHEN 'reopened_at' = ANY(%(stamps)s::text[]) THEN statement_timestamp()
                       WHEN 'reopened_at' = ANY(%(clears)s::text[]) THEN NULL ELSE reopened_at END,
    resolved_at = CASE WHEN 'resolved_at' = ANY(%(stamps)s::text[]) THEN statement_timestamp()
                       WHEN 'resolved_at' = ANY(%(clears)s::text[]) THEN NULL ELSE resolved_at END,
    closed_at = CASE WHEN 'closed_at' = ANY(%(stamps)s::text[]) THEN statement_timestamp()
                     WHEN 'closed_at' = ANY(%(clears)s::text[]) THEN NULL ELSE closed_at END,
    version = version + 1, updated_at = statement_timestamp()
WHERE id = %(id)s
RETURNING id, number, title, description, state, impact, urgency, priority, category, team_id, assignee_id,
          restricted_team_id, change_id, resolution_code, resolution, opened_at, reopened_at, resolved_at, closed_at,
          attributes, version, updated_at;

-- name: incident_activity_insert
-- Append an entry to the timeline of an incident with the current time, and its author if known.
INSERT INTO incident_activities (id, incident_id, key, kind, body, team_id, user_id, happened_at)
VALUES (%(id)s::uuid, %(incident_id)s, %(id)s::uuid::text, %(kind)s, %(body)s, %(team_id)s,
        (SELECT id FROM users WHERE key = %(user_key)s), statement_timestamp());

-- name: incident_items_linked
-- Link items to an incident in a role; return those that were not linked before.
INSERT INTO incident_configuration_items (incident_id, configuration_item_id, role)
SELECT %(id)s::uuid, item, %(role)s FROM unnest(%(items)s::uuid[]) AS item ORDER BY item
ON CONFLICT DO NOTHING
RETURNING configuration_item_id;

-- name: incident_items_unlinked
-- Unlink items from an incident in a role; return those that were linked.
DELETE FROM incident_configuration_items
WHERE incident_id = %(id)s AND role = %(role)s AND configuration_item_id = ANY(%(items)s::uuid[])
RETURNING configuration_item_id;

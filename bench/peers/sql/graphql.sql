-- What resolvers and loaders of the GraphQL peers ask; columns have the names of the schema's fields. "_key" is the key
-- that a loader asked for.

-- name: item
SELECT 'ci_' || c.id AS id, c.name, c.class_key AS "classKey", c.status, c.environment, c.criticality, c.attributes,
       c.valid_from AS "validFrom", c.owner_team_id AS "_owner"
FROM configuration_items c WHERE c.id = $1::uuid

-- name: items
SELECT 'ci_' || c.id AS id, c.name, c.class_key AS "classKey", c.status, c.environment, c.criticality, c.attributes,
       c.valid_from AS "validFrom", c.owner_team_id AS "_owner"
FROM configuration_items c ORDER BY c.name, c.id LIMIT $1::int

-- name: items_by_incidents
SELECT k.id AS "_key", c.*
FROM unnest($1::uuid[]) k (id) CROSS JOIN LATERAL (
    SELECT 'ci_' || c.id AS id, c.name, c.class_key AS "classKey", c.status, c.environment, c.criticality, c.attributes,
           c.valid_from AS "validFrom", c.owner_team_id AS "_owner"
    FROM configuration_items c
    WHERE c.id IN (SELECT x.configuration_item_id FROM incident_configuration_items x WHERE x.incident_id = k.id)
    ORDER BY c.name, c.id LIMIT $2::int) c

-- name: dependents_by_items
WITH RECURSIVE wave (start, depth, frontier, visited) AS (
    SELECT k.id, 0, ARRAY[k.id], ARRAY[k.id] FROM unnest($1::uuid[]) k (id)
    UNION ALL
    SELECT w.start, w.depth + 1, next.ids, w.visited || next.ids
    FROM wave w CROSS JOIN LATERAL (SELECT ARRAY(
        SELECT r.impact_to_id FROM unnest(w.frontier) f (id) JOIN relationships r ON r.impact_from_id = f.id
        WHERE r.impact_to_id IS NOT NULL
        EXCEPT SELECT unnest(w.visited)) AS ids) next
    WHERE w.depth < $2::int AND cardinality(w.visited) <= $3::int + 1 AND w.frontier <> '{}')
SELECT w.start AS "_key", w.depth AS "_depth", 'ci_' || c.id AS id, c.name, c.class_key AS "classKey", c.status,
       c.environment, c.criticality, c.attributes, c.valid_from AS "validFrom", c.owner_team_id AS "_owner"
FROM wave w CROSS JOIN LATERAL unnest(w.frontier) f (id) JOIN configuration_items c ON c.id = f.id
WHERE w.depth > 0 ORDER BY w.start, w.depth, c.id

-- name: incident
SELECT 'inc_' || i.id AS id, i.number, i.title, i.priority, i.state, i.opened_at AS "openedAt", i.team_id AS "_team"
FROM incidents i WHERE i.number = $1

-- name: incidents
SELECT 'inc_' || i.id AS id, i.number, i.title, i.priority, i.state, i.opened_at AS "openedAt", i.team_id AS "_team"
FROM incidents i WHERE i.state = $1 ORDER BY i.opened_at DESC, i.id DESC LIMIT $2::int

-- name: incidents_count
SELECT count(*)::int AS total FROM incidents i WHERE i.state = $1

-- name: incidents_by_items
SELECT k.id AS "_key", i.*
FROM unnest($1::uuid[]) k (id) CROSS JOIN LATERAL (
    SELECT 'inc_' || i.id AS id, i.number, i.title, i.priority, i.state, i.opened_at AS "openedAt", i.team_id AS "_team"
    FROM incidents i
    WHERE i.id IN (SELECT x.incident_id FROM incident_configuration_items x WHERE x.configuration_item_id = k.id)
      AND ($3::text[] IS NULL OR i.state = ANY($3::text[]))
    ORDER BY i.opened_at DESC, i.id DESC LIMIT $2::int) i

-- name: changes_by_items
SELECT k.id AS "_key", h.*
FROM unnest($1::uuid[]) k (id) CROSS JOIN LATERAL (
    SELECT h.number, h.title, h.planned_start AS "plannedStart"
    FROM changes h
    WHERE h.id IN (SELECT x.change_id FROM change_configuration_items x WHERE x.configuration_item_id = k.id)
      AND ($3::text[] IS NULL OR h.state = ANY($3::text[]))
    ORDER BY coalesce(h.planned_start, 'infinity') DESC, h.id DESC LIMIT $2::int) h

-- name: requirements_by_items
SELECT k.id AS "_key", r.*
FROM unnest($1::uuid[]) k (id) CROSS JOIN LATERAL (
    SELECT r.key, r.title FROM requirements r
    WHERE r.id IN (SELECT x.requirement_id FROM requirement_configuration_items x WHERE x.configuration_item_id = k.id)
    ORDER BY r.key, r.id LIMIT $2::int) r

-- name: teams
SELECT t.id AS "_key", t.key, t.contact FROM teams t WHERE t.id = ANY($1::uuid[])

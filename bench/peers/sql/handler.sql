-- Whole answers as JSON, one statement a query: the least that a server can do for these rows.

-- name: Q1
SELECT to_json(t)::text FROM (
    SELECT 'ci_' || c.id AS id, c.name, c.class_key AS "classKey", c.status, c.environment, c.criticality, c.attributes,
           c.valid_from AS "validFrom"
    FROM configuration_items c WHERE c.id = $1::uuid) t;

-- name: Q2
SELECT coalesce(json_agg(t), '[]')::text FROM (
    SELECT 'ci_' || c.id AS id, c.name, c.class_key AS "classKey", c.status, c.environment, c.criticality, c.attributes,
           c.valid_from AS "validFrom"
    FROM configuration_items c ORDER BY c.name, c.id LIMIT $1::int) t;

-- name: Q3
SELECT coalesce(json_agg(t), '[]')::text FROM (
    SELECT 'ci_' || c.id AS id, c.name, c.class_key AS "classKey", c.status, (
        SELECT json_build_object('nodes', coalesce(json_agg(i), '[]')) FROM (
            SELECT 'inc_' || i.id AS id, i.number, i.title, i.priority, i.state, i.opened_at AS "openedAt"
            FROM incidents i
            WHERE i.id IN (SELECT x.incident_id FROM incident_configuration_items x WHERE x.configuration_item_id = c.id)
            ORDER BY i.opened_at DESC, i.id DESC LIMIT $2::int) i) AS incidents
    FROM (SELECT * FROM configuration_items ORDER BY name, id LIMIT $1::int) c) t;

-- name: Q4
SELECT to_json(t)::text FROM (
    SELECT 'ci_' || c.id AS id, c.name, (
        SELECT json_build_object('nodes', coalesce(json_agg(d), '[]')) FROM (
            SELECT 'ci_' || d.id AS id, d.name, d.class_key AS "classKey", d.status, (
                SELECT json_build_object('nodes', coalesce(json_agg(e), '[]')) FROM (
                    SELECT 'ci_' || e.id AS id, e.name, e.class_key AS "classKey", e.status, e.environment, e.criticality
                    FROM (SELECT DISTINCT impact_to_id FROM relationships
                          WHERE impact_from_id = d.id AND impact_to_id <> d.id) r
                    JOIN configuration_items e ON e.id = r.impact_to_id ORDER BY e.id LIMIT 50) e) AS dependents
            FROM (SELECT DISTINCT impact_to_id FROM relationships
                  WHERE impact_from_id = c.id AND impact_to_id <> c.id) r
            JOIN configuration_items d ON d.id = r.impact_to_id ORDER BY d.id LIMIT 50) d) AS dependents
    FROM configuration_items c WHERE c.id = $1::uuid) t;

-- name: Q5
WITH page AS MATERIALIZED (
    SELECT i.*, row_number() OVER (ORDER BY opened_at DESC, id DESC) AS n,
           replace(encode(convert_to(opened_at || '|' || id, 'UTF8'), 'base64'), E'\n', '') AS cursor
    FROM incidents i WHERE state = $1 ORDER BY opened_at DESC, id DESC LIMIT $2::int + 1)
SELECT json_build_object(
    'totalCount', (SELECT count(*) FROM incidents WHERE state = $1),
    'pageInfo', json_build_object(
        'hasNextPage', (SELECT count(*) > $2::int FROM page),
        'endCursor', (SELECT cursor FROM page WHERE n <= $2::int ORDER BY n DESC LIMIT 1)),
    'edges', (
        SELECT coalesce(json_agg(json_build_object('cursor', i.cursor, 'node', (SELECT to_json(node) FROM (
            SELECT 'inc_' || i.id AS id, i.number, i.title, i.priority, i.state, i.opened_at AS "openedAt", (
                SELECT json_build_object('nodes', coalesce(json_agg(c), '[]')) FROM (
                    SELECT 'ci_' || c.id AS id, c.name, c.class_key AS "classKey", c.status FROM configuration_items c
                    WHERE c.id IN (SELECT x.configuration_item_id FROM incident_configuration_items x
                                   WHERE x.incident_id = i.id)
                    ORDER BY c.name, c.id LIMIT 5) c) AS "configurationItems") node)) ORDER BY i.n), '[]')
        FROM page i WHERE i.n <= $2::int))::text;

-- name: IncidentOverview
WITH RECURSIVE incident AS (SELECT * FROM incidents WHERE number = $1),
item AS (
    SELECT c.* FROM configuration_items c
    WHERE c.id IN (SELECT x.configuration_item_id FROM incident_configuration_items x, incident i
                   WHERE x.incident_id = i.id)
    ORDER BY c.name, c.id LIMIT 10),
wave (start, depth, frontier, visited) AS (
    SELECT id, 0, ARRAY[id], ARRAY[id] FROM item
    UNION ALL
    SELECT w.start, w.depth + 1, next.ids, w.visited || next.ids
    FROM wave w CROSS JOIN LATERAL (SELECT ARRAY(
        SELECT r.impact_to_id FROM unnest(w.frontier) f (id) JOIN relationships r ON r.impact_from_id = f.id
        WHERE r.impact_to_id IS NOT NULL
        EXCEPT SELECT unnest(w.visited)) AS ids) next
    WHERE w.depth < 3 AND cardinality(w.visited) <= 26 AND w.frontier <> '{}'),
reached AS MATERIALIZED (
    SELECT w.start, w.depth, f.id, row_number() OVER (PARTITION BY w.start ORDER BY w.depth, f.id) AS n
    FROM wave w CROSS JOIN LATERAL unnest(w.frontier) f (id) WHERE w.depth > 0)
SELECT (SELECT to_json(t)::text FROM (
            SELECT number, title, state, priority,
                   (SELECT to_json(m) FROM (SELECT key FROM teams WHERE id = i.team_id) m) AS team
            FROM incident i) t),
       (SELECT coalesce(json_agg(t), '[]')::text FROM (
            SELECT c.name, c.class_key AS "classKey", EXISTS (
                       SELECT FROM reached r WHERE r.start = c.id AND r.n > 25) AS truncated, (
                SELECT json_agg(edge) FROM (
                    SELECT r.depth, (SELECT to_json(node) FROM (
                        SELECT d.id AS "_id", d.name,
                            (SELECT to_json(m) FROM (SELECT key, contact FROM teams WHERE id = d.owner_team_id) m) AS owner,
                            (SELECT json_build_object('nodes', coalesce(json_agg(v), '[]')) FROM (
                                SELECT v.number, v.title, v.priority FROM incidents v
                                WHERE v.id IN (SELECT x.incident_id FROM incident_configuration_items x
                                               WHERE x.configuration_item_id = d.id)
                                  AND v.state IN ('NEW', 'IN_PROGRESS', 'ON_HOLD')
                                ORDER BY v.opened_at DESC, v.id DESC LIMIT 5) v) AS incidents,
                            (SELECT json_build_object('nodes', coalesce(json_agg(h), '[]')) FROM (
                                SELECT h.number, h.title, h.planned_start AS "plannedStart" FROM changes h
                                WHERE h.id IN (SELECT x.change_id FROM change_configuration_items x
                                               WHERE x.configuration_item_id = d.id)
                                  AND h.state IN ('PROPOSED', 'APPROVED', 'SCHEDULED')
                                ORDER BY coalesce(h.planned_start, 'infinity') DESC, h.id DESC LIMIT 5) h) AS changes
                        ) node) AS node
                    FROM reached r JOIN configuration_items d ON d.id = r.id
                    WHERE r.start = c.id AND r.n <= 25 ORDER BY r.n) edge) AS edges
            FROM item c ORDER BY c.name, c.id) t);

-- name: Requirements
SELECT k.id, (
    SELECT json_agg(r)::text FROM (
        SELECT r.key, r.title FROM requirements r
        WHERE r.id IN (SELECT x.requirement_id FROM requirement_configuration_items x
                       WHERE x.configuration_item_id = k.id)
        ORDER BY r.key, r.id LIMIT 5) r)
FROM unnest($1::uuid[]) k (id);

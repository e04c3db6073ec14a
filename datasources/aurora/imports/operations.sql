-- name: changes
-- Changes by number.
SELECT s.ordinal, s.line, s.number AS shown, NULL::text AS reason,
    array_remove(ARRAY[
        CASE WHEN s.team <> '' AND g.id IS NULL THEN 'team ' || s.team || ' is not known; left empty' END,
        CASE WHEN s.assignee <> '' AND u.id IS NULL THEN 'user ' || s.assignee || ' is not known; left empty' END
    ], NULL) AS notes,
    coalesce(e.id, s.id) AS id, s.number,
    coalesce(nullif(s.title, ''), e.title, s.number) AS title,
    coalesce(s.description, e.description, '') AS description,
    coalesce(nullif(s.type, ''), e.type, 'NORMAL') AS type,
    coalesce(nullif(s.state, ''), e.state, 'PROPOSED') AS state,
    coalesce(nullif(s.risk, ''), e.risk, 'UNKNOWN') AS risk,
    CASE WHEN s.team IS NULL THEN e.team_id ELSE g.id END AS team_id,
    CASE WHEN s.assignee IS NULL THEN e.assignee_id ELSE u.id END AS assignee_id,
    CASE WHEN s.planned_start IS NULL THEN e.planned_start ELSE nullif(s.planned_start, '')::timestamptz END
        AS planned_start,
    CASE WHEN s.planned_end IS NULL THEN e.planned_end ELSE nullif(s.planned_end, '')::timestamptz END AS planned_end,
    CASE WHEN s.actual_start IS NULL THEN e.actual_start ELSE nullif(s.actual_start, '')::timestamptz END
        AS actual_start,
    CASE WHEN s.actual_end IS NULL THEN e.actual_end ELSE nullif(s.actual_end, '')::timestamptz END AS actual_end
FROM staged s
LEFT JOIN changes e ON e.number = s.number
LEFT JOIN teams g ON g.key = s.team
LEFT JOIN users u ON u.key = s.assignee

-- name: change_items
-- Items that a change touches; the link waits while its item is unknown.
SELECT s.ordinal, s.line, s.change || ' touches ' || s.item AS shown,
    CASE WHEN c.id IS NULL THEN 'change ' || s.change || ' is not known' END AS reason,
    '{}'::text[] AS notes, /*waits*/
    c.id AS change_id, k.configuration_item_id
FROM staged s
LEFT JOIN changes c ON c.number = s.change
LEFT JOIN configuration_item_keys k ON k.source = s.item_source AND k.key = s.item

-- name: incidents
-- Incidents by number. An unknown restricting team rejects the row: without it everyone could read the incident.
SELECT s.ordinal, s.line, s.number AS shown,
    CASE WHEN s.restricted_team <> '' AND r.id IS NULL THEN
        'restricting team ' || s.restricted_team || ' is not known' END AS reason,
    array_remove(ARRAY[
        CASE WHEN s.team <> '' AND g.id IS NULL THEN 'team ' || s.team || ' is not known; left empty' END,
        CASE WHEN s.assignee <> '' AND u.id IS NULL THEN 'user ' || s.assignee || ' is not known; left empty' END,
        CASE WHEN s.change <> '' AND c.id IS NULL THEN 'change ' || s.change || ' is not known; left empty' END
    ], NULL) AS notes,
    coalesce(e.id, s.id) AS id, s.number,
    coalesce(nullif(s.title, ''), e.title, s.number) AS title,
    coalesce(s.description, e.description, '') AS description,
    coalesce(nullif(s.state, ''), e.state, 'NEW') AS state,
    coalesce(nullif(s.impact, '')::smallint, e.impact, 3::smallint) AS impact,
    coalesce(nullif(s.urgency, '')::smallint, e.urgency, 3::smallint) AS urgency,
    coalesce(nullif(s.priority, '')::smallint, e.priority, 3::smallint) AS priority,
    coalesce(s.category, e.category, '') AS category,
    CASE WHEN s.team IS NULL THEN e.team_id ELSE g.id END AS team_id,
    CASE WHEN s.assignee IS NULL THEN e.assignee_id ELSE u.id END AS assignee_id,
    CASE WHEN s.restricted_team IS NULL THEN e.restricted_team_id ELSE r.id END AS restricted_team_id,
    CASE WHEN s.change IS NULL THEN e.change_id ELSE c.id END AS change_id,
    coalesce(s.resolution_code, e.resolution_code, '') AS resolution_code,
    coalesce(s.resolution, e.resolution, '') AS resolution,
    coalesce(nullif(s.opened_at, '')::timestamptz, e.opened_at, now()) AS opened_at,
    CASE WHEN s.reopened_at IS NULL THEN e.reopened_at ELSE nullif(s.reopened_at, '')::timestamptz END AS reopened_at,
    CASE WHEN s.resolved_at IS NULL THEN e.resolved_at ELSE nullif(s.resolved_at, '')::timestamptz END AS resolved_at,
    CASE WHEN s.closed_at IS NULL THEN e.closed_at ELSE nullif(s.closed_at, '')::timestamptz END AS closed_at,
    (coalesce(e.attributes, '{}') || coalesce(s.attributes::jsonb, '{}')) - coalesce(s.dropped::text[], '{}')
        AS attributes
FROM staged s
LEFT JOIN incidents e ON e.number = s.number
LEFT JOIN teams g ON g.key = s.team
LEFT JOIN users u ON u.key = s.assignee
LEFT JOIN teams r ON r.key = s.restricted_team
LEFT JOIN changes c ON c.number = s.change

-- name: incident_items
-- Items that an incident affects or that caused it; the link waits while its item is unknown.
SELECT s.ordinal, s.line, s.incident || ' ' || lower(s.role) || ' ' || s.item AS shown,
    CASE WHEN i.id IS NULL THEN 'incident ' || s.incident || ' is not known' END AS reason,
    '{}'::text[] AS notes, /*waits*/
    i.id AS incident_id, k.configuration_item_id, s.role
FROM staged s
LEFT JOIN incidents i ON i.number = s.incident
LEFT JOIN configuration_item_keys k ON k.source = s.item_source AND k.key = s.item

-- name: activities
-- Activities by incident and key; the incident must be known.
SELECT s.ordinal, s.line, s.incident || ' ' || s.key AS shown,
    CASE WHEN i.id IS NULL THEN 'incident ' || s.incident || ' is not known' END AS reason,
    array_remove(ARRAY[
        CASE WHEN s.team <> '' AND g.id IS NULL THEN 'team ' || s.team || ' is not known; left empty' END,
        CASE WHEN s."user" <> '' AND u.id IS NULL THEN 'user ' || s."user" || ' is not known; left empty' END
    ], NULL) AS notes,
    coalesce(e.id, s.id) AS id, i.id AS incident_id, s.key, s.kind,
    coalesce(s.body, e.body, '') AS body,
    CASE WHEN s.team IS NULL THEN e.team_id ELSE g.id END AS team_id,
    CASE WHEN s."user" IS NULL THEN e.user_id ELSE u.id END AS user_id,
    coalesce(s.document, e.document_key, '') AS document_key,
    s.happened_at::timestamptz AS happened_at
FROM staged s
LEFT JOIN incidents i ON i.number = s.incident
LEFT JOIN incident_activities e ON e.incident_id = i.id AND e.key = s.key
LEFT JOIN teams g ON g.key = s.team
LEFT JOIN users u ON u.key = s."user"

-- name: documents
-- Runbooks and knowledge by key. An unknown restricting team rejects the row, as for incidents.
SELECT s.ordinal, s.line, s.key AS shown,
    CASE WHEN s.restricted_team <> '' AND r.id IS NULL THEN
        'restricting team ' || s.restricted_team || ' is not known' END AS reason,
    CASE WHEN s.team <> '' AND g.id IS NULL THEN ARRAY['team ' || s.team || ' is not known; left empty']
         ELSE '{}'::text[] END AS notes,
    coalesce(e.id, s.id) AS id, s.key,
    coalesce(nullif(s.kind, ''), e.kind, 'KNOWLEDGE') AS kind,
    coalesce(nullif(s.title, ''), e.title, s.key) AS title,
    coalesce(s.body, e.body, '') AS body, s.source,
    CASE WHEN s.team IS NULL THEN e.team_id ELSE g.id END AS team_id,
    CASE WHEN s.restricted_team IS NULL THEN e.restricted_team_id ELSE r.id END AS restricted_team_id
FROM staged s
LEFT JOIN documents e ON e.key = s.key
LEFT JOIN teams g ON g.key = s.team
LEFT JOIN teams r ON r.key = s.restricted_team

-- name: document_items
-- Items that a document is about; the link waits while its item is unknown.
SELECT s.ordinal, s.line, s.document || ' about ' || s.item AS shown,
    CASE WHEN d.id IS NULL THEN 'document ' || s.document || ' is not known' END AS reason,
    '{}'::text[] AS notes, /*waits*/
    d.id AS document_id, k.configuration_item_id
FROM staged s
LEFT JOIN documents d ON d.key = s.document
LEFT JOIN configuration_item_keys k ON k.source = s.item_source AND k.key = s.item

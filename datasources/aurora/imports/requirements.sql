-- name: requirements
-- Requirements by key.
SELECT s.ordinal, s.line, s.key AS shown, NULL::text AS reason, '{}'::text[] AS notes,
    coalesce(e.id, s.id) AS id, s.key,
    coalesce(nullif(s.title, ''), e.title, s.key) AS title,
    coalesce(s.description, e.description, '') AS description,
    coalesce(nullif(s.kind, ''), e.kind, 'FUNCTIONAL') AS kind,
    coalesce(nullif(s.state, ''), e.state, 'PROPOSED') AS state,
    coalesce(nullif(s.priority, ''), e.priority, 'MEDIUM') AS priority
FROM staged s LEFT JOIN requirements e ON e.key = s.key

-- name: requirement_items
-- Items that must meet a requirement, by identification key; their ids are read from the other database afterwards.
SELECT s.ordinal, s.line, s.requirement || ' for ' || s.item AS shown,
    CASE WHEN r.id IS NULL THEN 'requirement ' || s.requirement || ' is not known' END AS reason,
    '{}'::text[] AS notes, r.id AS requirement_id, s.item_source AS source, s.item AS key
FROM staged s LEFT JOIN requirements r ON r.key = s.requirement

-- name: unlinked_items
-- Keys without a configuration item, after the given one.
SELECT DISTINCT source, key FROM requirement_configuration_items
WHERE configuration_item_id IS NULL AND (source, key) > (%(source)s, %(key)s)
ORDER BY source, key LIMIT 10000

-- name: known_items
-- Configuration items with these keys, from the main database.
SELECT k.source, k.key, k.configuration_item_id::text
FROM configuration_item_keys k
JOIN unnest(%(sources)s::text[], %(keys)s::text[]) AS w (source, key) ON w.source = k.source AND w.key = k.key

-- name: link_items
-- Set the configuration items of links.
UPDATE requirement_configuration_items r SET configuration_item_id = w.id
FROM unnest(%(sources)s::text[], %(keys)s::text[], %(ids)s::uuid[]) AS w (source, key, id)
WHERE r.source = w.source AND r.key = w.key AND r.configuration_item_id IS NULL

-- name: relationships
-- Relationships by both ends, type and source, with the impact of the type; pending where an end is not known.
SELECT s.ordinal, s.line, s."from" || ' ' || s.type || ' ' || s."to" AS shown,
    CASE WHEN y.key IS NULL THEN 'relationship type ' || s.type || ' is not known'
         WHEN f.configuration_item_id = t.configuration_item_id THEN
             'a relationship of ' || s."from" || ' to itself: ' || s."to" || ' is another key of the same item' END
        AS reason,
    CASE WHEN g.id IS NULL AND s."group" <> '' AND f.key IS NOT NULL AND t.key IS NOT NULL THEN
        ARRAY['redundancy group ' || s."group" || ' is not known; the relationship goes in without it']
        ELSE '{}'::text[] END AS notes,
    f.key IS NULL OR t.key IS NULL AS pending,
    CASE WHEN f.key IS NULL OR t.key IS NULL THEN concat_ws(E'\x1f', s.from_source, s."from", s.to_source, s."to")
         ELSE f.configuration_item_id::text || t.configuration_item_id::text END AS ends,
    coalesce(e.id, s.id) AS id, f.configuration_item_id AS from_id, t.configuration_item_id AS to_id,
    s.type AS type_key, s.source,
    (coalesce(e.attributes, '{}') || coalesce(s.attributes::jsonb, '{}')) - coalesce(s.dropped::text[], '{}')
        AS attributes,
    CASE WHEN s."group" IS NULL THEN e.redundancy_group_id ELSE g.id END AS redundancy_group_id,
    CASE y.impact WHEN 'FORWARD' THEN f.configuration_item_id WHEN 'REVERSE' THEN t.configuration_item_id END
        AS impact_from_id,
    CASE y.impact WHEN 'FORWARD' THEN t.configuration_item_id WHEN 'REVERSE' THEN f.configuration_item_id END
        AS impact_to_id,
    s.from_source, s."from" AS from_key, s.to_source, s."to" AS to_key
FROM staged s
LEFT JOIN relationship_types y ON y.key = s.type
LEFT JOIN configuration_item_keys f ON f.source = s.from_source AND f.key = s."from"
LEFT JOIN configuration_item_keys t ON t.source = s.to_source AND t.key = s."to"
LEFT JOIN redundancy_groups g ON g.name = s."group" AND g.dependent_id =
    CASE y.impact WHEN 'FORWARD' THEN t.configuration_item_id ELSE f.configuration_item_id END
LEFT JOIN relationships e ON e.from_id = f.configuration_item_id AND e.to_id = t.configuration_item_id
    AND e.type_key = s.type AND e.source = s.source

-- name: keep_pending
-- Relationships of one batch whose ends are not known, kept for when the item arrives.
INSERT INTO pending_relationships
    (source, from_source, from_key, to_source, to_key, type_key, attributes)
SELECT p.source, p.from_source, p.from_key, p.to_source, p.to_key, p.type_key, p.attributes
FROM planned p
WHERE p.action = 'pending' AND p.ordinal > %(after)s AND p.ordinal <= %(upto)s
ON CONFLICT (source, from_source, from_key, to_source, to_key, type_key)
DO UPDATE SET last_seen = now(), attributes = excluded.attributes

-- name: settle_pending
-- Pending relationships whose ends are both known by now become relationships; %(ids)s are new ids in order.
WITH settled AS (
    SELECT p.*, f.configuration_item_id AS from_id, t.configuration_item_id AS to_id, y.impact,
        row_number() OVER (ORDER BY p.first_seen, p.source, p.from_source, p.from_key, p.to_source, p.to_key, p.type_key)
            AS nth
    FROM pending_relationships p
    JOIN relationship_types y ON y.key = p.type_key
    JOIN configuration_item_keys f ON f.source = p.from_source AND f.key = p.from_key
    JOIN configuration_item_keys t ON t.source = p.to_source AND t.key = p.to_key
    ORDER BY nth
    LIMIT cardinality(%(ids)s::uuid[])
),
gone AS (
    DELETE FROM pending_relationships p USING settled s
    WHERE (p.source, p.from_source, p.from_key, p.to_source, p.to_key, p.type_key)
        = (s.source, s.from_source, s.from_key, s.to_source, s.to_key, s.type_key)
    RETURNING 1
),
made AS (
    INSERT INTO relationships (id, from_id, to_id, type_key, source, attributes, impact_from_id, impact_to_id)
    SELECT (%(ids)s::uuid[])[nth], from_id, to_id, type_key, source, attributes,
        CASE impact WHEN 'FORWARD' THEN from_id WHEN 'REVERSE' THEN to_id END,
        CASE impact WHEN 'FORWARD' THEN to_id WHEN 'REVERSE' THEN from_id END
    FROM settled WHERE from_id <> to_id
    ON CONFLICT (from_id, to_id, type_key, source) DO NOTHING
    RETURNING 1
)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM made)

-- name: count_pending
-- How many pending relationships of these sources wait, and how many of them for nothing that is still missing.
SELECT count(*) FROM pending_relationships WHERE source = ANY(%(sources)s::text[])

-- name: any_item
-- One row when there is any configuration item.
SELECT 1 FROM configuration_items LIMIT 1

-- name: relationships
-- Relationships by both ends, type and source, with the impact of the type; pending if an end is unknown. A
-- relationship with an unknown group is written without it, and waits for the group.
SELECT s.ordinal, s.line, s."from" || ' ' || s.type || ' ' || s."to" AS shown,
    CASE WHEN y.key IS NULL THEN 'relationship type ' || s.type || ' is not known'
         WHEN octet_length(s.type) + octet_length(s.source) > 2600 THEN
             'the type and the source have ' || to_char(octet_length(s.type) + octet_length(s.source), 'FM999,999,999')
             || ' bytes together, above the limit of 2,600'
         WHEN f.configuration_item_id = t.configuration_item_id THEN
             'a relationship of ' || s."from" || ' to itself: ' || s."to" || ' is another key of the same item' END
        AS reason,
    CASE WHEN g.id IS NULL AND s."group" <> '' AND CASE y.impact WHEN 'FORWARD' THEN t.key ELSE f.key END IS NOT NULL THEN
        ARRAY['redundancy group ' || s."group" || ' is not known; the relationship waits for it'
            || CASE WHEN f.key IS NOT NULL AND t.key IS NOT NULL THEN ' and goes in without' ELSE '' END]
        ELSE '{}'::text[] END AS notes,
    f.key IS NULL OR t.key IS NULL AS pending,
    g.id IS NULL AND coalesce(s."group", '') <> '' AND f.key IS NOT NULL AND t.key IS NOT NULL AS lacks_group,
    s."group" IS NULL AS group_unmapped,
    CASE WHEN f.key IS NULL OR t.key IS NULL THEN concat_ws(E'\x1f', s.from_source, s."from", s.to_source, s."to")
         ELSE f.configuration_item_id::text || t.configuration_item_id::text END AS ends,
    CASE WHEN f.key IS NULL OR t.key IS NULL OR g.id IS NULL AND s."group" <> ''
            OR EXISTS (SELECT 1 FROM waiting_rows w WHERE w.entity = 'relationships') THEN
        encode(sha256(convert_to(jsonb_build_array(
            s.source, s.from_source, s."from", s.to_source, s."to", s.type)::text, 'UTF8')), 'hex') END
        AS waiting_identity,
    ARRAY[s.from_source, s.to_source] AS waiting_sources, ARRAY[s."from", s."to"] AS waiting_keys,
    coalesce(e.id, s.id) AS id, f.configuration_item_id AS from_id, t.configuration_item_id AS to_id,
    s.type AS type_key, s.source,
    (coalesce(e.attributes, '{}') || coalesce(s.attributes::jsonb, '{}')) - coalesce(s.dropped::text[], '{}')
        AS attributes,
    CASE WHEN s."group" IS NULL THEN e.redundancy_group_id ELSE g.id END AS redundancy_group_id,
    CASE y.impact WHEN 'FORWARD' THEN f.configuration_item_id WHEN 'REVERSE' THEN t.configuration_item_id END
        AS impact_from_id,
    CASE y.impact WHEN 'FORWARD' THEN t.configuration_item_id WHEN 'REVERSE' THEN f.configuration_item_id END
        AS impact_to_id
FROM staged s
LEFT JOIN relationship_types y ON y.key = s.type
LEFT JOIN configuration_item_keys f ON f.source = s.from_source AND f.key = s."from"
LEFT JOIN configuration_item_keys t ON t.source = s.to_source AND t.key = s."to"
LEFT JOIN redundancy_groups g ON g.name = s."group" AND g.dependent_id =
    CASE y.impact WHEN 'FORWARD' THEN t.configuration_item_id ELSE f.configuration_item_id END
LEFT JOIN relationships e ON e.from_id = f.configuration_item_id AND e.to_id = t.configuration_item_id
    AND e.type_key = s.type AND e.source = s.source

-- name: waits
-- Columns of a link that waits while its item is unknown: its owner must be known.
/*owner*/ IS NOT NULL AND k.key IS NULL AS pending, false AS lacks_group, false AS group_unmapped,
CASE WHEN k.key IS NULL THEN jsonb_build_array(/*identity*/)::text
     ELSE /*owner*/::text || k.configuration_item_id::text END AS ends,
CASE WHEN k.key IS NULL OR EXISTS (SELECT 1 FROM waiting_rows w WHERE w.entity = '/*entity*/') THEN
    encode(sha256(convert_to(jsonb_build_array(/*identity*/)::text, 'UTF8')), 'hex') END AS waiting_identity,
s.item_source AS source, ARRAY[s.item_source] AS waiting_sources, ARRAY[s.item] AS waiting_keys,

-- name: keep_waiting
-- Store the mapped rows of one batch whose items or group are unknown. A later row replaces the fields of an earlier
-- one.
INSERT INTO waiting_rows (entity, identity, source, item_sources, item_keys, fields, written)
SELECT %(entity)s, p.waiting_identity, p.source, p.waiting_sources, p.waiting_keys,
    jsonb_strip_nulls(to_jsonb(s) - '{ordinal,line,id,latest_by}'::text[]), p.lacks_group
FROM planned p JOIN staged s USING (ordinal)
WHERE (p.action = 'pending' OR (p.lacks_group AND p.action IN ('create', 'change', 'leave')))
    AND p.ordinal > %(after)s AND p.ordinal <= %(upto)s
ON CONFLICT (entity, identity) DO UPDATE SET last_seen = now(), written = excluded.written,
    fields = waiting_rows.fields || excluded.fields || CASE
        WHEN waiting_rows.fields ? 'attributes' AND excluded.fields ? 'attributes' THEN jsonb_build_object('attributes', (
            ((waiting_rows.fields ->> 'attributes')::jsonb || (excluded.fields ->> 'attributes')::jsonb)
            - coalesce(excluded.fields ->> 'dropped', '{}')::text[])::text)
        ELSE '{}' END

-- name: forget_waiting
-- Delete rows that wait no longer: their items are known, or a newer row with the same identity was written.
DELETE FROM waiting_rows w USING planned p
WHERE w.entity = %(entity)s AND w.identity = p.waiting_identity AND p.action <> 'pending' AND NOT p.lacks_group
    AND (%(settled)s OR (p.action IN ('create', 'change', 'leave') AND NOT (w.written AND p.group_unmapped)))

-- name: stage_ready
-- Stage the rows of an entity whose items are all known now, the oldest first, with new ids (UUIDv7, RFC 9562).
INSERT INTO staged (ordinal, line, id/*columns*/)
SELECT row_number() OVER (ORDER BY w.first_seen, w.identity), 0,
    encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
        FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid/*values*/
FROM waiting_rows w
WHERE w.entity = %(entity)s AND NOT EXISTS (
    SELECT 1 FROM unnest(w.item_sources, w.item_keys) a (source, key)
    WHERE NOT EXISTS (SELECT 1 FROM configuration_item_keys k WHERE k.source = a.source AND k.key = a.key))

-- name: any_waiting
-- The entities with waiting rows.
SELECT DISTINCT entity FROM waiting_rows

-- name: count_waiting
-- The number of rows of each entity that wait for an item: relationships of these sources, links of any.
SELECT entity, count(*) FROM waiting_rows
WHERE NOT written AND (entity <> 'relationships' OR source = ANY(%(sources)s::text[]))
GROUP BY entity ORDER BY entity

-- name: any_item
-- One row if there is any configuration item.
SELECT 1 FROM configuration_items LIMIT 1

-- name: count_lacking
-- The number of rows that are written and wait for their group.
SELECT count(*) FROM planned WHERE lacks_group AND action IN ('create', 'change', 'leave')

-- name: teams
-- Teams by key.
SELECT s.ordinal, s.line, s.key AS shown, NULL::text AS reason, '{}'::text[] AS notes,
    coalesce(e.id, s.id) AS id, s.key,
    coalesce(nullif(s.name, ''), e.name, s.key) AS name,
    coalesce(s.description, e.description, '') AS description,
    coalesce(s.contact, e.contact, '') AS contact
FROM staged s LEFT JOIN teams e ON e.key = s.key

-- name: users
-- Users by key.
SELECT s.ordinal, s.line, s.key AS shown, NULL::text AS reason, '{}'::text[] AS notes,
    coalesce(e.id, s.id) AS id, s.key,
    coalesce(nullif(s.name, ''), e.name, s.key) AS name,
    coalesce(s.email, e.email, '') AS email,
    coalesce(nullif(s.active, '')::boolean, e.active, true) AS active
FROM staged s LEFT JOIN users e ON e.key = s.key

-- name: memberships
-- Memberships by team and user; both must be known.
SELECT s.ordinal, s.line, s."user" || ' in ' || s.team AS shown,
    CASE WHEN t.id IS NULL THEN 'team ' || s.team || ' is not known'
         WHEN u.id IS NULL THEN 'user ' || s."user" || ' is not known' END AS reason,
    '{}'::text[] AS notes, t.id AS team_id, u.id AS user_id,
    coalesce(nullif(s.role, ''), e.role, 'MEMBER') AS role
FROM staged s
LEFT JOIN teams t ON t.key = s.team
LEFT JOIN users u ON u.key = s."user"
LEFT JOIN team_memberships e ON e.team_id = t.id AND e.user_id = u.id

-- name: classes
-- Classes by key; a parent may be anywhere in the same file.
SELECT s.ordinal, s.line, s.key AS shown,
    CASE WHEN s.parent = s.key THEN 'class ' || s.key || ' is its own parent'
         WHEN s.parent <> '' AND p.key IS NULL AND NOT EXISTS (SELECT 1 FROM staged o WHERE o.key = s.parent)
         THEN 'parent class ' || s.parent || ' is not known' END AS reason,
    '{}'::text[] AS notes, s.key,
    CASE WHEN s.parent IS NULL THEN e.parent_key ELSE nullif(s.parent, '') END AS parent_key,
    coalesce(nullif(s.name, ''), e.name, s.key) AS name,
    coalesce(s.description, e.description, '') AS description
FROM staged s
LEFT JOIN configuration_item_classes e ON e.key = s.key
LEFT JOIN configuration_item_classes p ON p.key = s.parent

-- name: relationship_types
-- Relationship types by key. The impact of a type in use can't change, because each relationship stores it normalised.
SELECT s.ordinal, s.line, s.key AS shown,
    CASE WHEN e.impact <> s.impact AND EXISTS (SELECT 1 FROM relationships r WHERE r.type_key = s.key)
         THEN 'the impact of ' || s.key || ' is ' || e.impact || ' and in use; give the new impact a new key' END
        AS reason,
    '{}'::text[] AS notes, s.key,
    coalesce(nullif(s.label, ''), e.label, replace(s.key, '_', ' ')) AS label,
    coalesce(nullif(s.inverse_label, ''), e.inverse_label, replace(s.key, '_', ' ') || ' of') AS inverse_label,
    s.impact, coalesce(s.description, e.description, '') AS description
FROM staged s LEFT JOIN relationship_types e ON e.key = s.key

-- name: spread_keys
-- Create a table of the identification keys of the staged items, one per row, with the item that has each.
CREATE TEMP TABLE staged_keys AS
WITH named AS (
    SELECT s.ordinal, s.source, s.key, true AS own FROM staged s
    UNION ALL
    SELECT s.ordinal, j.key, j.value, false FROM staged s CROSS JOIN jsonb_each_text(nullif(s.keys, '')::jsonb) j
    WHERE j.value <> '' AND (j.key, j.value) <> (s.source, s.key)
)
SELECT n.ordinal, n.source, n.key, n.own, k.configuration_item_id AS item_id
FROM named n LEFT JOIN configuration_item_keys k ON k.source = n.source AND k.key = n.key

-- name: measure_keys
-- Analyze the keys, so that the planner knows their number.
ANALYZE staged_keys

-- name: configuration_items
-- Items by any of their identification keys; attributes are merged, and those that the row leaves empty are removed.
-- An item that a prune retired gets its previous status. A row of the index of keys has room for 2,600 bytes.
SELECT s.ordinal, s.line, s.key AS shown,
    CASE WHEN k.found > 1 THEN 'the keys of ' || s.key || ' belong to ' || k.found || ' different items'
         WHEN k.nameless THEN 'an identification key of ' || s.key || ' has no source; name one'
         WHEN k.bytes > 2600 THEN
             'an identification key and its source have ' || to_char(k.bytes, 'FM999,999,999') || ' bytes together, above the limit of 2,600'
         WHEN coalesce(nullif(s.class, ''), e.class_key) IS NULL THEN
             'the class of ' || s.key || ' is missing; a new item needs one'
         WHEN c.key IS NULL THEN 'class ' || s.class || ' is not known' END AS reason,
    array_remove(ARRAY[CASE WHEN s.owner <> '' AND o.id IS NULL THEN
        'owner team ' || s.owner || ' is not known; the item goes in without an owner' END], NULL) AS notes,
    coalesce(k.id, s.id) AS id, s.source, s.key, k.id IS NOT NULL AND k.gained > 0 AS gains_keys,
    coalesce(nullif(s.name, ''), e.name, s.key) AS name, coalesce(nullif(s.class, ''), e.class_key) AS class_key,
    coalesce(nullif(s.status, ''), CASE WHEN e.status = 'RETIRED' THEN r.status END, e.status, 'ACTIVE') AS status,
    coalesce(nullif(s.environment, ''), e.environment, 'UNKNOWN') AS environment,
    coalesce(nullif(s.criticality, ''), e.criticality, 'MEDIUM') AS criticality,
    CASE WHEN s.owner IS NULL THEN e.owner_team_id ELSE o.id END AS owner_team_id,
    (coalesce(e.attributes, '{}') || coalesce(s.attributes::jsonb, '{}')) - coalesce(s.dropped::text[], '{}')
        AS attributes
FROM staged s
JOIN (
    SELECT ordinal, count(DISTINCT item_id) AS found, min(item_id::text)::uuid AS id,
        count(*) FILTER (WHERE item_id IS NULL) AS gained, bool_or(source = '') AS nameless,
        max(octet_length(source) + octet_length(key)) AS bytes
    FROM staged_keys GROUP BY ordinal
) k ON k.ordinal = s.ordinal
LEFT JOIN configuration_items e ON e.id = k.id
LEFT JOIN pruned_items r ON r.configuration_item_id = e.id
LEFT JOIN configuration_item_classes c ON c.key = coalesce(nullif(s.class, ''), e.class_key)
LEFT JOIN teams o ON o.key = s.owner

-- name: shared_keys
-- Rows that share an item or a new key with another row, with the shared key, in the order in which rows win.
WITH tokens AS (
    SELECT ordinal, source, key, own, coalesce(item_id::text, source || E'\x1f' || key) AS token FROM staged_keys
),
shared AS (
    SELECT token, row_number() OVER () AS number FROM tokens GROUP BY token HAVING min(ordinal) < max(ordinal)
)
SELECT p.ordinal, p.line, h.number, CASE WHEN t.own THEN '' ELSE left(t.key, 60) || ' of ' || left(t.source, 60) END
FROM tokens t
JOIN shared h USING (token)
JOIN planned p USING (ordinal)
JOIN staged s USING (ordinal)
WHERE p.reason IS NULL
ORDER BY /*order*/

-- name: make_repeats
-- Create the table of rows that lose to another row.
CREATE TEMP TABLE repeats (ordinal bigint, winner bigint, line bigint, shared text, action text)

-- name: copy_repeats
-- Copy into the table of repeats.
COPY repeats FROM STDIN

-- name: measure_repeats
-- Analyze the repeats, so that the planner knows their number.
ANALYZE repeats

-- name: mark_shared
-- Mark rows that share a key with a winning row: rejected with both lines, or repeats of its item.
UPDATE planned p SET action = r.action, first_line = r.line, shared = nullif(r.shared, ''), id = w.id
FROM repeats r JOIN planned w ON w.ordinal = r.winner
WHERE p.ordinal = r.ordinal

-- name: gain_of_repeats
-- Mark an unchanged item as changed if its repeats add keys.
UPDATE planned p SET action = 'change'
WHERE p.action = 'leave' AND p.ordinal IN (
    SELECT r.winner FROM repeats r JOIN staged_keys k ON k.ordinal = r.ordinal
    WHERE r.action = 'repeat' AND k.item_id IS NULL)

-- name: keep_keys
-- Insert the identification keys of one batch of items; those of repeats are inserted with the winning row.
INSERT INTO configuration_item_keys (source, key, configuration_item_id)
SELECT k.source, k.key, p.id
FROM planned p JOIN staged_keys k ON k.ordinal = p.ordinal
WHERE p.action IN ('create', 'change') AND p.ordinal > %(after)s AND p.ordinal <= %(upto)s AND k.item_id IS NULL
ON CONFLICT (source, key) DO NOTHING

-- name: keep_keys_of_repeats
-- Insert the keys of repeats, after the winning rows are written.
INSERT INTO configuration_item_keys (source, key, configuration_item_id)
SELECT k.source, k.key, p.id
FROM planned p JOIN staged_keys k ON k.ordinal = p.ordinal JOIN configuration_items c ON c.id = p.id
WHERE p.action = 'repeat' AND k.item_id IS NULL
ON CONFLICT (source, key) DO NOTHING

-- name: redundancy_groups
-- Groups of a dependent, of which `needed` members must be healthy; a group waits while its dependent is unknown.
SELECT s.ordinal, s.line, s.name || ' of ' || s.item AS shown,
    NULL::text AS reason, '{}'::text[] AS notes, /*waits*/
    coalesce(e.id, s.id) AS id, k.configuration_item_id AS dependent_id, s.name, s.needed::integer AS needed
FROM staged s
LEFT JOIN configuration_item_keys k ON k.source = s.item_source AND k.key = s.item
LEFT JOIN redundancy_groups e ON e.dependent_id = k.configuration_item_id AND e.name = s.name

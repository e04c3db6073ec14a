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
-- Who belongs to which team; both must be known.
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
-- Classes by key; a parent may stand anywhere in the same file.
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
-- Types of relationships by key. The impact of a type in use can't change: each relationship stores it normalised.
SELECT s.ordinal, s.line, s.key AS shown,
    CASE WHEN e.impact <> s.impact AND EXISTS (SELECT 1 FROM relationships r WHERE r.type_key = s.key)
         THEN 'the impact of ' || s.key || ' is ' || e.impact || ' and in use; give the new impact a new key' END
        AS reason,
    '{}'::text[] AS notes, s.key,
    coalesce(nullif(s.label, ''), e.label, replace(s.key, '_', ' ')) AS label,
    coalesce(nullif(s.inverse_label, ''), e.inverse_label, replace(s.key, '_', ' ') || ' of') AS inverse_label,
    s.impact, coalesce(s.description, e.description, '') AS description
FROM staged s LEFT JOIN relationship_types e ON e.key = s.key

-- name: configuration_items
-- Items by any of their identification keys; attributes are merged, and those the row leaves empty are removed.
SELECT s.ordinal, s.line, s.key AS shown,
    CASE WHEN k.found > 1 THEN 'the keys of ' || s.key || ' belong to ' || k.found || ' different items'
         WHEN coalesce(nullif(s.class, ''), e.class_key) IS NULL THEN
             'the class of ' || s.key || ' is missing; a new item needs one'
         WHEN c.key IS NULL THEN 'class ' || s.class || ' is not known' END AS reason,
    array_remove(ARRAY[CASE WHEN s.owner <> '' AND o.id IS NULL THEN
        'owner team ' || s.owner || ' is not known; the item goes in without an owner' END], NULL) AS notes,
    coalesce(k.id::text, s.source || E'\x1f' || s.key) AS identity,
    coalesce(k.id, s.id) AS id, s.source, s.key, nullif(s.keys, '')::jsonb AS keys,
    s.keys <> '' AND k.id IS NOT NULL AND EXISTS (
        SELECT 1 FROM jsonb_each_text(nullif(s.keys, '')::jsonb) j
        WHERE j.value <> '' AND NOT EXISTS (
            SELECT 1 FROM configuration_item_keys n WHERE n.source = j.key AND n.key = j.value))
    OR (k.id IS NOT NULL AND m.configuration_item_id IS NULL) AS gains_keys,
    coalesce(nullif(s.name, ''), e.name, s.key) AS name, coalesce(nullif(s.class, ''), e.class_key) AS class_key,
    coalesce(nullif(s.status, ''), e.status, 'ACTIVE') AS status,
    coalesce(nullif(s.environment, ''), e.environment, 'UNKNOWN') AS environment,
    coalesce(nullif(s.criticality, ''), e.criticality, 'MEDIUM') AS criticality,
    CASE WHEN s.owner IS NULL THEN e.owner_team_id ELSE o.id END AS owner_team_id,
    (coalesce(e.attributes, '{}') || coalesce(s.attributes::jsonb, '{}')) - coalesce(s.dropped::text[], '{}')
        AS attributes
FROM staged s
LEFT JOIN configuration_item_keys m ON m.source = s.source AND m.key = s.key
CROSS JOIN LATERAL (
    SELECT count(DISTINCT a.id) AS found, (min(a.id::text))::uuid AS id
    FROM (SELECT m.configuration_item_id AS id WHERE m.configuration_item_id IS NOT NULL
          UNION ALL
          SELECT n.configuration_item_id
          FROM jsonb_each_text(nullif(s.keys, '')::jsonb) j
          JOIN configuration_item_keys n ON n.source = j.key AND n.key = j.value) a
) k
LEFT JOIN configuration_items e ON e.id = k.id
LEFT JOIN configuration_item_classes c ON c.key = coalesce(nullif(s.class, ''), e.class_key)
LEFT JOIN teams o ON o.key = s.owner

-- name: keep_keys
-- The identification keys of one batch of items.
INSERT INTO configuration_item_keys (source, key, configuration_item_id)
SELECT p.source, p.key, p.id FROM planned p
WHERE p.action IN ('create', 'change') AND p.ordinal > %(after)s AND p.ordinal <= %(upto)s
UNION ALL
SELECT j.key, j.value, p.id FROM planned p CROSS JOIN jsonb_each_text(p.keys) j
WHERE p.action IN ('create', 'change') AND p.ordinal > %(after)s AND p.ordinal <= %(upto)s AND j.value <> ''
ON CONFLICT (source, key) DO NOTHING

-- name: redundancy_groups
-- Groups of a dependent, of which `needed` members must be healthy.
SELECT s.ordinal, s.line, s.name || ' of ' || s.item AS shown,
    CASE WHEN k.key IS NULL THEN 'configuration item ' || s.item || ' is not known' END AS reason,
    '{}'::text[] AS notes, coalesce(e.id, s.id) AS id, k.configuration_item_id AS dependent_id, s.name,
    s.needed::integer AS needed
FROM staged s
LEFT JOIN configuration_item_keys k ON k.source = s.item_source AND k.key = s.item
LEFT JOIN redundancy_groups e ON e.dependent_id = k.configuration_item_id AND e.name = s.name

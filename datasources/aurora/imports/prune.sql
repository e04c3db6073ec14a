-- name: drop_seen
-- Drop the tables of an earlier import.
DROP TABLE IF EXISTS seen_items, seen_relationships, gone_relationships, gone_waiting, gone_keys, gone_items

-- name: make_seen_items
-- Create the table of item keys that the files of this import name, including ends of relationships.
CREATE TEMP TABLE seen_items (source text, key text)

-- name: make_seen_relationships
-- Create the table of ends and types of the relationships in the files of this import.
CREATE TEMP TABLE seen_relationships
    (source text, from_source text, from_key text, to_source text, to_key text, type_key text)

-- name: see_configuration_items
-- Record the keys of this section, including rejected rows: an invalid row is not a missing one.
INSERT INTO seen_items SELECT source, key FROM staged

-- name: see_ends
-- Record the items at the ends of this section's relationships.
INSERT INTO seen_items SELECT from_source, "from" FROM staged UNION SELECT to_source, "to" FROM staged

-- name: see_relationships
-- Record the relationships of this section, including rejected rows.
INSERT INTO seen_relationships SELECT source, from_source, "from", to_source, "to", type FROM staged

-- name: staged_source
-- One row if a staged row is of this source.
SELECT 1 FROM staged WHERE source = %(source)s LIMIT 1

-- name: measure
-- Analyze a table of this import, so that the planner knows its size.
ANALYZE /*table*/

-- name: gone_relationships
-- Find the source's relationships that are in no file.
CREATE TEMP TABLE gone_relationships AS
WITH present AS (
    SELECT DISTINCT f.configuration_item_id AS from_id, t.configuration_item_id AS to_id, s.type_key
    FROM seen_relationships s
    JOIN configuration_item_keys f ON f.source = s.from_source AND f.key = s.from_key
    JOIN configuration_item_keys t ON t.source = s.to_source AND t.key = s.to_key
    WHERE s.source = %(source)s
)
SELECT r.id, r.from_id, r.to_id, r.type_key
FROM relationships r
LEFT JOIN present p ON p.from_id = r.from_id AND p.to_id = r.to_id AND p.type_key = r.type_key
WHERE r.source = %(source)s AND %(covered)s AND p.from_id IS NULL

-- name: gone_waiting
-- Find the source's waiting relationships that are in no file.
CREATE TEMP TABLE gone_waiting AS
SELECT w.identity
FROM waiting_rows w
LEFT JOIN (SELECT DISTINCT * FROM seen_relationships) s ON s.source = w.source
    AND s.from_source = w.fields ->> 'from_source' AND s.from_key = w.fields ->> 'from'
    AND s.to_source = w.fields ->> 'to_source' AND s.to_key = w.fields ->> 'to' AND s.type_key = w.fields ->> 'type'
WHERE w.entity = 'relationships' AND w.source = %(source)s AND %(covered)s AND s.source IS NULL

-- name: gone_keys
-- Find the source's keys that are in no file; `last` if the item has no other key left.
CREATE TEMP TABLE gone_keys AS
WITH absent AS (
    SELECT k.source, k.key, k.configuration_item_id AS item_id
    FROM configuration_item_keys k
    LEFT JOIN (SELECT DISTINCT source, key FROM seen_items) s ON s.source = k.source AND s.key = k.key
    WHERE k.source = %(source)s AND %(covered)s AND s.key IS NULL
),
kept AS (
    SELECT DISTINCT k.configuration_item_id AS item_id
    FROM configuration_item_keys k
    LEFT JOIN absent a ON a.source = k.source AND a.key = k.key
    WHERE a.key IS NULL
)
SELECT a.source, a.key, a.item_id, k.item_id IS NULL AS last
FROM absent a LEFT JOIN kept k ON k.item_id = a.item_id

-- name: gone_items
-- Find items that no source names any longer, and whether records that remain refer to them. Uses joins of sets, since
-- a check per item would search all removed relationships.
CREATE TEMP TABLE gone_items AS
WITH last AS (SELECT DISTINCT item_id AS id FROM gone_keys WHERE last),
pointed AS (
    SELECT l.id FROM last l JOIN relationships r ON r.from_id = l.id
    LEFT JOIN gone_relationships g ON g.id = r.id WHERE g.id IS NULL
    UNION
    SELECT l.id FROM last l JOIN relationships r ON r.to_id = l.id
    LEFT JOIN gone_relationships g ON g.id = r.id WHERE g.id IS NULL
    UNION
    SELECT l.id FROM last l JOIN incident_configuration_items r ON r.configuration_item_id = l.id
    UNION
    SELECT l.id FROM last l JOIN change_configuration_items r ON r.configuration_item_id = l.id
    UNION
    SELECT l.id FROM last l JOIN document_configuration_items r ON r.configuration_item_id = l.id
    UNION
    SELECT l.id FROM last l JOIN workflow_configuration_items r ON r.configuration_item_id = l.id
    UNION
    SELECT l.id FROM last l JOIN workflow_runs r ON r.configuration_item_id = l.id
    UNION
    SELECT l.id FROM last l JOIN redundancy_groups r ON r.dependent_id = l.id
)
SELECT c.id, c.name, c.status, p.id IS NOT NULL AS referenced
FROM last l
JOIN configuration_items c ON c.id = l.id
LEFT JOIN pointed p ON p.id = l.id

-- name: totals
-- The totals of the source for comparison: its items, those that it would name no longer, and its relationships. Items
-- that were retired earlier and are still absent do not count.
SELECT (SELECT count(DISTINCT k.configuration_item_id) FROM configuration_item_keys k
        LEFT JOIN gone_items g ON g.id = k.configuration_item_id AND g.status = 'RETIRED'
        WHERE k.source = %(source)s AND g.id IS NULL) AS items_before,
    (SELECT count(DISTINCT k.item_id) FROM gone_keys k
        LEFT JOIN gone_items g ON g.id = k.item_id AND g.status = 'RETIRED' WHERE g.id IS NULL)
        AS items_absent,
    (SELECT count(*) FROM relationships WHERE source = %(source)s) AS relationships_before

-- name: counts
-- The numbers of removed relationships, waiting rows, keys of remaining items, retired items and deleted items.
SELECT (SELECT count(*) FROM gone_relationships) AS relationships, (SELECT count(*) FROM gone_waiting) AS pending,
    (SELECT count(*) FROM gone_keys WHERE NOT last) AS keys,
    (SELECT count(*) FROM gone_items WHERE referenced AND status <> 'RETIRED') AS retired,
    (SELECT count(*) FROM gone_items WHERE NOT referenced) AS deleted

-- name: names
-- The names of what would be removed, in order: deleted and retired items, and relationships.
SELECT what, name FROM (
    SELECT CASE WHEN referenced THEN 'retired' ELSE 'deleted' END AS what, k.key AS name
    FROM gone_items i JOIN gone_keys k ON k.item_id = i.id AND k.last WHERE NOT (i.referenced AND i.status = 'RETIRED')
    UNION ALL
    SELECT 'relationships', f.name || ' ' || g.type_key || ' ' || t.name
    FROM gone_relationships g
    JOIN configuration_items f ON f.id = g.from_id
    JOIN configuration_items t ON t.id = g.to_id
) n ORDER BY what, name LIMIT %(limit)s

-- name: prune_relationships
-- Delete the relationships; the trigger stores their history.
DELETE FROM relationships r USING gone_relationships g WHERE r.id = g.id

-- name: prune_waiting
-- Delete the waiting rows.
DELETE FROM waiting_rows w USING gone_waiting g WHERE w.entity = 'relationships' AND w.identity = g.identity

-- name: prune_keys
-- Delete the keys of items that another key still names.
DELETE FROM configuration_item_keys k USING gone_keys g WHERE k.source = g.source AND k.key = g.key AND NOT g.last

-- name: remember_status
-- Store the status of retired items, for when they return.
INSERT INTO pruned_items (configuration_item_id, source, status)
SELECT id, %(source)s, status FROM gone_items WHERE referenced AND status <> 'RETIRED'
ON CONFLICT (configuration_item_id) DO UPDATE SET source = excluded.source, status = excluded.status, retired_at = now()

-- name: retire_items
-- Retire the items that records still refer to.
UPDATE configuration_items c SET status = 'RETIRED'
FROM gone_items g WHERE c.id = g.id AND g.referenced AND c.status <> 'RETIRED'

-- name: delete_items
-- Delete the items without references; the trigger stores their history.
DELETE FROM configuration_items c USING gone_items g WHERE c.id = g.id AND NOT g.referenced
RETURNING c.id::text

-- name: unlink_items
-- Let links of requirements to deleted items wait for their item again.
UPDATE requirement_configuration_items SET configuration_item_id = NULL
WHERE configuration_item_id = ANY(%(ids)s::uuid[])

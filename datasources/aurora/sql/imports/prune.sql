-- name: drop_seen
-- Forget what an earlier import saw.
DROP TABLE IF EXISTS seen_items, seen_relationships

-- name: make_seen_items
-- Keys of the items in the files of this import.
CREATE TEMP TABLE seen_items (source text, key text)

-- name: make_seen_relationships
-- Ends and types of the relationships in the files of this import.
CREATE TEMP TABLE seen_relationships
    (source text, from_source text, from_key text, to_source text, to_key text, type_key text)

-- name: see_configuration_items
-- Remember the keys of this section, rejected rows included: a row that is wrong is not gone.
INSERT INTO seen_items SELECT source, key FROM staged

-- name: see_relationships
-- Remember the relationships of this section, rejected rows included.
INSERT INTO seen_relationships SELECT source, from_source, "from", to_source, "to", type FROM staged

-- name: prune_relationships
-- Delete the source's relationships that no file held; the trigger keeps their history.
DELETE FROM relationships r
WHERE r.source = %(source)s AND NOT EXISTS (
    SELECT 1 FROM seen_relationships s
    JOIN configuration_item_keys f ON f.source = s.from_source AND f.key = s.from_key
    JOIN configuration_item_keys t ON t.source = s.to_source AND t.key = s.to_key
    WHERE s.source = r.source AND s.type_key = r.type_key
        AND f.configuration_item_id = r.from_id AND t.configuration_item_id = r.to_id)

-- name: prune_pending
-- Delete the source's pending relationships that no file held.
DELETE FROM pending_relationships p
WHERE p.source = %(source)s AND NOT EXISTS (
    SELECT 1 FROM seen_relationships s
    WHERE (s.source, s.from_source, s.from_key, s.to_source, s.to_key, s.type_key)
        = (p.source, p.from_source, p.from_key, p.to_source, p.to_key, p.type_key))

-- name: prune_keys
-- Delete the source's keys that no file held, of items that another key still names.
DELETE FROM configuration_item_keys k
WHERE k.source = %(source)s
    AND NOT EXISTS (SELECT 1 FROM seen_items s WHERE s.source = k.source AND s.key = k.key)
    AND EXISTS (
        SELECT 1 FROM configuration_item_keys o
        WHERE o.configuration_item_id = k.configuration_item_id
            AND (o.source <> k.source OR EXISTS (SELECT 1 FROM seen_items s WHERE s.source = o.source AND s.key = o.key)))

-- name: retire_items
-- Retire the source's items that no file held but that records still point to.
UPDATE configuration_items c SET status = 'RETIRED'
WHERE c.status <> 'RETIRED' AND EXISTS (/*gone*/) AND (/*referenced*/)

-- name: delete_items
-- Delete the source's items that no file held and nothing points to; the trigger keeps their history.
DELETE FROM configuration_items c
WHERE EXISTS (/*gone*/) AND NOT (/*referenced*/)
RETURNING c.id::text

-- name: gone
-- An item is gone when the source names it and no file held that key.
SELECT 1 FROM configuration_item_keys k
WHERE k.configuration_item_id = c.id AND k.source = %(source)s
    AND NOT EXISTS (SELECT 1 FROM seen_items s WHERE s.source = k.source AND s.key = k.key)

-- name: referenced
-- Records that point to an item.
EXISTS (SELECT 1 FROM relationships r WHERE r.from_id = c.id)
    OR EXISTS (SELECT 1 FROM relationships r WHERE r.to_id = c.id)
    OR EXISTS (SELECT 1 FROM incident_configuration_items r WHERE r.configuration_item_id = c.id)
    OR EXISTS (SELECT 1 FROM change_configuration_items r WHERE r.configuration_item_id = c.id)
    OR EXISTS (SELECT 1 FROM document_configuration_items r WHERE r.configuration_item_id = c.id)
    OR EXISTS (SELECT 1 FROM workflow_configuration_items r WHERE r.configuration_item_id = c.id)
    OR EXISTS (SELECT 1 FROM workflow_runs r WHERE r.configuration_item_id = c.id)
    OR EXISTS (SELECT 1 FROM redundancy_groups r WHERE r.dependent_id = c.id)

-- name: unlink_items
-- Links of requirements to deleted items wait for their item again.
UPDATE requirement_configuration_items SET configuration_item_id = NULL
WHERE configuration_item_id = ANY(%(ids)s::uuid[])

-- name: events_claimed
-- Claim events for this transaction; return those that are new. Waits for concurrent claims of the same events.
INSERT INTO received_events (source, id, content)
SELECT g.source, g.id, g.content FROM unnest(%(sources)s::text[], %(ids)s::text[], %(contents)s::bytea[])
    AS g (source, id, content)
ORDER BY g.source, g.id
ON CONFLICT (source, id) DO NOTHING
RETURNING source, id AS value;

-- name: events_contents
-- The contents of these events when they took effect.
SELECT r.source, r.id, r.content AS value
FROM received_events r JOIN unnest(%(sources)s::text[], %(ids)s::text[]) AS g (source, id) USING (source, id);

-- name: events_unclaimed
-- Release claims of events that had no effect.
DELETE FROM received_events r USING unnest(%(sources)s::text[], %(ids)s::text[]) AS g (source, id)
WHERE r.source = g.source AND r.id = g.id;

-- name: event_times_locked
-- The newest events of some entities, locked until the transaction ends; missing rows are created.
INSERT INTO event_times AS e (source, entity, identity)
SELECT DISTINCT g.source, g.entity, g.identity
FROM unnest(%(sources)s::text[], %(entities)s::text[], %(identities)s::text[]) AS g (source, entity, identity)
ORDER BY g.source, g.entity, g.identity
ON CONFLICT (source, entity, identity) DO UPDATE SET identity = excluded.identity
RETURNING e.source, e.entity, e.identity, e.upserted_at, e.upserted_by, e.ended_at, e.ended_by;

-- name: event_times_kept
-- Store the newest events of some entities.
UPDATE event_times e
SET upserted_at = g.upserted_at, upserted_by = g.upserted_by, ended_at = g.ended_at, ended_by = g.ended_by,
    end_heard_at = CASE
        WHEN (g.upserted_at, g.upserted_by COLLATE "C") > (g.ended_at, g.ended_by) THEN NULL
        WHEN g.ended_at IS DISTINCT FROM e.ended_at THEN now()
        ELSE e.end_heard_at
    END
FROM unnest(%(sources)s::text[], %(entities)s::text[], %(identities)s::text[], %(upserted_ats)s::timestamptz[],
            %(upserted_bys)s::text[], %(ended_ats)s::timestamptz[], %(ended_bys)s::text[])
    AS g (source, entity, identity, upserted_at, upserted_by, ended_at, ended_by)
WHERE (e.source, e.entity, e.identity) = (g.source, g.entity, g.identity);

-- name: events_known_keys
-- The items that have these identification keys.
SELECT k.source, k.key, k.configuration_item_id AS value FROM configuration_item_keys k
JOIN unnest(%(sources)s::text[], %(keys)s::text[]) AS g (source, key) USING (source, key);

-- name: events_known_names
-- Existing classes, relationship types and teams with these keys: the list, the key, and a team's id or a type's
-- impact.
SELECT 'class' AS kind, c.key, '' AS value FROM configuration_item_classes c WHERE c.key = ANY(%(classes)s::text[])
UNION ALL
SELECT 'type', y.key, y.impact FROM relationship_types y WHERE y.key = ANY(%(types)s::text[])
UNION ALL
SELECT 'team', t.key, t.id::text FROM teams t WHERE t.key = ANY(%(teams)s::text[]);

-- name: events_items_locked
-- The current versions of some items, ordered by id, locked against other writers until the transaction ends.
SELECT i.id, i.name, i.class_key, i.status, i.environment, i.criticality, i.owner_team_id, i.attributes, i.version,
       i.valid_from
FROM configuration_items i WHERE i.id = ANY(%(ids)s::uuid[]) ORDER BY i.id FOR NO KEY UPDATE;

-- name: events_items_inserted
-- Insert new items.
INSERT INTO configuration_items (id, name, class_key, status, environment, criticality, owner_team_id, attributes)
SELECT * FROM unnest(
    %(ids)s::uuid[], %(names)s::text[], %(class_keys)s::text[], %(statuses)s::text[], %(environments)s::text[],
    %(criticalities)s::text[], %(owner_team_ids)s::uuid[], %(attributes)s::jsonb[]);

-- name: events_items_changed
-- Update changed items.
UPDATE configuration_items i
SET name = g.name, class_key = g.class_key, status = g.status, environment = g.environment,
    criticality = g.criticality, owner_team_id = g.owner_team_id, attributes = g.attributes
FROM unnest(
    %(ids)s::uuid[], %(names)s::text[], %(class_keys)s::text[], %(statuses)s::text[], %(environments)s::text[],
    %(criticalities)s::text[], %(owner_team_ids)s::uuid[], %(attributes)s::jsonb[])
    AS g (id, name, class_key, status, environment, criticality, owner_team_id, attributes)
WHERE i.id = g.id;

-- name: events_keys_inserted
-- Insert the identification keys of new items.
INSERT INTO configuration_item_keys (source, key, configuration_item_id)
SELECT * FROM unnest(%(sources)s::text[], %(keys)s::text[], %(ids)s::uuid[]);

-- name: events_relationships_found
-- Relationships by both ends, type and source.
SELECT r.id, r.from_id, r.to_id, r.type_key, r.source, r.attributes, r.redundancy_group_id, r.version, r.valid_from
FROM relationships r
JOIN unnest(%(from_ids)s::uuid[], %(to_ids)s::uuid[], %(type_keys)s::text[], %(sources)s::text[])
    AS g (from_id, to_id, type_key, source) USING (from_id, to_id, type_key, source);

-- name: events_relationships_inserted
-- Insert relationships with the impact of their type.
INSERT INTO relationships (id, from_id, to_id, type_key, source, attributes, impact_from_id, impact_to_id)
SELECT g.id, g.from_id, g.to_id, g.type_key, g.source, g.attributes,
       CASE y.impact WHEN 'FORWARD' THEN g.from_id WHEN 'REVERSE' THEN g.to_id END,
       CASE y.impact WHEN 'FORWARD' THEN g.to_id WHEN 'REVERSE' THEN g.from_id END
FROM unnest(%(ids)s::uuid[], %(from_ids)s::uuid[], %(to_ids)s::uuid[], %(type_keys)s::text[], %(sources)s::text[],
            %(attributes)s::jsonb[]) AS g (id, from_id, to_id, type_key, source, attributes)
JOIN relationship_types y ON y.key = g.type_key;

-- name: events_relationships_changed
-- Update the attributes of relationships.
UPDATE relationships r SET attributes = g.attributes
FROM unnest(%(ids)s::uuid[], %(attributes)s::jsonb[]) AS g (id, attributes) WHERE r.id = g.id;

-- name: events_relationships_removed
-- Delete relationships.
DELETE FROM relationships WHERE id = ANY(%(ids)s::uuid[]);

-- name: events_forgotten
-- Delete claims of events that took effect more than so many days ago, at most so many.
DELETE FROM received_events WHERE (source, id) IN (
    SELECT source, id FROM received_events WHERE received_at < now() - %(days)s * interval '1 day'
    ORDER BY received_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING true;

-- name: event_times_forgotten
-- Delete the times of entities whose end was received more than so many days ago, at most so many, and none that a
-- current event refers to.
DELETE FROM event_times WHERE (source, entity, identity) IN (
    SELECT source, entity, identity FROM event_times
    WHERE end_heard_at < now() - %(days)s * interval '1 day'
    ORDER BY end_heard_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
)
RETURNING true;

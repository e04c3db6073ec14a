-- name: document_teams
-- Those of some keys that are keys of teams; the teams are locked until the transaction ends.
SELECT t.key FROM teams t WHERE t.key = ANY(%(keys)s::text[]) ORDER BY t.id FOR KEY SHARE;

-- name: document_compare
-- The document with a key, locked until the transaction ends, and whether it has the given values.
SELECT d.id, d.source,
       d.kind = %(kind)s AND d.title = %(title)s AND d.body = %(body)s
       AND (%(team)s::text IS NULL
            OR d.team_id IS NOT DISTINCT FROM (SELECT t.id FROM teams t WHERE t.key = %(team)s))
       AND (%(restricted_team)s::text IS NULL
            OR d.restricted_team_id IS NOT DISTINCT FROM (SELECT t.id FROM teams t WHERE t.key = %(restricted_team)s)) AS is_same
FROM documents d WHERE d.key = %(key)s FOR NO KEY UPDATE OF d;

-- name: document_insert
-- Insert a document.
INSERT INTO documents (id, key, kind, title, body, source, team_id, restricted_team_id)
VALUES (%(id)s, %(key)s, %(kind)s, %(title)s, %(body)s, %(source)s,
        (SELECT t.id FROM teams t WHERE t.key = %(team)s),
        (SELECT t.id FROM teams t WHERE t.key = %(restricted_team)s));

-- name: document_update
-- Update a locked document. A team that is null stays as it is.
UPDATE documents SET
    kind = %(kind)s, title = %(title)s, body = %(body)s,
    team_id = CASE WHEN %(team)s::text IS NULL THEN team_id
                   ELSE (SELECT t.id FROM teams t WHERE t.key = %(team)s) END,
    restricted_team_id = CASE WHEN %(restricted_team)s::text IS NULL THEN restricted_team_id
                              ELSE (SELECT t.id FROM teams t WHERE t.key = %(restricted_team)s) END,
    version = version + 1, updated_at = statement_timestamp()
WHERE id = %(id)s;

-- name: document_items_known
-- Those of some configuration items that exist, by source and key; locked until the transaction ends.
SELECT c.id FROM configuration_items c
WHERE c.id IN (
    SELECT k.configuration_item_id
    FROM unnest(%(sources)s::text[], %(keys)s::text[]) AS g (source, key)
    JOIN configuration_item_keys k ON k.source = g.source AND k.key = g.key)
ORDER BY c.id FOR KEY SHARE;

-- name: document_items_unlink
-- Unlink the other items from a document; return those that were linked.
DELETE FROM document_configuration_items
WHERE document_id = %(id)s AND configuration_item_id <> ALL(%(items)s::uuid[])
RETURNING configuration_item_id;

-- name: document_items_link
-- Link items to a document; return those that were not linked before.
INSERT INTO document_configuration_items (document_id, configuration_item_id)
SELECT %(id)s::uuid, item FROM unnest(%(items)s::uuid[]) AS item ORDER BY item
ON CONFLICT DO NOTHING
RETURNING configuration_item_id;

-- name: documents_prune
-- Delete the documents of a source with other keys than these, with their links and chunks.
DELETE FROM documents WHERE source = %(source)s AND key <> ALL(%(keys)s::text[]) RETURNING id;

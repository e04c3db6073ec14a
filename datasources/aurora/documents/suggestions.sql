-- name: link_suggestions_clear
-- Delete the suggestions of a document that nobody has confirmed or rejected.
DELETE FROM document_link_suggestions WHERE document_id = %(document_id)s::uuid AND state = 'SUGGESTED';

-- name: link_suggestions_insert
-- Suggest links of a document to the items with given names, whatever the case of letters: those with the names that
-- occur most, a bounded number. Names of many items and retired items are left out, and items that are linked already.
-- What people have confirmed or rejected stays so.
WITH named AS MATERIALIZED (
    SELECT folded(g.name) AS name, min(g.first_line) AS first_line, sum(g.count) AS count
    FROM unnest(%(names)s::text[], %(first_lines)s::int[], %(counts)s::int[]) AS g (name, first_line, count)
    GROUP BY 1),
items AS MATERIALIZED (
    SELECT c.id, n.first_line, n.count, count(*) OVER (PARTITION BY n.name) AS namesakes
    FROM named n JOIN configuration_items c ON folded(c.name) = n.name
    WHERE c.status <> 'RETIRED'),
chosen AS (
    SELECT i.id, i.first_line, i.count FROM items i
    WHERE i.namesakes <= %(namesakes)s
      AND NOT EXISTS (
          SELECT 1 FROM document_configuration_items x
          WHERE x.document_id = %(document_id)s::uuid AND x.configuration_item_id = i.id)
    ORDER BY i.count DESC, i.first_line, i.id
    LIMIT %(limit)s)
INSERT INTO document_link_suggestions (document_id, configuration_item_id, first_line, count, document_version)
SELECT %(document_id)s::uuid, c.id, c.first_line, c.count, %(version)s FROM chosen c ORDER BY c.id
ON CONFLICT (document_id, configuration_item_id) DO UPDATE
    SET first_line = excluded.first_line, count = excluded.count, document_version = excluded.document_version;

-- name: link_suggestions_by_documents
-- The suggested links of each document that nobody has confirmed or rejected, those whose names occur most first.
-- Callers that can see the document and may read configuration items may see them.
SELECT s.document_id AS lookup_key, s.configuration_item_id AS item_id, s.first_line, s.count, s.document_version
FROM document_link_suggestions s
WHERE s.document_id = ANY(%(keys)s::uuid[]) AND s.state = 'SUGGESTED'
  AND NOT EXISTS (
      SELECT 1 FROM document_configuration_items x
      WHERE x.document_id = s.document_id AND x.configuration_item_id = s.configuration_item_id)
ORDER BY s.document_id, s.count DESC, s.first_line, s.configuration_item_id;

-- name: link_suggestions_count
-- The number of those of all documents of a source.
SELECT count(*)
FROM documents d JOIN document_link_suggestions s ON s.document_id = d.id
WHERE d.source = %(source)s AND s.state = 'SUGGESTED'
  AND NOT EXISTS (
      SELECT 1 FROM document_configuration_items x
      WHERE x.document_id = s.document_id AND x.configuration_item_id = s.configuration_item_id);

-- name: document_locked
-- A document that is visible to the caller, locked until the transaction ends. Others are not waited for.
SELECT d.id, d.key, d.kind, d.title, d.source, d.team_id, d.restricted_team_id, d.version, d.updated_at
FROM documents d
WHERE d.id = %(id)s::uuid
  AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
       OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
FOR NO KEY UPDATE OF d;

-- name: link_suggestions_confirm
-- Confirm suggestions of a document, and link the items; return those that were suggested, whatever was decided before.
WITH confirmed AS (
    UPDATE document_link_suggestions s SET state = 'CONFIRMED'
    WHERE s.document_id = %(document_id)s::uuid AND s.configuration_item_id = ANY(%(items)s::uuid[])
    RETURNING s.configuration_item_id),
linked AS (
    INSERT INTO document_configuration_items (document_id, configuration_item_id)
    SELECT %(document_id)s::uuid, c.configuration_item_id FROM confirmed c ORDER BY c.configuration_item_id
    ON CONFLICT DO NOTHING)
SELECT c.configuration_item_id FROM confirmed c;

-- name: link_suggestions_reject
-- Reject suggestions of a document, and unlink the items that were linked by a confirmation; return those that were
-- suggested, whatever was decided before.
WITH before AS MATERIALIZED (
    SELECT s.configuration_item_id, s.state FROM document_link_suggestions s
    WHERE s.document_id = %(document_id)s::uuid AND s.configuration_item_id = ANY(%(items)s::uuid[])),
rejected AS (
    UPDATE document_link_suggestions s SET state = 'REJECTED' FROM before b
    WHERE s.document_id = %(document_id)s::uuid AND s.configuration_item_id = b.configuration_item_id),
unlinked AS (
    DELETE FROM document_configuration_items x USING before b
    WHERE x.document_id = %(document_id)s::uuid AND x.configuration_item_id = b.configuration_item_id
      AND b.state = 'CONFIRMED')
SELECT b.configuration_item_id FROM before b;

-- name: link_suggestions_reject_others
-- Reject the confirmed suggestions of a document whose items are not among these: its source names its items exactly.
UPDATE document_link_suggestions SET state = 'REJECTED'
WHERE document_id = %(id)s::uuid AND state = 'CONFIRMED' AND configuration_item_id <> ALL(%(items)s::uuid[]);

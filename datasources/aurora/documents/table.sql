-- name: documents_by_ids
-- Documents by id that are visible to the caller, in no order.
SELECT d.id AS lookup_key, d.id, d.key, d.kind, d.title, d.source, d.team_id, d.restricted_team_id, d.version, d.updated_at
FROM documents d
WHERE d.id = ANY(%(keys)s::uuid[])
  AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
       OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])));

-- name: documents_by_keys
-- Documents by key that are visible to the caller, in no order.
SELECT d.key AS lookup_key, d.id, d.key, d.kind, d.title, d.source, d.team_id, d.restricted_team_id, d.version, d.updated_at
FROM documents d
WHERE d.key = ANY(%(keys)s::text[])
  AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
       OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])));

-- name: documents_page
-- One page of visible documents for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value,
       d.id, d.key, d.kind, d.title, d.source, d.team_id, d.restricted_team_id, d.version, d.updated_at
FROM unnest(%(keys)s::uuid[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (
    SELECT d.* FROM /*from*/
      AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
           OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
      /*where*/
    ORDER BY /*order*/ LIMIT %(limit)s) d
ORDER BY k.n, /*order*/;

-- name: documents_count
-- The number of visible documents for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM /*from*/
      AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
           OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
      /*where*/) counted;

-- name: documents_groups
-- The number of visible documents for each key and value of one field, largest groups first.
SELECT k.key AS lookup_key, grouped.value, grouped.n AS count
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (
    SELECT (/*group*/)::text AS value, count(*) AS n FROM /*from*/
      AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
           OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
      /*where*/
    GROUP BY 1) grouped
ORDER BY grouped.n DESC, grouped.value;

-- name: documents_from
-- All documents.
documents d WHERE true;

-- name: documents_from_configuration_item
-- The documents of a configuration item.
documents d WHERE d.id IN (
    SELECT x.document_id FROM document_configuration_items x WHERE x.configuration_item_id = k.key);

-- name: documents_having_configuration_items
-- Documents with a configuration item that fulfils the predicate.
EXISTS (
    SELECT 1 FROM document_configuration_items x JOIN configuration_items c ON c.id = x.configuration_item_id
    WHERE x.document_id = d.id AND /*where*/);

-- name: document_bodies_by_ids
-- The bodies of documents by id that are visible to the caller, in no order.
SELECT d.id AS lookup_key, d.body AS value
FROM documents d
WHERE d.id = ANY(%(keys)s::uuid[])
  AND (%(sees_restricted)s OR d.restricted_team_id IS NULL
       OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])));

-- name: document_ids_by_configuration_items
-- The ids of the documents of configuration items, visible or not.
SELECT x.configuration_item_id AS lookup_key, x.document_id AS value
FROM document_configuration_items x
WHERE x.configuration_item_id = ANY(%(keys)s::uuid[])
ORDER BY x.configuration_item_id, x.document_id;

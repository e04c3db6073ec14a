-- name: configuration_items_by_ids
-- Configuration items by id, in no order.
SELECT c.id AS lookup_key, c.id, c.name, c.class_key, c.status, c.environment, c.criticality, c.owner_team_id,
       c.attributes, c.version, c.valid_from
FROM configuration_items c
WHERE c.id = ANY(%(keys)s::uuid[]);

-- name: configuration_items_by_identification_keys
-- Configuration items by (source, key), in no order.
SELECT i.source AS lookup_source, i.key AS lookup_key, c.id, c.name, c.class_key, c.status, c.environment,
       c.criticality, c.owner_team_id, c.attributes, c.version, c.valid_from
FROM unnest(%(sources)s::text[], %(keys)s::text[]) k (source, key)
JOIN configuration_item_keys i USING (source, key)
JOIN configuration_items c ON c.id = i.configuration_item_id;

-- name: configuration_items_page
-- One page of configuration items for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value,
       c.id, c.name, c.class_key, c.status, c.environment, c.criticality, c.owner_team_id, c.attributes, c.version,
       c.valid_from
FROM unnest(%(keys)s::/*key*/[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (SELECT c.* FROM /*from*/ /*where*/ ORDER BY /*order*/ LIMIT %(limit)s) c
ORDER BY k.n, /*order*/;

-- name: configuration_items_count
-- The number of configuration items for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::/*key*/[]) k (key)
CROSS JOIN LATERAL (SELECT count(*) AS n FROM /*from*/ /*where*/) counted;

-- name: configuration_items_groups
-- The number of configuration items for each key and value of one field, largest groups first.
SELECT k.key AS lookup_key, grouped.value, grouped.n AS count
FROM unnest(%(keys)s::/*key*/[]) k (key)
CROSS JOIN LATERAL (SELECT (/*group*/)::text AS value, count(*) AS n FROM /*from*/ /*where*/ GROUP BY 1) grouped
ORDER BY grouped.n DESC, grouped.value;

-- name: configuration_items_from
-- All configuration items.
configuration_items c WHERE true;

-- name: configuration_items_from_team
-- The configuration items that a team owns.
configuration_items c WHERE c.owner_team_id = k.key;

-- name: configuration_items_from_incident
-- The configuration items of an incident, without duplicates, in one role or any.
configuration_items c WHERE c.id IN (
    SELECT x.configuration_item_id FROM incident_configuration_items x
    WHERE x.incident_id = k.key AND (%(role)s::text IS NULL OR x.role = %(role)s));

-- name: configuration_items_from_class
-- The configuration items of a class, given by its key, and of its subclasses.
configuration_items c WHERE c.class_key IN (
    SELECT d.key FROM configuration_item_class_descendants d WHERE d.ancestor_key = k.key);

-- name: configuration_items_from_workflow
-- The configuration items that a workflow is meant for.
configuration_items c WHERE c.id IN (
    SELECT x.configuration_item_id FROM workflow_configuration_items x WHERE x.workflow_id = k.key);

-- name: configuration_items_from_change
-- The configuration items that a change works on.
configuration_items c WHERE c.id IN (
    SELECT x.configuration_item_id FROM change_configuration_items x WHERE x.change_id = k.key);

-- name: configuration_items_from_document
-- The configuration items that a document is about.
configuration_items c WHERE c.id IN (
    SELECT x.configuration_item_id FROM document_configuration_items x WHERE x.document_id = k.key);

-- name: configuration_items_from_requirement
-- The configuration items that must meet a requirement, by pairs of ids from the requirements database.
configuration_items c WHERE c.id IN (
    SELECT x.item FROM unnest(%(linked_keys)s::uuid[], %(linked_ids)s::uuid[]) x (requirement, item)
    WHERE x.requirement = k.key);

-- name: configuration_items_having_changes
-- Configuration items with a change that fulfils the predicate.
EXISTS (
    SELECT 1 FROM change_configuration_items x JOIN changes h ON h.id = x.change_id
    WHERE x.configuration_item_id = c.id AND /*where*/);

-- name: configuration_items_having_incidents
-- Configuration items with an incident that fulfils the predicate and is visible to the caller.
EXISTS (
    SELECT 1 FROM incident_configuration_items x JOIN incidents i ON i.id = x.incident_id
    WHERE x.configuration_item_id = c.id
      AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
      AND /*where*/);

-- name: configuration_items_having_owner
-- Configuration items whose owner team fulfils the predicate.
EXISTS (SELECT 1 FROM teams t WHERE t.id = c.owner_team_id AND /*where*/);

-- name: identification_keys_by_configuration_items
-- The keys by which sources know each item, ordered by source and key.
SELECT configuration_item_id AS lookup_key, source, key
FROM configuration_item_keys
WHERE configuration_item_id = ANY(%(keys)s::uuid[])
ORDER BY source, key;

-- name: configuration_item_classes_by_keys
-- Classes by key, in no order.
SELECT c.key AS lookup_key, c.key, c.parent_key, c.name, c.description
FROM configuration_item_classes c
WHERE c.key = ANY(%(keys)s::text[]);

-- name: configuration_item_classes_all
-- The whole taxonomy, ordered by key.
SELECT c.key, c.parent_key, c.name, c.description
FROM configuration_item_classes c
ORDER BY c.key;

-- name: configuration_item_classes_by_parents
-- The direct subclasses of each class, ordered by key.
SELECT c.parent_key AS lookup_key, c.key, c.parent_key, c.name, c.description
FROM configuration_item_classes c
WHERE c.parent_key = ANY(%(keys)s::text[])
ORDER BY c.key;

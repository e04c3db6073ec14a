-- name: configuration_item_insert
-- A new configuration item.
INSERT INTO configuration_items (id, name, class_key, status, environment, criticality, owner_team_id, attributes)
VALUES (%(id)s, %(name)s, %(class_key)s, %(status)s, %(environment)s, %(criticality)s, %(owner_team_id)s,
        %(attributes)s::jsonb);

-- name: configuration_item_class_known
-- Whether a class exists.
SELECT true FROM configuration_item_classes WHERE key = %(key)s;

-- name: configuration_items_locked
-- The current versions of some items, in order of id, locked until the transaction ends.
SELECT i.id, i.name, i.class_key, i.status, i.environment, i.criticality, i.owner_team_id, i.attributes, i.version,
       i.valid_from
FROM configuration_items i WHERE i.id = ANY(%(ids)s::uuid[]) ORDER BY i.id FOR UPDATE;

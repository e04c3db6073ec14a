-- name: relationship_types_by_keys
-- Relationship types by key, in no order.
SELECT t.key AS lookup_key, t.key, t.label, t.inverse_label, t.impact, t.description
FROM relationship_types t
WHERE t.key = ANY(%(keys)s::text[]);

-- name: relationship_types_all
-- All relationship types, ordered by key.
SELECT t.key, t.label, t.inverse_label, t.impact, t.description
FROM relationship_types t
ORDER BY t.key;

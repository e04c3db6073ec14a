-- name: classes
-- Every class with its planned parent, from the file or else from the table; and whether it is stored.
SELECT coalesce(p.key, e.key) AS node,
    array_remove(ARRAY[CASE WHEN p.key IS NULL THEN e.parent_key ELSE p.parent_key END], NULL) AS parents,
    p.ordinal, e.key IS NOT NULL AS stored, coalesce(p.key, e.key) AS label
FROM (SELECT ordinal, key, parent_key FROM planned WHERE action IN ('create', 'change', 'leave')) p
FULL JOIN configuration_item_classes e ON e.key = p.key
ORDER BY p.ordinal, e.key

-- name: workflow_steps
-- Every step of the workflows in the file with its planned dependencies.
SELECT coalesce(p.workflow_id, e.workflow_id)::text || ' ' || coalesce(p.key, e.key) AS node,
    ARRAY(SELECT coalesce(p.workflow_id, e.workflow_id)::text || ' ' || d
          FROM unnest(coalesce(p.depends_on, e.depends_on)) d) AS parents,
    p.ordinal, e.id IS NOT NULL AS stored, coalesce(p.key, e.key) AS label
FROM (SELECT * FROM planned WHERE action IN ('create', 'change', 'leave')) p
FULL JOIN (SELECT * FROM workflow_steps WHERE workflow_id IN (SELECT workflow_id FROM planned)) e
    ON e.workflow_id = p.workflow_id AND e.key = p.key
ORDER BY p.ordinal, e.workflow_id, e.key

-- name: reject
-- Reject planned rows, each with a reason.
UPDATE planned p SET action = 'reject', reason = r.reason
FROM unnest(%(ordinals)s::bigint[], %(reasons)s::text[]) r (ordinal, reason)
WHERE p.ordinal = r.ordinal

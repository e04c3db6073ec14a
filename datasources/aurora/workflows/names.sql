-- name: workflow_known_names
-- Those of these classes, teams, active users, and workflows that exist.
SELECT 'class' AS kind, k.key AS value FROM configuration_item_classes k WHERE k.key = ANY(%(classes)s::text[])
UNION ALL
SELECT 'team', t.key FROM teams t WHERE t.key = ANY(%(teams)s::text[])
UNION ALL
SELECT 'user', u.key FROM users u WHERE u.key = ANY(%(users)s::text[]) AND u.active
UNION ALL
SELECT DISTINCT 'workflow', w.key FROM workflows w WHERE w.key = ANY(%(workflows)s::text[]);

-- name: workflow_published_after
-- Published workflows that the end of another workflow's run starts, with that workflow.
SELECT w.key, e.value
FROM workflows w
CROSS JOIN LATERAL jsonb_array_elements_text(
    CASE jsonb_typeof(w.trigger->'workflows') WHEN 'array' THEN w.trigger->'workflows' ELSE '[]' END) AS e (value)
WHERE w.state = 'PUBLISHED' AND w.trigger->>'event' = 'workflow-run.finished'
ORDER BY 1, 2;

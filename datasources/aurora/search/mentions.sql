-- name: items_by_phrases
-- Configuration items that a phrase of a question may mean, by phrase, with all their keys: items with this name or key,
-- whatever the case of letters; items whose names have all words of it, those with short names first; and items with
-- similarly spelled names for phrases whose spelling is uncertain.
WITH phrases AS MATERIALIZED (
    SELECT p.phrase, p.phrase = ANY(%(uncertain)s::text[]) AS uncertain FROM unnest(%(phrases)s::text[]) p (phrase)),
found AS MATERIALIZED (
    SELECT p.phrase, k.configuration_item_id AS id
    FROM phrases p JOIN configuration_item_keys k ON k.key IN (p.phrase, lower(p.phrase), upper(p.phrase))
    UNION
    SELECT p.phrase, k.configuration_item_id
    FROM phrases p
    JOIN configuration_item_keys k ON k.source = split_part(p.phrase, '/', 1)
        AND k.key = substr(p.phrase, strpos(p.phrase, '/') + 1)
    WHERE p.phrase LIKE '%%/%%'
    UNION
    SELECT p.phrase, c.id
    FROM phrases p
    CROSS JOIN LATERAL (
        SELECT c.id FROM configuration_items c WHERE spelled(c.name) = spelled(p.phrase)
        LIMIT %(candidates)s) c
    UNION
    SELECT p.phrase, c.id
    FROM phrases p
    CROSS JOIN LATERAL (
        SELECT c.id
        FROM (SELECT c.id, c.name FROM configuration_items c
              WHERE c.search @@ plainto_tsquery('simple', worded(p.phrase)) LIMIT %(candidates)s) c
        ORDER BY length(c.name), c.id LIMIT %(first)s) c
    WHERE p.uncertain
    UNION
    SELECT p.phrase, c.id
    FROM phrases p
    CROSS JOIN LATERAL spelled_alike(spelled(p.phrase), '{CONFIGURATION_ITEM}', false, '{}', %(first)s::integer) c
    WHERE p.uncertain)
SELECT f.phrase AS lookup_key, c.id, c.name, ARRAY(
    SELECT k.key FROM configuration_item_keys k WHERE k.configuration_item_id = c.id
    UNION SELECT k.source || '/' || k.key FROM configuration_item_keys k WHERE k.configuration_item_id = c.id
    ORDER BY 1) AS keys
FROM found f JOIN configuration_items c ON c.id = f.id
ORDER BY f.phrase, c.id;

-- name: teams_by_phrases
-- Teams with the name or key of a phrase of a question, whatever the case of letters, by phrase.
SELECT p.phrase AS lookup_key, t.id, t.name, ARRAY[t.key] AS keys
FROM unnest(%(phrases)s::text[]) p (phrase)
JOIN teams t ON spelled(t.name) = spelled(p.phrase) OR t.key IN (p.phrase, lower(p.phrase), upper(p.phrase))
ORDER BY p.phrase, t.id;

-- name: search_main
-- Rows of the requested kinds that match the text, best first. Scores: 1 for an exact number, key or name, ignoring
-- case; 0.9 for the beginning of an identification key; 0.85 to 0.89 for a short name of an item with one letter
-- missing, added, changed or swapped; 0.5 to 0.95 for words, more if the title is similar to the text, and for titles
-- that contain a text beyond ASCII anywhere; up to 0.5 for titles that are only similar, which are searched only if
-- nothing is exact and too few rows were found. Of more than `candidates` rows of a kind that contain the words, the
-- first ones found are ranked. Candidate sets are materialized, so that they are planned as a whole and use their
-- index whatever the limit; rows of keys are looked up one by one (LIMIT 1), because a hash join would read the whole
-- table.
WITH asked AS MATERIALIZED (
    SELECT plainto_tsquery('simple', %(words)s) && to_tsquery('simple', worded(%(phrases)s)) AS simple,
           plainto_tsquery('english', %(words)s) && to_tsquery('english', worded(%(phrases)s)) AS english,
           spelled(%(text)s) AS spelled, folded(%(text)s) AS folded),
visible_incidents AS NOT MATERIALIZED (
    SELECT i.* FROM incidents i
    WHERE (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))),
visible_documents AS NOT MATERIALIZED (
    SELECT d.* FROM documents d
    WHERE (%(sees_restricted)s OR d.restricted_team_id IS NULL
           OR d.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))),
current_workflows AS NOT MATERIALIZED (
    SELECT w.* FROM workflows w
    WHERE NOT EXISTS (
        SELECT 1 FROM workflows n
        WHERE n.key = w.key AND (n.state = 'PUBLISHED', n.revision) > (w.state = 'PUBLISHED', w.revision))),
worded_configuration_items AS MATERIALIZED (
    SELECT c.id, c.name AS title, c.search FROM configuration_items c
    WHERE 'CONFIGURATION_ITEM' = ANY(%(kinds)s::text[]) AND (c.search @@ (SELECT simple FROM asked)
        OR spelled(c.name) LIKE '%%' || like_literal(spelled(%(inside)s::text)) || '%%'
           AND folded(c.name) LIKE '%%' || like_literal(folded(%(inside)s::text)) || '%%')),
worded_visible_incidents AS MATERIALIZED (
    SELECT i.id, i.title AS title, i.search FROM visible_incidents i
    WHERE 'INCIDENT' = ANY(%(kinds)s::text[]) AND (i.search @@ (SELECT english FROM asked)
        OR spelled(i.title) LIKE '%%' || like_literal(spelled(%(inside)s::text)) || '%%'
           AND folded(i.title) LIKE '%%' || like_literal(folded(%(inside)s::text)) || '%%')),
worded_changes AS MATERIALIZED (
    SELECT h.id, h.title AS title, h.search FROM changes h
    WHERE 'CHANGE' = ANY(%(kinds)s::text[]) AND (h.search @@ (SELECT english FROM asked)
        OR spelled(h.title) LIKE '%%' || like_literal(spelled(%(inside)s::text)) || '%%'
           AND folded(h.title) LIKE '%%' || like_literal(folded(%(inside)s::text)) || '%%')),
worded_visible_documents AS MATERIALIZED (
    SELECT d.id, d.title AS title, d.search FROM visible_documents d
    WHERE 'DOCUMENT' = ANY(%(kinds)s::text[]) AND (d.search @@ (SELECT english FROM asked)
        OR spelled(d.title) LIKE '%%' || like_literal(spelled(%(inside)s::text)) || '%%'
           AND folded(d.title) LIKE '%%' || like_literal(folded(%(inside)s::text)) || '%%')),
worded_current_workflows AS MATERIALIZED (
    SELECT w.id, w.name AS title, w.search FROM current_workflows w
    WHERE 'WORKFLOW' = ANY(%(kinds)s::text[]) AND (w.search @@ (SELECT english FROM asked)
        OR spelled(w.name) LIKE '%%' || like_literal(spelled(%(inside)s::text)) || '%%'
           AND folded(w.name) LIKE '%%' || like_literal(folded(%(inside)s::text)) || '%%')),
worded_teams AS MATERIALIZED (
    SELECT t.id, t.name AS title, t.search FROM teams t
    WHERE 'TEAM' = ANY(%(kinds)s::text[]) AND (t.search @@ (SELECT simple FROM asked)
        OR spelled(t.name) LIKE '%%' || like_literal(spelled(%(inside)s::text)) || '%%'
           AND folded(t.name) LIKE '%%' || like_literal(folded(%(inside)s::text)) || '%%')),
worded_users AS MATERIALIZED (
    SELECT u.id, u.name AS title, u.search FROM users u
    WHERE 'USER' = ANY(%(kinds)s::text[]) AND (u.search @@ (SELECT simple FROM asked)
        OR spelled(u.name) LIKE '%%' || like_literal(spelled(%(inside)s::text)) || '%%'
           AND folded(u.name) LIKE '%%' || like_literal(folded(%(inside)s::text)) || '%%')),
keyed_configuration_items AS MATERIALIZED (
    SELECT k.configuration_item_id AS id, k.key FROM configuration_item_keys k
    WHERE 'CONFIGURATION_ITEM' = ANY(%(kinds)s::text[]) AND k.key LIKE %(beginning)s),
near_configuration_items AS MATERIALIZED (
    SELECT c.id, c.name AS title FROM configuration_items c
    WHERE 'CONFIGURATION_ITEM' = ANY(%(kinds)s::text[])
          AND near_keys(c.name) && near_keys(%(text)s) AND length(c.name) <= 16),
matching (kind, id, title, score) AS (
    SELECT 'CONFIGURATION_ITEM', c.id, c.name, 1.0::float8 FROM configuration_items c
    WHERE 'CONFIGURATION_ITEM' = ANY(%(kinds)s::text[]) AND c.name = ANY(%(exact)s::text[])
    UNION ALL
    SELECT 'CONFIGURATION_ITEM', x.id, x.title,
           CASE WHEN folded(x.title) = (SELECT folded FROM asked) THEN 1
                ELSE 0.5 + 0.25 * word_similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * ts_rank(x.search, (SELECT simple FROM asked), 32) END
    FROM (SELECT * FROM worded_configuration_items LIMIT %(candidates)s) x
    UNION ALL
    SELECT 'INCIDENT', i.id, i.title, 1.0::float8 FROM visible_incidents i
    WHERE 'INCIDENT' = ANY(%(kinds)s::text[]) AND i.number = ANY(%(exact)s::text[])
    UNION ALL
    SELECT 'INCIDENT', x.id, x.title,
           CASE WHEN folded(x.title) = (SELECT folded FROM asked) THEN 1
                ELSE 0.5 + 0.25 * word_similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * ts_rank(x.search, (SELECT english FROM asked), 32) END
    FROM (SELECT * FROM worded_visible_incidents LIMIT %(candidates)s) x
    UNION ALL
    SELECT 'CHANGE', h.id, h.title, 1.0::float8 FROM changes h
    WHERE 'CHANGE' = ANY(%(kinds)s::text[]) AND h.number = ANY(%(exact)s::text[])
    UNION ALL
    SELECT 'CHANGE', x.id, x.title,
           CASE WHEN folded(x.title) = (SELECT folded FROM asked) THEN 1
                ELSE 0.5 + 0.25 * word_similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * ts_rank(x.search, (SELECT english FROM asked), 32) END
    FROM (SELECT * FROM worded_changes LIMIT %(candidates)s) x
    UNION ALL
    SELECT 'DOCUMENT', d.id, d.title, 1.0::float8 FROM visible_documents d
    WHERE 'DOCUMENT' = ANY(%(kinds)s::text[]) AND d.key = ANY(%(exact)s::text[])
    UNION ALL
    SELECT 'DOCUMENT', x.id, x.title,
           CASE WHEN folded(x.title) = (SELECT folded FROM asked) THEN 1
                ELSE 0.5 + 0.25 * word_similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * ts_rank(x.search, (SELECT english FROM asked), 32) END
    FROM (SELECT * FROM worded_visible_documents LIMIT %(candidates)s) x
    UNION ALL
    SELECT 'WORKFLOW', w.id, w.name, 1.0::float8 FROM current_workflows w
    WHERE 'WORKFLOW' = ANY(%(kinds)s::text[]) AND w.key = ANY(%(exact)s::text[])
    UNION ALL
    SELECT 'WORKFLOW', x.id, x.title,
           CASE WHEN folded(x.title) = (SELECT folded FROM asked) THEN 1
                ELSE 0.5 + 0.25 * word_similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * ts_rank(x.search, (SELECT english FROM asked), 32) END
    FROM (SELECT * FROM worded_current_workflows LIMIT %(candidates)s) x
    UNION ALL
    SELECT 'TEAM', t.id, t.name, 1.0::float8 FROM teams t
    WHERE 'TEAM' = ANY(%(kinds)s::text[]) AND t.key = ANY(%(exact)s::text[])
    UNION ALL
    SELECT 'TEAM', x.id, x.title,
           CASE WHEN folded(x.title) = (SELECT folded FROM asked) THEN 1
                ELSE 0.5 + 0.25 * word_similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * ts_rank(x.search, (SELECT simple FROM asked), 32) END
    FROM (SELECT * FROM worded_teams LIMIT %(candidates)s) x
    UNION ALL
    SELECT 'USER', u.id, u.name, 1.0::float8 FROM users u
    WHERE 'USER' = ANY(%(kinds)s::text[]) AND u.key = ANY(%(exact)s::text[])
    UNION ALL
    SELECT 'USER', x.id, x.title,
           CASE WHEN folded(x.title) = (SELECT folded FROM asked) THEN 1
                ELSE 0.5 + 0.25 * word_similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * ts_rank(x.search, (SELECT simple FROM asked), 32) END
    FROM (SELECT * FROM worded_users LIMIT %(candidates)s) x
    UNION ALL
    SELECT 'CONFIGURATION_ITEM', c.id, c.name, 1.0
    FROM configuration_item_keys k
    CROSS JOIN LATERAL (SELECT c.* FROM configuration_items c WHERE c.id = k.configuration_item_id LIMIT 1) c
    WHERE 'CONFIGURATION_ITEM' = ANY(%(kinds)s::text[]) AND k.key = ANY(%(exact)s::text[])
    UNION ALL
    SELECT 'CONFIGURATION_ITEM', x.id, x.title,
           CASE WHEN folded(x.title) = (SELECT folded FROM asked) THEN 1
                ELSE 0.85 + 0.04 * similarity((SELECT spelled FROM asked), spelled(x.title)) END
    FROM (SELECT * FROM near_configuration_items LIMIT %(candidates)s) x
    UNION ALL
    SELECT 'CONFIGURATION_ITEM', c.id, c.name, 0.9
    FROM (SELECT * FROM keyed_configuration_items LIMIT %(candidates)s) x
    CROSS JOIN LATERAL (SELECT c.* FROM configuration_items c WHERE c.id = x.id LIMIT 1) c),
best AS MATERIALIZED (
    SELECT kind, id, title, max(score) AS score FROM matching GROUP BY kind, id, title
    ORDER BY max(score) DESC, kind, title, id LIMIT %(first)s),
alike AS (
    SELECT s.kind, s.id, s.title, 0.5 * s.alike AS score
    FROM spelled_alike(spelled(%(text)s), %(kinds)s::text[], %(sees_restricted)s, %(team_keys)s::text[], %(first)s::integer) s
    WHERE (SELECT count(*) < %(first)s AND coalesce(max(score), 0) < 1 FROM best)),
ranked AS (
    SELECT kind, id, title, max(score) AS score FROM (SELECT * FROM best UNION ALL SELECT * FROM alike) every
    GROUP BY kind, id, title
    ORDER BY max(score) DESC, kind, title, id LIMIT %(first)s)
SELECT r.kind, r.id, r.score, r.title, nullif(CASE r.kind
    WHEN 'INCIDENT' THEN (
        SELECT ts_headline('english', left(i.description, 20000), a.english, %(headline)s)
        FROM visible_incidents i WHERE i.id = r.id)
    WHEN 'DOCUMENT' THEN (
        SELECT ts_headline('english', left(d.body, 20000), a.english, %(headline)s)
        FROM visible_documents d WHERE d.id = r.id) END, '') AS excerpt
FROM ranked r CROSS JOIN asked a
ORDER BY r.score DESC, r.kind, r.title, r.id;

-- name: search_requirements
-- Requirements that match the text, best first, with the scores of `search_main`.
WITH asked AS MATERIALIZED (
    SELECT plainto_tsquery('english', %(words)s) && to_tsquery('english', worded(%(phrases)s)) AS english,
           spelled(%(text)s) AS spelled, folded(%(text)s) AS folded),
worded_requirements AS MATERIALIZED (
    SELECT r.id, r.title, r.search FROM requirements r
    WHERE (r.search @@ (SELECT english FROM asked)
        OR spelled(r.title) LIKE '%%' || like_literal(spelled(%(inside)s::text)) || '%%'
           AND folded(r.title) LIKE '%%' || like_literal(folded(%(inside)s::text)) || '%%')),
matching (id, title, score) AS (
    SELECT r.id, r.title, 1.0::float8 FROM requirements r WHERE r.key = ANY(%(exact)s::text[])
    UNION ALL
    SELECT x.id, x.title,
           CASE WHEN folded(x.title) = (SELECT folded FROM asked) THEN 1
                ELSE 0.5 + 0.25 * word_similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * similarity((SELECT spelled FROM asked), spelled(x.title))
                     + 0.1 * ts_rank(x.search, (SELECT english FROM asked), 32) END
    FROM (SELECT * FROM worded_requirements LIMIT %(candidates)s) x),
best AS MATERIALIZED (
    SELECT id, title, max(score) AS score FROM matching GROUP BY id, title
    ORDER BY max(score) DESC, title, id LIMIT %(first)s),
alike AS (
    SELECT s.id, s.title, 0.5 * s.alike AS score FROM spelled_alike(spelled(%(text)s), %(first)s::integer) s
    WHERE (SELECT count(*) < %(first)s AND coalesce(max(score), 0) < 1 FROM best))
SELECT 'REQUIREMENT' AS kind, id, max(score) AS score, title, NULL AS excerpt
FROM (SELECT * FROM best UNION ALL SELECT * FROM alike) every
GROUP BY id, title
ORDER BY max(score) DESC, title, id LIMIT %(first)s;

-- What search and the lists of workflows stand on.
CREATE INDEX configuration_item_keys_by_key ON configuration_item_keys (key text_pattern_ops);
CREATE INDEX workflows_by_update ON workflows (updated_at, id);

-- Loads pg_trgm: an owner who is no superuser, as none is on RDS, may give a function no setting of an extension that
-- his session does not know yet.
DO $$ BEGIN PERFORM show_limit(); END $$;

-- Rows whose title is like the text, best first, at most `most` of each kind; of more than 5,000 candidates of a
-- kind the first found are ranked. It is a function because the threshold that the index operator obeys is a
-- setting: here it holds for the call alone, and no session state is left behind. 0.4 finds one wrong letter in a
-- word of six, which the default of 0.6 does not. Without sequential scans candidates come from the trigram index
-- even where the planner expects most titles to be alike, and materialized they are fetched only up to the limit.
CREATE FUNCTION similar_rows(asked text, kinds text[], sees_restricted boolean, team_keys text[], most integer)
RETURNS TABLE (kind text, id uuid, title text, alike real)
LANGUAGE sql STABLE ROWS 100
SET pg_trgm.word_similarity_threshold = 0.4
SET enable_seqscan = off
AS $$
WITH like_configuration_items AS MATERIALIZED (
    SELECT c.id, c.name AS title FROM configuration_items c
    WHERE 'CONFIGURATION_ITEM' = ANY(kinds) AND c.name %> asked),
like_incidents AS MATERIALIZED (
    SELECT i.id, i.title AS title FROM incidents i
    WHERE 'INCIDENT' = ANY(kinds) AND i.title %> asked
       AND (sees_restricted OR i.restricted_team_id IS NULL
            OR i.restricted_team_id IN (SELECT t.id FROM teams t WHERE t.key = ANY(team_keys)))),
like_changes AS MATERIALIZED (
    SELECT h.id, h.title AS title FROM changes h
    WHERE 'CHANGE' = ANY(kinds) AND h.title %> asked),
like_documents AS MATERIALIZED (
    SELECT d.id, d.title AS title FROM documents d
    WHERE 'DOCUMENT' = ANY(kinds) AND d.title %> asked),
like_workflows AS MATERIALIZED (
    SELECT w.id, w.name AS title FROM workflows w
    WHERE 'WORKFLOW' = ANY(kinds) AND w.name %> asked
       AND NOT EXISTS (
           SELECT 1 FROM workflows n
           WHERE n.key = w.key AND (n.state = 'PUBLISHED', n.revision) > (w.state = 'PUBLISHED', w.revision))),
like_teams AS MATERIALIZED (
    SELECT t.id, t.name AS title FROM teams t
    WHERE 'TEAM' = ANY(kinds) AND t.name %> asked),
like_users AS MATERIALIZED (
    SELECT u.id, u.name AS title FROM users u
    WHERE 'USER' = ANY(kinds) AND u.name %> asked)
(SELECT 'CONFIGURATION_ITEM', x.id, x.title, word_similarity(asked, x.title)
 FROM (SELECT * FROM like_configuration_items LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'INCIDENT', x.id, x.title, word_similarity(asked, x.title)
 FROM (SELECT * FROM like_incidents LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'CHANGE', x.id, x.title, word_similarity(asked, x.title)
 FROM (SELECT * FROM like_changes LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'DOCUMENT', x.id, x.title, word_similarity(asked, x.title)
 FROM (SELECT * FROM like_documents LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'WORKFLOW', x.id, x.title, word_similarity(asked, x.title)
 FROM (SELECT * FROM like_workflows LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'TEAM', x.id, x.title, word_similarity(asked, x.title)
 FROM (SELECT * FROM like_teams LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
UNION ALL
(SELECT 'USER', x.id, x.title, word_similarity(asked, x.title)
 FROM (SELECT * FROM like_users LIMIT 5000) x ORDER BY 4 DESC, x.id LIMIT most)
$$;

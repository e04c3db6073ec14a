-- name: incidents_by_similar_texts
-- For each visible incident, by its id, the other visible past incidents whose title and description have the most of
-- its words, best first by BM25 (Robertson and Zaragoza 2009; k1 = 1.2, b = 0.75; words of titles count twice), with
-- the share of the weight of its words that they have. Frequencies are those among the newest visible past incidents, so
-- that a hidden one changes neither a score nor an order. Ranked are those with one of its rarest words, or with two of
-- its three rarest, a bounded number of each, so that a statement takes no longer with more incidents.
WITH asked AS MATERIALIZED (
    SELECT i.id, a.lexeme AS term, 1 + (a.lexeme = ANY(t.terms))::int AS weight,
           -- A lexeme is written as a query by quotes around it.
           ('''' || replace(replace(a.lexeme, '\', '\\'), '''', '''''') || '''')::tsquery AS query
    FROM incidents i
    CROSS JOIN LATERAL (SELECT tsvector_to_array(to_tsvector('english', worded(i.title))) AS terms OFFSET 0) t
    CROSS JOIN LATERAL unnest(i.search) a
    WHERE i.id = ANY(%(ids)s::uuid[]) AND a.lexeme <> lower(i.number)
      AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))),
sample AS MATERIALIZED (
    SELECT i.search FROM incidents i
    WHERE i.state IN ('RESOLVED', 'CLOSED')
      AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
    ORDER BY i.opened_at DESC, i.id DESC
    LIMIT %(sample)s),
corpus AS MATERIALIZED (
    SELECT count(*)::float8 AS incidents, coalesce(avg(length(s.search)), 1)::float8 AS mean_length FROM sample s),
frequencies AS MATERIALIZED (
    SELECT d.term, ln(1 + (c.incidents - f.n + 0.5) / (f.n + 0.5)) AS weight
    FROM (SELECT DISTINCT a.term, a.query FROM asked a) d
    CROSS JOIN LATERAL (SELECT count(*) AS n FROM sample s WHERE s.search @@ d.query) f
    CROSS JOIN corpus c),
weighted AS MATERIALIZED (
    SELECT a.id, a.term, a.query, a.weight * f.weight AS weight,
           row_number() OVER (PARTITION BY a.id ORDER BY a.weight * f.weight DESC, a.term) AS place
    FROM asked a JOIN frequencies f ON f.term = a.term),
probes AS MATERIALIZED (
    SELECT w.id, w.query, w.weight FROM weighted w WHERE w.place <= %(terms)s
    UNION ALL
    SELECT w.id, w.query && x.query, w.weight + x.weight
    FROM weighted w JOIN weighted x ON x.id = w.id AND x.place > w.place
    WHERE x.place <= 3),
candidates AS MATERIALIZED (
    SELECT a.id AS asked_id, c.id
    FROM (SELECT DISTINCT a.id FROM asked a) a
    CROSS JOIN LATERAL (
        SELECT p.id
        FROM probes b
        CROSS JOIN LATERAL (
            SELECT i.id FROM incidents i
            WHERE i.search @@ b.query AND i.id <> b.id AND i.state IN ('RESOLVED', 'CLOSED')
              AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
                   OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
            LIMIT %(postings)s) p
        WHERE b.id = a.id
        GROUP BY p.id
        ORDER BY sum(b.weight) DESC, p.id
        LIMIT %(candidates)s) c),
found AS MATERIALIZED (
    SELECT i.id, length(i.search) AS length, x.lexeme AS term,
           cardinality(x.positions) + (x.lexeme = ANY(t.terms))::int AS frequency
    FROM (SELECT DISTINCT c.id FROM candidates c) c
    JOIN incidents i ON i.id = c.id
    CROSS JOIN LATERAL (SELECT tsvector_to_array(to_tsvector('english', worded(i.title))) AS terms OFFSET 0) t
    CROSS JOIN LATERAL unnest(i.search) x
    WHERE (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))),
-- In whole billionths, so that a sum does not depend on its order and equal incidents have equal scores.
scores AS (
    SELECT c.asked_id, c.id, sum((1e9 * w.weight)::bigint) AS weight,
           sum((1e9 * w.weight * f.frequency * 2.2
                / (f.frequency + 1.2 * (0.25 + 0.75 * f.length / corpus.mean_length)))::bigint) AS score
    FROM candidates c
    JOIN found f ON f.id = c.id
    JOIN weighted w ON w.id = c.asked_id AND w.term = f.term
    CROSS JOIN corpus
    GROUP BY c.asked_id, c.id),
ranks AS (
    SELECT s.*, row_number() OVER (PARTITION BY s.asked_id ORDER BY s.score DESC, s.id DESC) AS place FROM scores s)
SELECT r.asked_id AS lookup_key, r.id AS incident_id, (r.score / 1e9)::float8 AS score,
       (r.weight / t.weight)::float8 AS share
FROM ranks r
JOIN (SELECT w.id, 1e9 * sum(w.weight) AS weight FROM weighted w GROUP BY w.id) t ON t.id = r.asked_id
WHERE r.place <= %(limit)s
ORDER BY r.asked_id, r.place;

-- name: past_incidents_by_configuration_items
-- The visible past incidents of each configuration item in any role, by their number, those with the greatest ids
-- first, which are the newest.
SELECT k.key AS lookup_key, p.incident_id AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (
    SELECT DISTINCT x.incident_id
    FROM incident_configuration_items x JOIN incidents i ON i.id = x.incident_id
    WHERE x.configuration_item_id = k.key AND i.state IN ('RESOLVED', 'CLOSED')
      AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
    ORDER BY x.incident_id DESC
    LIMIT %(limit)s) p
ORDER BY k.key, p.incident_id DESC;

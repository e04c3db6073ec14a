-- name: lock
-- One import at a time: the plan of a second one would be out of date before it is carried out.
SELECT pg_try_advisory_lock(hashtext('stackflow import'))

-- name: unlock
-- Let the next import in.
SELECT pg_advisory_unlock(hashtext('stackflow import'))

-- name: memory
-- Sorts and hashes of this transaction may take this much before they go to disk.
SELECT set_config('work_mem', '96MB', true)

-- name: stage
-- Rows of one section as text: NULL where the mapping doesn't give the field, '' where the row leaves it empty.
CREATE TEMP TABLE staged (ordinal bigint NOT NULL, line bigint NOT NULL, id uuid NOT NULL/*columns*/)

-- name: copy
-- Fill the staged rows.
COPY staged (ordinal, line, id/*columns*/) FROM STDIN

-- name: measure_staged
-- Let the planner know how many rows there are.
ANALYZE staged

-- name: drop_tables
-- Forget the rows of the section before.
DROP TABLE IF EXISTS staged, planned

-- name: plan
-- What would become of each staged row: create, change, leave or reject; repeats are found afterwards.
CREATE TEMP TABLE planned AS
WITH w AS (/*wanted*/)
SELECT w.*, NULL::bigint AS first_line,
    CASE
        WHEN w.reason IS NOT NULL THEN 'reject'
        /*before*/
        WHEN /*absent*/ THEN 'create'
        WHEN /*different*/ THEN 'change'
        ELSE 'leave'
    END AS action
FROM w
LEFT JOIN /*table*/ t ON /*match*/

-- name: mark_repeats
-- A row whose identity an earlier row has: repeat where the mapping says distinct, else reject with both lines.
-- Grouping hashes the identities alone; ranking every row by a window would sort all its columns.
WITH firsts AS (
    SELECT /*identity*/, min(ordinal) AS first_ordinal, min(line) AS first_line
    FROM planned WHERE reason IS NULL GROUP BY /*identity*/ HAVING count(*) > 1
)
UPDATE planned p SET first_line = f.first_line, action = CASE WHEN %(distinct)s THEN 'repeat' ELSE 'reject' END
FROM firsts f
WHERE p.reason IS NULL AND p.ordinal > f.first_ordinal AND /*same*/

-- name: index_planned
-- Batches are ranges of ordinals.
CREATE INDEX ON planned (ordinal)

-- name: count_actions
-- How many rows meet which fate.
SELECT action, count(*) FROM planned GROUP BY action

-- name: rejected_rows
-- Rows refused by the plan, in the order of the file, with the staged values.
SELECT p.line,
    coalesce(p.reason, p.shown || ' stands on line ' || p.first_line || ' and again on line ' || p.line),
    (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(s) - '{ordinal,line,id}'::text[]) WHERE value <> 'null')
FROM planned p JOIN staged s USING (ordinal)
WHERE p.action = 'reject'
ORDER BY p.ordinal

-- name: noted_rows
-- Rows that go in with a reference left empty, in the order of the file.
SELECT p.line, note, to_jsonb(p.shown)
FROM planned p CROSS JOIN unnest(p.notes) AS note
WHERE p.action IN ('create', 'change', 'leave')
ORDER BY p.ordinal

-- name: examples
-- The first labels of each fate.
SELECT action, shown
FROM (SELECT action, shown, ordinal, row_number() OVER (PARTITION BY action ORDER BY ordinal) AS nth
      FROM planned WHERE action IN ('create', 'change', 'pending')) ranked
WHERE nth <= CASE action WHEN 'pending' THEN 20 ELSE 3 END
ORDER BY action, ordinal

-- name: create
-- New rows of one batch.
INSERT INTO /*table*/ (/*columns*/)
SELECT /*values*/ FROM planned p
WHERE p.action = 'create' AND p.ordinal > %(after)s AND p.ordinal <= %(upto)s
ORDER BY p.ordinal

-- name: change
-- Changed rows of one batch; rows that would stay the same are not touched.
UPDATE /*table*/ t SET /*assignments*/
FROM planned p
WHERE p.action = 'change' AND p.ordinal > %(after)s AND p.ordinal <= %(upto)s AND /*match*/

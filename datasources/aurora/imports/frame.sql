-- name: memory
-- Set the memory for sorts and hashes of this transaction.
SELECT set_config('work_mem', '96MB', true)

-- name: stage
-- Create the staged rows of one section as text: NULL if the mapping doesn't set the field, '' if the row leaves it
-- empty.
CREATE TEMP TABLE staged (ordinal bigint NOT NULL, line bigint NOT NULL, id uuid NOT NULL, latest_by text/*columns*/)

-- name: copy
-- Copy into the staged rows.
COPY staged (ordinal, line, id/*columns*/) FROM STDIN

-- name: measure_staged
-- Analyze the staged rows, so that the planner knows their number.
ANALYZE staged

-- name: measure_planned
-- Analyze the planned rows for the batches, since autovacuum ignores temporary tables.
ANALYZE planned (/*columns*/)

-- name: drop_tables
-- Drop the tables of the previous section.
DROP TABLE IF EXISTS staged, planned, staged_keys, repeats

-- name: plan
-- Decide the fate of each staged row: create, change, leave or reject; repeats are marked afterwards.
CREATE TEMP TABLE planned AS
WITH w AS (/*wanted*/)
SELECT w.*, NULL::bigint AS first_line, NULL::text AS shared,
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
-- Mark rows whose identity an earlier row has: rejected with both lines, or repeats if the mapping lets one row win.
-- Grouping hashes only the identities; a window over every row would sort all its columns.
WITH firsts AS (
    SELECT /*identity*/, min(ordinal) AS ordinal, min(line) AS line
    FROM planned WHERE reason IS NULL GROUP BY /*identity*/ HAVING count(*) > 1
)
UPDATE planned p SET first_line = f.line, action = CASE WHEN %(reject)s THEN 'reject' ELSE 'repeat' END
FROM firsts f
WHERE p.reason IS NULL AND p.ordinal > f.ordinal AND /*same*/

-- name: mark_earlier
-- Mark rows whose identity a later row has, by the mapping's column and then by line: the latest row wins.
WITH ranked AS (
    SELECT p.ordinal, count(*) OVER same AS members,
        row_number() OVER (same ORDER BY /*latest*/) AS place,
        first_value(p.line) OVER (same ORDER BY /*latest*/) AS winner
    FROM planned p JOIN staged s USING (ordinal) WHERE p.reason IS NULL
    WINDOW same AS (PARTITION BY /*identity*/)
)
UPDATE planned p SET first_line = r.winner, action = 'repeat'
FROM ranked r
WHERE r.members > 1 AND r.place > 1 AND p.ordinal = r.ordinal

-- name: latest
-- The order by which the later row wins: numbers by value, other values by text, empty ones last; then the later line.
CASE WHEN s.latest_by ~ '^-?[0-9]+([.][0-9]+)?$' THEN s.latest_by::numeric END DESC NULLS LAST,
nullif(s.latest_by, '') COLLATE "C" DESC NULLS LAST, p.ordinal DESC

-- name: index_planned
-- Create the index for batches, which are ranges of ordinals.
CREATE INDEX ON planned (ordinal)

-- name: count_actions
-- The number of rows by fate.
SELECT action, count(*) FROM planned GROUP BY action

-- name: reject_row
-- Reject one row that the database refused on its own.
UPDATE planned SET action = 'reject', reason = %(reason)s WHERE ordinal = %(ordinal)s

-- name: refused_row
-- The staged values of one row.
SELECT s.line, (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(s) - '{ordinal,line,id,latest_by}'::text[]) WHERE value <> 'null')
FROM staged s WHERE s.ordinal = %(ordinal)s

-- name: rejected_rows
-- Rows that the plan rejects, in file order, with the staged values.
SELECT p.line,
    coalesce(p.reason, p.shown || coalesce(' on line ' || p.line || ' shares the key ' || p.shared || ' with line '
        || p.first_line || '; one item takes one row', ' stands on line ' || p.first_line || ' and again on line ' || p.line)),
    (SELECT jsonb_object_agg(key, value) FROM jsonb_each(to_jsonb(s) - '{ordinal,line,id,latest_by}'::text[]) WHERE value <> 'null')
FROM planned p JOIN staged s USING (ordinal)
WHERE p.action = 'reject'
ORDER BY p.ordinal

-- name: noted_rows
-- Rows that are written, or wait, with an empty reference, in file order.
SELECT p.line, note, to_jsonb(p.shown)
FROM planned p CROSS JOIN unnest(p.notes) AS note
WHERE p.action IN ('create', 'change', 'leave', 'pending')
ORDER BY p.ordinal

-- name: examples
-- The first labels of each fate.
SELECT action, shown
FROM (SELECT action, shown, ordinal, row_number() OVER (PARTITION BY action ORDER BY ordinal) AS nth
      FROM planned WHERE action IN ('create', 'change', 'pending')) ranked
WHERE nth <= CASE action WHEN 'pending' THEN 20 ELSE 3 END
ORDER BY action, ordinal

-- name: create
-- Insert the new rows of one batch.
INSERT INTO /*table*/ (/*columns*/)
SELECT /*values*/ FROM planned p
WHERE p.action = 'create' AND p.ordinal > %(after)s AND p.ordinal <= %(upto)s
ORDER BY p.ordinal

-- name: change
-- Update the changed rows of one batch; unchanged rows are not touched.
UPDATE /*table*/ t SET /*assignments*/
FROM planned p
WHERE p.action = 'change' AND p.ordinal > %(after)s AND p.ordinal <= %(upto)s AND /*match*/

-- name: cache_vouched
-- Record until when cached values may be trusted: so many seconds from now, or longer if recorded before.
UPDATE cache_trust SET until = greatest(until, clock_timestamp() + %(seconds)s * interval '1 second')
RETURNING true;

-- name: cache_trusted_for
-- For how many seconds processes that asked before now may still trust cached values.
SELECT greatest(extract(epoch FROM until - clock_timestamp()), 0)::float8 FROM cache_trust;

-- name: tables_owed
-- Record that tables were written, for later readers.
INSERT INTO table_writes (table_name) SELECT DISTINCT unnest(%(tables)s::text[]) RETURNING true;

-- name: tables_written
-- The current snapshot, whether it is later than the given one, and which entities and tables were written in between:
-- by transactions that are visible now and were not visible then.
SELECT pg_current_snapshot()::text AS moment,
       coalesce(pg_snapshot_xmax(pg_current_snapshot()) >= pg_snapshot_xmax(%(since)s::pg_snapshot), false) AS later,
       ARRAY(SELECT DISTINCT o.entity FROM outbox o
             WHERE o.transaction >= pg_snapshot_xmin(%(since)s::pg_snapshot)
               AND NOT pg_visible_in_snapshot(o.transaction, %(since)s::pg_snapshot)) AS entities,
       ARRAY(SELECT DISTINCT w.table_name FROM table_writes w
             WHERE w.transaction >= pg_snapshot_xmin(%(since)s::pg_snapshot)
               AND NOT pg_visible_in_snapshot(w.transaction, %(since)s::pg_snapshot)) AS tables;

-- name: table_writes_forgotten
-- Delete records of writes older than an hour: no snapshot is known for so long.
DELETE FROM table_writes WHERE written_at < now() - interval '1 hour';

-- name: lock
-- Lock out other imports, since the plan of a second one would be outdated before it is applied.
SELECT pg_try_advisory_lock(hashtext('stackflow import'))

-- name: unlock
-- Allow the next import.
SELECT pg_advisory_unlock(hashtext('stackflow import'))

-- name: holder
-- The session that holds the lock, its name, and since when; nulls if this role may not see them.
SELECT a.pid, a.application_name, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtext('stackflow import')::bigint
LIMIT 1

-- name: begin
-- Name the session for operators, and end its statement soon after its client has disappeared.
SELECT set_config('application_name', %(name)s, false), set_config('client_connection_check_interval', '1s', false)

-- name: name
-- Name the session only: some platforms can't detect a lost client during a statement.
SELECT set_config('application_name', %(name)s, false)

-- name: end
-- Restore the session's settings.
SELECT set_config('application_name', %(name)s, false), set_config('client_connection_check_interval', '0', false),
    set_config('enable_nestloop', 'on', false)

-- name: stale_tables
-- Tables whose statistics describe another size: by autovacuum's own rule, or large ones without statistics.
SELECT c.relname
FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = quote_ident(current_schema())::regnamespace
    AND pg_has_role(c.relowner, 'USAGE')
    AND (pg_stat_get_mod_since_analyze(c.oid) > 50 + 0.1 * greatest(c.reltuples, 0)
        OR (c.reltuples <= 0 AND pg_stat_get_live_tuples(c.oid) > 0))
ORDER BY c.relname

-- name: size
-- Rows of a table by its statistics, and whether this role may refresh them.
SELECT greatest(c.reltuples, 0)::bigint, pg_has_role(c.relowner, 'USAGE')
FROM pg_class c
WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND c.relname = %(name)s

-- name: analyze
-- Refresh the statistics of a table; skip it if another session does so.
ANALYZE (SKIP_LOCKED) /*table*/

-- name: join
-- Enable or disable nested loops for this session.
SELECT set_config('enable_nestloop', %(nested)s, false)

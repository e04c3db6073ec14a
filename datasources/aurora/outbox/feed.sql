-- name: feed_since
-- The changes after a position, ordered by transaction, of some kinds and optionally of some entities only. It ends
-- before the oldest transaction in progress, so that nothing becomes visible before a position that was read.
-- Restricted incidents, and deleted ones, whose restriction is unknown, are visible only to callers that can see all,
-- and so are workflow runs for them, or deleted ones. Each row begins with whether everything after the position is
-- still stored, and with the last transaction that was read; without changes there is one row with nothing else.
SELECT coalesce((%(transaction)s::text::xid8, %(position)s::bigint) >= (t.transaction, t.position), true)
           AS is_complete,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS last, found.*
FROM (SELECT true) one
LEFT JOIN outbox_trimmed t ON true
LEFT JOIN (
    SELECT o.transaction::text::bigint, o.position, o.entity AS kind, o.entity_id, o.change AS step, o.request_id,
           o.written_at
    FROM outbox o
    LEFT JOIN workflow_runs r ON o.entity = 'WORKFLOW_RUN' AND r.id = o.entity_id
    LEFT JOIN incidents i ON i.id = CASE o.entity WHEN 'INCIDENT' THEN o.entity_id ELSE r.incident_id END
    WHERE (o.transaction, o.position) > (%(transaction)s::text::xid8, %(position)s::bigint)
      AND o.transaction < pg_snapshot_xmin(pg_current_snapshot())
      AND o.entity = ANY(%(kinds)s::text[])
      AND (%(ids)s::uuid[] IS NULL OR o.entity_id = ANY(%(ids)s::uuid[]))
      AND (o.entity <> 'INCIDENT' OR %(sees_restricted)s OR i.id IS NOT NULL)
      AND (o.entity <> 'WORKFLOW_RUN' OR %(sees_restricted)s OR r.id IS NOT NULL)
      AND (%(sees_restricted)s OR i.restricted_team_id IS NULL
           OR i.restricted_team_id IN (SELECT id FROM teams WHERE key = ANY(%(team_keys)s::text[])))
    ORDER BY o.transaction, o.position
    LIMIT %(limit)s
) found ON true
ORDER BY found.transaction, found.position;

-- name: feed_tail
-- All changes after a position, in the order and with the first columns of feed_since.
SELECT coalesce((%(transaction)s::text::xid8, %(position)s::bigint) >= (t.transaction, t.position), true)
           AS is_complete,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS last, found.*
FROM (SELECT true) one
LEFT JOIN outbox_trimmed t ON true
LEFT JOIN (
    SELECT o.transaction::text::bigint, o.position, o.entity AS kind, o.entity_id, o.change AS step, o.request_id,
           o.written_at
    FROM outbox o
    WHERE (o.transaction, o.position) > (%(transaction)s::text::xid8, %(position)s::bigint)
      AND o.transaction < pg_snapshot_xmin(pg_current_snapshot())
      AND o.entity = ANY(%(kinds)s::text[])
    ORDER BY o.transaction, o.position
    LIMIT %(limit)s
) found ON true
ORDER BY found.transaction, found.position;

-- name: feed_end
-- The position after all completed transactions.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1 AS transaction, 9223372036854775807 AS position;

-- What is kept for a time only: the place up to which the outbox was trimmed, and when an entity was heard to have ended.

-- The greatest place of any row that was ever deleted. Who reads on from a place before it may have missed something, and
-- is told so. One row.
CREATE TABLE outbox_trimmed (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    transaction xid8 NOT NULL,
    position bigint NOT NULL
);
-- Rows may have been deleted before this was remembered: all that is known is that none is missing from the oldest on.
INSERT INTO outbox_trimmed (transaction, position)
SELECT transaction, position - 1 FROM (
    SELECT transaction, position, 0 AS last FROM outbox
    UNION ALL SELECT '0', 1, 1
) oldest
ORDER BY last, transaction, position
LIMIT 1;

-- When the event came that ended an entity which is not there, by our clock; the time of the event itself may lie years
-- back. Written only when an end comes or goes, so that most upserts touch no index.
ALTER TABLE event_times ADD COLUMN end_heard_at timestamptz;
UPDATE event_times SET end_heard_at = now()
WHERE ended_at IS NOT NULL
  AND (upserted_at IS NULL OR (upserted_at, upserted_by COLLATE "C") < (ended_at, ended_by));
CREATE INDEX event_times_by_end ON event_times (end_heard_at) WHERE end_heard_at IS NOT NULL;

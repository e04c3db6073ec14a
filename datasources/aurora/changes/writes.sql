-- name: change_number
-- Reserve so many numbers and return the last one.
SELECT 'CHG' || lpad(n::text, greatest(7, length(n::text)), '0')
FROM (SELECT max(nextval('change_numbers')) AS n FROM generate_series(1, %(step)s)) numbered;

-- name: change_insert
-- Insert a change and return it; no row if its number is taken.
INSERT INTO changes (id, number, title, description, type, risk, team_id, assignee_id, proposed_by)
VALUES (%(id)s, %(number)s, %(title)s, %(description)s, %(type)s, %(risk)s, %(team_id)s, %(assignee_id)s,
        ARRAY[%(proposer)s]::text[])
ON CONFLICT (number) DO NOTHING
RETURNING id, number, title, description, type, state, risk, team_id, assignee_id, planned_start, planned_end,
          actual_start, actual_end, version, updated_at;

-- name: changes_locked
-- Changes ordered by id, locked until the transaction ends.
SELECT h.id, h.number, h.title, h.description, h.type, h.state, h.risk, h.team_id, h.assignee_id, h.planned_start,
       h.planned_end, h.actual_start, h.actual_end, h.version, h.updated_at
FROM changes h WHERE h.id = ANY(%(ids)s::uuid[]) ORDER BY h.id FOR NO KEY UPDATE;

-- name: change_proposers
-- The principals who proposed or edited a change, as KIND:subject.
SELECT unnest(h.proposed_by) FROM changes h WHERE h.id = %(id)s;

-- name: change_update
-- Update a locked change and return it. The times in `stamps` are set to now, but an end never before its start, which
-- an import may have set to a future time. A proposer is added if given.
UPDATE changes SET
    title = %(title)s, description = %(description)s, type = %(type)s, state = %(state)s, risk = %(risk)s,
    team_id = %(team_id)s, assignee_id = %(assignee_id)s, planned_start = %(planned_start)s,
    planned_end = %(planned_end)s,
    actual_start = CASE WHEN 'actual_start' = ANY(%(stamps)s::text[]) THEN statement_timestamp()
                        ELSE actual_start END,
    actual_end = CASE WHEN 'actual_end' = ANY(%(stamps)s::text[]) THEN greatest(statement_timestamp(), actual_start)
                      ELSE actual_end END,
    proposed_by = CASE WHEN %(proposer)s::text IS NULL OR %(proposer)s = ANY(proposed_by) THEN proposed_by
                       ELSE proposed_by || %(proposer)s::text END,
    version = version + 1, updated_at = statement_timestamp()
WHERE id = %(id)s
RETURNING id, number, title, description, type, state, risk, team_id, assignee_id, planned_start, planned_end,
          actual_start, actual_end, version, updated_at;

-- name: change_items_linked
-- Link items to a change; return those that were not linked before.
INSERT INTO change_configuration_items (change_id, configuration_item_id)
SELECT %(id)s::uuid, item FROM unnest(%(items)s::uuid[]) AS item ORDER BY item
ON CONFLICT DO NOTHING
RETURNING configuration_item_id;

-- name: change_items_unlinked
-- Unlink items from a change; return those that were linked.
DELETE FROM change_configuration_items
WHERE change_id = %(id)s AND configuration_item_id = ANY(%(items)s::uuid[])
RETURNING configuration_item_id;

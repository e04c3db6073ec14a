-- Who stands behind a write and which run led to it, neither of which a client can say; and what the publisher of a
-- workflow may see.

ALTER TABLE outbox
    -- As KIND:subject, the person whose key or event it was; empty where it was nobody.
    ADD COLUMN actor text NOT NULL DEFAULT '',
    -- The run that wrote.
    ADD COLUMN cause_run_id uuid,
    -- A program that carries out steps wrote: it may say by its request id on behalf of which run.
    ADD COLUMN by_executor boolean NOT NULL DEFAULT false;

-- Rows that triggers have not read yet: only what the engine wrote has a cause. A request id alone proves nothing.
UPDATE outbox o SET cause_run_id = substring(o.request_id FROM 5)::uuid
FROM audit_entries a
WHERE o.request_id ~ '^run:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
  AND a.entity_id = o.entity_id AND a.request_id = o.request_id AND a.principal = 'engine:workflows';

-- Those who stand behind a run, as KIND:subject; with `requested_by`, none of them approves where four eyes are asked for.
ALTER TABLE workflow_runs ADD COLUMN initiators text[] NOT NULL DEFAULT '{}';
-- What is known of old runs is no news: a trigger that is published since would start runs for it.
ALTER TABLE workflow_runs DISABLE TRIGGER workflow_runs_updated;
WITH RECURSIVE chain (run_id, cause_run_id, requested_by) AS (
    SELECT r.id, r.cause_run_id, r.requested_by FROM workflow_runs r WHERE r.cause_run_id IS NOT NULL
    UNION
    SELECT c.run_id, r.cause_run_id, r.requested_by FROM chain c JOIN workflow_runs r ON r.id = c.cause_run_id
)
UPDATE workflow_runs r SET initiators = led.initiators
FROM (SELECT c.run_id, array_agg(DISTINCT c.requested_by) AS initiators FROM chain c GROUP BY c.run_id) led
WHERE r.id = led.run_id;
ALTER TABLE workflow_runs ENABLE TRIGGER workflow_runs_updated;

-- One person decides once about an attempt, by whichever key or token.
ALTER TABLE workflow_approvals ADD COLUMN identity text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX workflow_approvals_by_identity ON workflow_approvals (step_run_id, identity) WHERE identity <> '';

-- The subject of the person for whom a key acts; empty for a program of its own.
ALTER TABLE api_keys ADD COLUMN owner text NOT NULL DEFAULT '';

-- Whose incidents the publisher of a workflow could see: its triggers and expressions see no others. A workflow without
-- a row was imported, which is an operator's act, and sees all.
CREATE TABLE workflow_publishers (
    workflow_id uuid PRIMARY KEY REFERENCES workflows (id) ON DELETE CASCADE,
    principal text NOT NULL,
    sees_restricted boolean NOT NULL,
    team_keys text[] NOT NULL
);
-- Nobody knows any more what publishers could see, so those before see no restricted incident until published again.
INSERT INTO workflow_publishers (workflow_id, principal, sees_restricted, team_keys)
SELECT DISTINCT ON (w.id) w.id, a.principal, false, '{}'::text[]
FROM workflows w JOIN audit_entries a ON a.entity_id = w.id AND a.entity = 'WORKFLOW' AND a.action = 'PublishWorkflow'
WHERE a.after->>'state' = 'PUBLISHED'
ORDER BY w.id, a.happened_at DESC;

-- The last thing for which a trigger started no run although it should have been looked at.
CREATE TABLE workflow_trigger_problems (
    workflow_id uuid PRIMARY KEY REFERENCES workflows (id) ON DELETE CASCADE,
    happened_at timestamptz NOT NULL,
    reason text NOT NULL
);

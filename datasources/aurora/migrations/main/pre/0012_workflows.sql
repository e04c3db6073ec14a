-- Workflows that run: what starts them, how far each run is, when it must be looked at again, and what it sends out.

ALTER TABLE workflow_steps DROP CONSTRAINT workflow_steps_kind_check;
ALTER TABLE workflow_steps ADD CONSTRAINT workflow_steps_kind_check
    CHECK (kind IN ('MANUAL', 'APPROVAL', 'REMEDIATION', 'NOTIFICATION', 'WAIT'));
-- What a run must or may be given, in the order in which a form would ask.
ALTER TABLE workflows ADD COLUMN inputs jsonb NOT NULL DEFAULT '[]';

ALTER TABLE workflow_runs DROP CONSTRAINT workflow_runs_state_check;
ALTER TABLE workflow_runs ADD CONSTRAINT workflow_runs_state_check
    CHECK (state IN ('RUNNING', 'WAITING', 'COMPENSATING', 'SUCCEEDED', 'FAILED', 'CANCELLED'));
ALTER TABLE workflow_runs
    -- As KIND:subject; empty for imported runs. Four eyes compare it.
    ADD COLUMN requested_by text NOT NULL DEFAULT '',
    ADD COLUMN request_id text NOT NULL DEFAULT '',
    -- What an automatic start was for; a second start for the same is none.
    ADD COLUMN trigger_key text UNIQUE,
    -- The run whose end or writing started this one.
    ADD COLUMN cause_run_id uuid REFERENCES workflow_runs (id),
    ADD COLUMN priority integer CHECK (priority BETWEEN 1 AND 5),
    ADD COLUMN inputs jsonb NOT NULL DEFAULT '{}',
    -- Why it failed or was cancelled.
    ADD COLUMN reason text NOT NULL DEFAULT '',
    -- What it will be once its compensation is over.
    ADD COLUMN ending text CHECK (ending IN ('FAILED', 'CANCELLED'));
CREATE INDEX workflow_runs_by_cause ON workflow_runs (cause_run_id) WHERE cause_run_id IS NOT NULL;
CREATE SEQUENCE workflow_run_numbers START WITH 5000001;

ALTER TABLE workflow_step_runs
    -- When it must be looked at if nobody reports before: a timeout, the end of a wait, the time of a next attempt.
    ADD COLUMN due_at timestamptz,
    ADD COLUMN reason text NOT NULL DEFAULT '';
CREATE INDEX workflow_step_runs_due ON workflow_step_runs (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX workflow_step_runs_by_run ON workflow_step_runs (run_id);

-- Who decides need not be in the table of users: a program, or the developer of a server on loopback.
ALTER TABLE workflow_approvals ALTER COLUMN user_id DROP NOT NULL;
ALTER TABLE workflow_approvals ADD COLUMN principal text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX workflow_approvals_by_principal ON workflow_approvals (step_run_id, principal) WHERE principal <> '';

-- Messages written in the transaction of what they tell, for a worker that takes them to their queue. A message is
-- named by its attempt at a step, so a second delivery is known to be one.
CREATE TABLE outgoing_messages (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    queue text NOT NULL,
    group_key text NOT NULL,
    body text NOT NULL,
    request_id text NOT NULL DEFAULT '',
    written_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz
);
CREATE INDEX outgoing_messages_to_send ON outgoing_messages (position) WHERE sent_at IS NULL;
CREATE INDEX outgoing_messages_sent ON outgoing_messages (sent_at) WHERE sent_at IS NOT NULL;

-- How far a reader of the outbox other than the projection is.
CREATE TABLE outbox_readers (
    name text PRIMARY KEY,
    transaction xid8 NOT NULL,
    position bigint NOT NULL
);

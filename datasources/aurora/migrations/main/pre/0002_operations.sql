-- Changes, incidents, documents, workflows, API keys and the outbox.
CREATE TABLE changes (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    type text NOT NULL DEFAULT 'NORMAL' CHECK (type IN ('STANDARD', 'NORMAL', 'EMERGENCY')),
    state text NOT NULL DEFAULT 'PROPOSED'
        CHECK (state IN ('PROPOSED', 'APPROVED', 'SCHEDULED', 'IN_PROGRESS', 'COMPLETED', 'FAILED', 'CANCELLED')),
    risk text NOT NULL DEFAULT 'UNKNOWN' CHECK (risk IN ('LOW', 'MEDIUM', 'HIGH', 'UNKNOWN')),
    team_id uuid REFERENCES teams (id),
    assignee_id uuid REFERENCES users (id),
    planned_start timestamptz,
    planned_end timestamptz CHECK (planned_end >= planned_start),
    actual_start timestamptz,
    actual_end timestamptz CHECK (actual_end >= actual_start),
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS
        (to_tsvector('simple', number) || to_tsvector('english', title || ' ' || description)) STORED
);
CREATE INDEX changes_by_planned_start ON changes (coalesce(planned_start, 'infinity'::timestamptz), id);
CREATE INDEX changes_by_state ON changes (state, id);
CREATE INDEX changes_by_update ON changes (updated_at, id);
CREATE INDEX changes_by_team ON changes (team_id, id);
CREATE INDEX changes_search ON changes USING gin (search);
CREATE INDEX changes_trigram ON changes USING gin (title gin_trgm_ops);

CREATE TABLE change_configuration_items (
    change_id uuid NOT NULL REFERENCES changes (id) ON DELETE CASCADE,
    configuration_item_id uuid NOT NULL REFERENCES configuration_items (id),
    PRIMARY KEY (change_id, configuration_item_id)
);
CREATE INDEX change_configuration_items_by_item ON change_configuration_items (configuration_item_id, change_id);

CREATE TABLE incidents (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'NEW'
        CHECK (state IN ('NEW', 'IN_PROGRESS', 'ON_HOLD', 'RESOLVED', 'CLOSED', 'CANCELLED')),
    -- 1 is the gravest, 5 the least.
    impact smallint NOT NULL DEFAULT 3 CHECK (impact BETWEEN 1 AND 5),
    urgency smallint NOT NULL DEFAULT 3 CHECK (urgency BETWEEN 1 AND 5),
    priority smallint NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 5),
    category text NOT NULL DEFAULT '',
    team_id uuid REFERENCES teams (id),
    assignee_id uuid REFERENCES users (id),
    -- Set: only this team, and who may read all restricted incidents, sees the row.
    restricted_team_id uuid REFERENCES teams (id),
    change_id uuid REFERENCES changes (id),
    resolution_code text NOT NULL DEFAULT '',
    resolution text NOT NULL DEFAULT '',
    opened_at timestamptz NOT NULL DEFAULT now(),
    reopened_at timestamptz,
    resolved_at timestamptz,
    closed_at timestamptz,
    attributes jsonb NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS
        (to_tsvector('simple', number) || to_tsvector('english', title || ' ' || description)) STORED
);
CREATE INDEX incidents_by_opening ON incidents (opened_at, id);
CREATE INDEX incidents_by_priority ON incidents (priority, id);
CREATE INDEX incidents_by_state ON incidents (state, opened_at, id);
CREATE INDEX incidents_by_update ON incidents (updated_at, id);
CREATE INDEX incidents_by_team ON incidents (team_id, opened_at, id);
CREATE INDEX incidents_by_assignee ON incidents (assignee_id, opened_at, id);
CREATE INDEX incidents_by_change ON incidents (change_id, opened_at, id);
CREATE INDEX incidents_search ON incidents USING gin (search);
CREATE INDEX incidents_trigram ON incidents USING gin (title gin_trgm_ops);

CREATE TABLE incident_configuration_items (
    incident_id uuid NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    configuration_item_id uuid NOT NULL REFERENCES configuration_items (id),
    role text NOT NULL CHECK (role IN ('AFFECTED', 'CAUSE')),
    PRIMARY KEY (incident_id, configuration_item_id, role)
);
CREATE INDEX incident_configuration_items_by_item
    ON incident_configuration_items (configuration_item_id, incident_id, role);

CREATE TABLE incident_activities (
    id uuid PRIMARY KEY,
    incident_id uuid NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    key text NOT NULL,
    kind text NOT NULL,
    body text NOT NULL DEFAULT '',
    team_id uuid REFERENCES teams (id),
    user_id uuid REFERENCES users (id),
    document_key text NOT NULL DEFAULT '',
    happened_at timestamptz NOT NULL,
    UNIQUE (incident_id, key)
);
CREATE INDEX incident_activities_by_time ON incident_activities (incident_id, happened_at, id);

CREATE TABLE documents (
    id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    kind text NOT NULL DEFAULT 'KNOWLEDGE' CHECK (kind IN ('RUNBOOK', 'KNOWLEDGE')),
    title text NOT NULL,
    body text NOT NULL DEFAULT '',
    source text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS
        (setweight(to_tsvector('english', title), 'A') || to_tsvector('english', left(body, 200000))) STORED
);
CREATE INDEX documents_by_title ON documents (title, id);
CREATE INDEX documents_search ON documents USING gin (search);
CREATE INDEX documents_trigram ON documents USING gin (title gin_trgm_ops);

CREATE TABLE document_configuration_items (
    document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    configuration_item_id uuid NOT NULL REFERENCES configuration_items (id),
    PRIMARY KEY (document_id, configuration_item_id)
);
CREATE INDEX document_configuration_items_by_item
    ON document_configuration_items (configuration_item_id, document_id);

CREATE TABLE workflows (
    id uuid PRIMARY KEY,
    key text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'DRAFT' CHECK (state IN ('DRAFT', 'PUBLISHED', 'RETIRED')),
    trigger jsonb NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS
        (to_tsvector('simple', key) || to_tsvector('english', name || ' ' || description)) STORED,
    UNIQUE (key, revision)
);
CREATE INDEX workflows_by_name ON workflows (name, id);
CREATE INDEX workflows_search ON workflows USING gin (search);
CREATE INDEX workflows_trigram ON workflows USING gin (name gin_trgm_ops);

CREATE TABLE workflow_steps (
    id uuid PRIMARY KEY,
    workflow_id uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    key text NOT NULL,
    position integer NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('MANUAL', 'APPROVAL', 'REMEDIATION', 'NOTIFICATION')),
    depends_on text[] NOT NULL DEFAULT '{}',
    configuration jsonb NOT NULL DEFAULT '{}',
    UNIQUE (workflow_id, key)
);

CREATE TABLE workflow_configuration_items (
    workflow_id uuid NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    configuration_item_id uuid NOT NULL REFERENCES configuration_items (id),
    PRIMARY KEY (workflow_id, configuration_item_id)
);
CREATE INDEX workflow_configuration_items_by_item
    ON workflow_configuration_items (configuration_item_id, workflow_id);

CREATE TABLE workflow_runs (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    workflow_id uuid NOT NULL REFERENCES workflows (id),
    incident_id uuid REFERENCES incidents (id),
    configuration_item_id uuid REFERENCES configuration_items (id),
    state text NOT NULL DEFAULT 'RUNNING'
        CHECK (state IN ('RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    started_by_id uuid REFERENCES users (id),
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    version integer NOT NULL DEFAULT 1
);
CREATE INDEX workflow_runs_by_start ON workflow_runs (started_at, id);
CREATE INDEX workflow_runs_by_workflow ON workflow_runs (workflow_id, started_at, id);
CREATE INDEX workflow_runs_by_incident ON workflow_runs (incident_id, started_at, id);
CREATE INDEX workflow_runs_by_item ON workflow_runs (configuration_item_id, started_at, id);

CREATE TABLE workflow_step_runs (
    id uuid PRIMARY KEY,
    run_id uuid NOT NULL REFERENCES workflow_runs (id) ON DELETE CASCADE,
    step_id uuid NOT NULL REFERENCES workflow_steps (id),
    state text NOT NULL DEFAULT 'PENDING'
        CHECK (state IN ('PENDING', 'RUNNING', 'WAITING', 'SUCCEEDED', 'FAILED', 'SKIPPED', 'CANCELLED')),
    attempt integer NOT NULL DEFAULT 1,
    started_at timestamptz,
    finished_at timestamptz,
    outcome jsonb NOT NULL DEFAULT '{}',
    UNIQUE (run_id, step_id, attempt)
);

CREATE TABLE workflow_approvals (
    id uuid PRIMARY KEY,
    step_run_id uuid NOT NULL REFERENCES workflow_step_runs (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id),
    decision text NOT NULL CHECK (decision IN ('APPROVED', 'REJECTED')),
    comment text NOT NULL DEFAULT '',
    decided_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (step_run_id, user_id)
);

-- Only the SHA-256 of a key is stored: keys are 256 random bits, so no slow hash is needed.
CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    hash bytea NOT NULL UNIQUE,
    permissions text[] NOT NULL,
    team_keys text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);

CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written_at timestamptz NOT NULL DEFAULT now(),
    request_id text NOT NULL DEFAULT '',
    entity text NOT NULL,
    entity_id uuid NOT NULL,
    change text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}'
);

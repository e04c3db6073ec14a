-- What the failure that a run is for reaches, as it was soon after the run began.
CREATE TABLE workflow_run_blast_radii (
    run_id uuid PRIMARY KEY REFERENCES workflow_runs (id) ON DELETE CASCADE,
    -- None until a worker has walked.
    walked_at timestamptz,
    -- All that is reached; at least so many where `truncated`.
    total integer NOT NULL DEFAULT 0,
    truncated boolean NOT NULL DEFAULT false,
    -- The nearest of them with their hops, in order of (hops, id).
    item_ids uuid[] NOT NULL DEFAULT '{}',
    depths integer[] NOT NULL DEFAULT '{}',
    -- Names of reached items of criticality CRITICAL.
    critical text[] NOT NULL DEFAULT '{}'
);
CREATE INDEX workflow_run_blast_radii_to_walk ON workflow_run_blast_radii (run_id) WHERE walked_at IS NULL;

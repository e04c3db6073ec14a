-- What comparisons of the whole graph with the tables found, and an index for rows of the outbox that were set aside.
CREATE TABLE graph_checks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    checked_at timestamptz NOT NULL DEFAULT now(),
    nodes bigint NOT NULL,
    edges bigint NOT NULL,
    -- Differences that were still there at the end.
    divergent bigint NOT NULL
);

-- Counting what waits and what was set aside must not read the rows that are done.
CREATE INDEX outbox_undone ON outbox (position) WHERE NOT projected;

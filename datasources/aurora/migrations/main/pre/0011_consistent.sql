-- What lets cached values be trusted.

-- Until when values may be trusted by who has not heard of the latest writes. One row.
CREATE TABLE cache_trust (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    until timestamptz NOT NULL DEFAULT now()
);
INSERT INTO cache_trust DEFAULT VALUES;

-- Writes of tables that cached values come from and that no row of the outbox tells of.
CREATE TABLE table_writes (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    table_name text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX table_writes_by_transaction ON table_writes (transaction);

CREATE FUNCTION note_table_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO table_writes (table_name) VALUES (TG_TABLE_NAME);
    RETURN NULL;
END
$$;

DO $$
DECLARE
    each text;
BEGIN
    FOREACH each IN ARRAY ARRAY[
        'configuration_item_classes', 'relationship_types', 'redundancy_groups', 'documents',
        'document_configuration_items'
    ]
    LOOP
        EXECUTE format(
            'CREATE TRIGGER %1$I AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %2$I '
            'FOR EACH STATEMENT EXECUTE FUNCTION note_table_write()',
            each || '_noted', each);
    END LOOP;
END
$$;

-- The latest comparison of each bucket of nodes, and of the edges that leave them, in the tables and in the graph.
CREATE TABLE graph_buckets (
    bucket integer PRIMARY KEY,
    -- When somebody last set out to compare it; and when it was compared, null if it never was.
    claimed_at timestamptz NOT NULL DEFAULT '2000-01-01',
    checked_at timestamptz,
    nodes bigint NOT NULL DEFAULT 0,
    edges bigint NOT NULL DEFAULT 0,
    -- As they were found, before anything was repaired.
    table_digest text NOT NULL DEFAULT '',
    graph_digest text NOT NULL DEFAULT '',
    -- Differences that were still there at the end.
    divergent bigint NOT NULL DEFAULT 0
);
INSERT INTO graph_buckets (bucket) SELECT generate_series(0, 255);

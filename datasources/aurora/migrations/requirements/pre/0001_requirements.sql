-- Requirements and the configuration items that must meet them.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE requirements (
    id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    kind text NOT NULL DEFAULT 'FUNCTIONAL'
        CHECK (kind IN ('FUNCTIONAL', 'AVAILABILITY', 'PERFORMANCE', 'SECURITY', 'COMPLIANCE')),
    state text NOT NULL DEFAULT 'PROPOSED' CHECK (state IN ('PROPOSED', 'ACCEPTED', 'MET', 'REJECTED')),
    priority text NOT NULL DEFAULT 'MEDIUM' CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS
        (to_tsvector('simple', key) || to_tsvector('english', title || ' ' || description)) STORED
);
CREATE INDEX requirements_by_title ON requirements (title, id);
CREATE INDEX requirements_by_update ON requirements (updated_at, id);
CREATE INDEX requirements_search ON requirements USING gin (search);
CREATE INDEX requirements_trigram ON requirements USING gin (title gin_trgm_ops);

-- Links go by identification key; the id is filled in once the configuration item is known.
CREATE TABLE requirement_configuration_items (
    requirement_id uuid NOT NULL REFERENCES requirements (id) ON DELETE CASCADE,
    source text NOT NULL,
    key text NOT NULL,
    configuration_item_id uuid,
    PRIMARY KEY (requirement_id, source, key)
);
CREATE INDEX requirement_configuration_items_by_item
    ON requirement_configuration_items (configuration_item_id, requirement_id);
CREATE INDEX requirement_configuration_items_pending
    ON requirement_configuration_items (source, key) WHERE configuration_item_id IS NULL;

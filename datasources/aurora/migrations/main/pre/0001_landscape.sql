-- Teams, people, configuration items, their relationships and the history of both.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE teams (
    id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    contact text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS (to_tsvector('simple', key || ' ' || name || ' ' || description)) STORED
);
CREATE INDEX teams_by_name ON teams (name, id);
CREATE INDEX teams_search ON teams USING gin (search);
CREATE INDEX teams_trigram ON teams USING gin (name gin_trgm_ops);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    name text NOT NULL,
    email text NOT NULL DEFAULT '',
    active boolean NOT NULL DEFAULT true,
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS (to_tsvector('simple', key || ' ' || name || ' ' || email)) STORED
);
CREATE INDEX users_by_name ON users (name, id);
CREATE INDEX users_search ON users USING gin (search);
CREATE INDEX users_trigram ON users USING gin (name gin_trgm_ops);

CREATE TABLE team_memberships (
    team_id uuid NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role text NOT NULL DEFAULT 'MEMBER' CHECK (role IN ('MEMBER', 'LEAD')),
    PRIMARY KEY (team_id, user_id)
);
CREATE INDEX team_memberships_by_user ON team_memberships (user_id, team_id);

CREATE TABLE configuration_item_classes (
    key text PRIMARY KEY CHECK (key <> ''),
    parent_key text REFERENCES configuration_item_classes (key) CHECK (parent_key <> key),
    name text NOT NULL,
    description text NOT NULL DEFAULT ''
);
CREATE INDEX configuration_item_classes_by_parent ON configuration_item_classes (parent_key);

-- Each class with all its descendants, itself included: a filter by class means its subclasses too.
CREATE VIEW configuration_item_class_descendants AS
WITH RECURSIVE descent (ancestor_key, key) AS (
    SELECT key, key FROM configuration_item_classes
    UNION
    SELECT d.ancestor_key, c.key
    FROM descent d JOIN configuration_item_classes c ON c.parent_key = d.key
)
SELECT ancestor_key, key FROM descent;

CREATE TABLE configuration_items (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    class_key text NOT NULL REFERENCES configuration_item_classes (key),
    status text NOT NULL DEFAULT 'ACTIVE'
        CHECK (status IN ('PLANNED', 'ACTIVE', 'MAINTENANCE', 'RETIRED')),
    environment text NOT NULL DEFAULT 'UNKNOWN'
        CHECK (environment IN ('PRODUCTION', 'STAGING', 'TEST', 'DEVELOPMENT', 'UNKNOWN')),
    criticality text NOT NULL DEFAULT 'MEDIUM'
        CHECK (criticality IN ('LOW', 'MEDIUM', 'HIGH', 'CRITICAL')),
    owner_team_id uuid REFERENCES teams (id),
    attributes jsonb NOT NULL DEFAULT '{}',
    version integer NOT NULL DEFAULT 1,
    valid_from timestamptz NOT NULL DEFAULT now(),
    search tsvector GENERATED ALWAYS AS (to_tsvector('simple', name || ' ' || class_key)) STORED
);
CREATE INDEX configuration_items_by_name ON configuration_items (name, id);
CREATE INDEX configuration_items_by_class ON configuration_items (class_key, id);
CREATE INDEX configuration_items_by_owner ON configuration_items (owner_team_id, name, id);
CREATE INDEX configuration_items_by_change ON configuration_items (valid_from, id);
CREATE INDEX configuration_items_search ON configuration_items USING gin (search);
CREATE INDEX configuration_items_trigram ON configuration_items USING gin (name gin_trgm_ops);

-- Closed versions: a row was true from valid_from until, not including, valid_to.
CREATE TABLE configuration_item_history (
    id uuid NOT NULL,
    name text NOT NULL,
    class_key text NOT NULL,
    status text NOT NULL,
    environment text NOT NULL,
    criticality text NOT NULL,
    owner_team_id uuid,
    attributes jsonb NOT NULL,
    version integer NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    PRIMARY KEY (id, version)
);

CREATE TABLE configuration_item_keys (
    source text NOT NULL CHECK (source <> ''),
    key text NOT NULL CHECK (key <> ''),
    configuration_item_id uuid NOT NULL REFERENCES configuration_items (id) ON DELETE CASCADE,
    PRIMARY KEY (source, key)
);
CREATE INDEX configuration_item_keys_by_item ON configuration_item_keys (configuration_item_id, source, key);

CREATE TABLE relationship_types (
    key text PRIMARY KEY CHECK (key <> ''),
    label text NOT NULL,
    inverse_label text NOT NULL,
    -- FORWARD: a failure of 'from' impacts 'to'. REVERSE: a failure of 'to' impacts 'from'.
    impact text NOT NULL CHECK (impact IN ('FORWARD', 'REVERSE', 'NONE')),
    description text NOT NULL DEFAULT ''
);

CREATE TABLE redundancy_groups (
    id uuid PRIMARY KEY,
    dependent_id uuid NOT NULL REFERENCES configuration_items (id),
    name text NOT NULL,
    -- The dependent fails when fewer than this many members are healthy.
    needed integer NOT NULL CHECK (needed >= 1),
    UNIQUE (dependent_id, name)
);

-- Ends carry no foreign key: bulk loads check them once as a set, and a retired item keeps its row.
CREATE TABLE relationships (
    id uuid PRIMARY KEY,
    from_id uuid NOT NULL,
    to_id uuid NOT NULL,
    type_key text NOT NULL,
    source text NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    redundancy_group_id uuid,
    -- Impact, normalised: a failure of impact_from impacts impact_to; both null where none flows.
    impact_from_id uuid,
    impact_to_id uuid,
    version integer NOT NULL DEFAULT 1,
    valid_from timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX relationships_by_identity ON relationships (from_id, to_id, type_key, source);
CREATE INDEX relationships_outgoing ON relationships (from_id, to_id, id) INCLUDE (type_key);
CREATE INDEX relationships_incoming ON relationships (to_id, from_id, id) INCLUDE (type_key);
CREATE INDEX relationships_dependents ON relationships (impact_from_id, impact_to_id, id) INCLUDE (type_key);
CREATE INDEX relationships_dependencies ON relationships (impact_to_id, impact_from_id, id) INCLUDE (type_key);

CREATE TABLE relationship_history (
    id uuid NOT NULL,
    from_id uuid NOT NULL,
    to_id uuid NOT NULL,
    type_key text NOT NULL,
    source text NOT NULL,
    attributes jsonb NOT NULL,
    redundancy_group_id uuid,
    impact_from_id uuid,
    impact_to_id uuid,
    version integer NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz NOT NULL,
    PRIMARY KEY (id, version)
);
CREATE INDEX relationship_history_outgoing ON relationship_history (from_id, to_id, id);
CREATE INDEX relationship_history_incoming ON relationship_history (to_id, from_id, id);
CREATE INDEX relationship_history_dependents ON relationship_history (impact_from_id, impact_to_id, id);
CREATE INDEX relationship_history_dependencies ON relationship_history (impact_to_id, impact_from_id, id);

-- Relationships whose ends are not known yet; each import tries them again.
CREATE TABLE pending_relationships (
    source text NOT NULL,
    from_source text NOT NULL,
    from_key text NOT NULL,
    to_source text NOT NULL,
    to_key text NOT NULL,
    type_key text NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, from_source, from_key, to_source, to_key, type_key)
);

-- History is kept by the database, so no writer can forget it.
CREATE FUNCTION keep_configuration_item_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := greatest(now(), OLD.valid_from + interval '1 microsecond');
BEGIN
    INSERT INTO configuration_item_history
    VALUES (OLD.id, OLD.name, OLD.class_key, OLD.status, OLD.environment, OLD.criticality,
            OLD.owner_team_id, OLD.attributes, OLD.version, OLD.valid_from, moment);
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.version := OLD.version + 1;
    NEW.valid_from := moment;
    RETURN NEW;
END
$$;
CREATE TRIGGER configuration_items_history BEFORE UPDATE OR DELETE ON configuration_items
    FOR EACH ROW EXECUTE FUNCTION keep_configuration_item_history();

CREATE FUNCTION keep_relationship_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := greatest(now(), OLD.valid_from + interval '1 microsecond');
BEGIN
    INSERT INTO relationship_history
    VALUES (OLD.id, OLD.from_id, OLD.to_id, OLD.type_key, OLD.source, OLD.attributes,
            OLD.redundancy_group_id, OLD.impact_from_id, OLD.impact_to_id, OLD.version,
            OLD.valid_from, moment);
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.version := OLD.version + 1;
    NEW.valid_from := moment;
    RETURN NEW;
END
$$;
CREATE TRIGGER relationships_history BEFORE UPDATE OR DELETE ON relationships
    FOR EACH ROW EXECUTE FUNCTION keep_relationship_history();

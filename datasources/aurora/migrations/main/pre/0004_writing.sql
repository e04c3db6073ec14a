-- Writing: the outbox in an order that readers may trust, who did what, and answers kept for repeated calls.

-- Rows of one transaction become visible together, and not in the order of their positions. Who reads on from a place
-- compares (transaction, position) and stops before the oldest transaction that is still under way.
ALTER TABLE outbox ADD COLUMN transaction xid8 NOT NULL DEFAULT pg_current_xact_id();
-- Whether the graph holds what the row is about; and why it never will, if it can't.
ALTER TABLE outbox ADD COLUMN projected boolean NOT NULL DEFAULT false;
ALTER TABLE outbox ADD COLUMN attempts integer NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN refused text NOT NULL DEFAULT '';
CREATE INDEX outbox_by_transaction ON outbox (transaction, position);
CREATE INDEX outbox_to_project ON outbox (position) WHERE NOT projected AND refused = '';
CREATE INDEX outbox_by_entity ON outbox (entity_id, position);

-- Written by the database, so no writer can forget it: one row for each row that a statement changed.
CREATE FUNCTION append_to_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO outbox (entity, entity_id, change, payload)
        SELECT TG_ARGV[0], o.id, 'DELETED',
               CASE WHEN TG_ARGV[0] = 'RELATIONSHIP' THEN to_jsonb(o) ELSE '{}' END
        FROM old_rows o;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO outbox (entity, entity_id, change) SELECT TG_ARGV[0], n.id, 'CREATED' FROM new_rows n;
    ELSE
        INSERT INTO outbox (entity, entity_id, change, payload)
        SELECT TG_ARGV[0], n.id, 'CHANGED',
               -- What the graph may have to take away: the ends and the type that an edge had.
               CASE WHEN TG_ARGV[0] = 'RELATIONSHIP' THEN to_jsonb(o) ELSE '{}' END
        FROM new_rows n JOIN old_rows o ON o.id = n.id;
    END IF;
    RETURN NULL;
END
$$;

DO $$
DECLARE
    each record;
BEGIN
    FOR each IN
        SELECT * FROM (VALUES
            ('configuration_items', 'CONFIGURATION_ITEM'), ('relationships', 'RELATIONSHIP'),
            ('incidents', 'INCIDENT'), ('changes', 'CHANGE'), ('teams', 'TEAM'), ('users', 'USER'),
            ('workflows', 'WORKFLOW'), ('workflow_runs', 'WORKFLOW_RUN')
        ) AS found (tbl, entity)
    LOOP
        EXECUTE format(
            'CREATE TRIGGER %1$I AFTER INSERT ON %2$I REFERENCING NEW TABLE AS new_rows '
            'FOR EACH STATEMENT EXECUTE FUNCTION append_to_outbox(%3$L)',
            each.tbl || '_inserted', each.tbl, each.entity);
        EXECUTE format(
            'CREATE TRIGGER %1$I AFTER UPDATE ON %2$I REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows '
            'FOR EACH STATEMENT EXECUTE FUNCTION append_to_outbox(%3$L)',
            each.tbl || '_updated', each.tbl, each.entity);
        EXECUTE format(
            'CREATE TRIGGER %1$I AFTER DELETE ON %2$I REFERENCING OLD TABLE AS old_rows '
            'FOR EACH STATEMENT EXECUTE FUNCTION append_to_outbox(%3$L)',
            each.tbl || '_deleted', each.tbl, each.entity);
    END LOOP;
END
$$;

-- Who changed what, when, from what to what. `before` is null for what was made, `after` for what was taken away.
CREATE TABLE audit_entries (
    id uuid PRIMARY KEY,
    happened_at timestamptz NOT NULL DEFAULT now(),
    request_id text NOT NULL,
    principal text NOT NULL,
    action text NOT NULL,
    entity text NOT NULL,
    entity_id uuid NOT NULL,
    before jsonb,
    after jsonb
);
CREATE INDEX audit_entries_by_entity ON audit_entries (entity_id, happened_at, id);

-- Answers to calls with an idempotency key, kept so that a repeated call changes nothing. One a principal and key.
CREATE TABLE idempotent_answers (
    principal text NOT NULL,
    key text NOT NULL,
    action text NOT NULL,
    -- SHA-256 of the action and its input.
    input bytea NOT NULL,
    entity_ids uuid[] NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotent_answers_by_age ON idempotent_answers (answered_at);

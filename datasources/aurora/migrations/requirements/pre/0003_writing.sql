-- Requirements written here: the outbox, who did what, and answers kept for repeated calls. The tables have the shape of
-- the main database's, so that the same statements serve both; positions and transactions of the two have no common
-- order.

-- Nobody asks for it any more.
ALTER TABLE requirements DROP CONSTRAINT requirements_state_check;
ALTER TABLE requirements ADD CONSTRAINT requirements_state_check
    CHECK (state IN ('PROPOSED', 'ACCEPTED', 'MET', 'REJECTED', 'WITHDRAWN'));

-- `projected` says here that cached values were made misses: no graph holds requirements.
CREATE TABLE outbox (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    written_at timestamptz NOT NULL DEFAULT now(),
    request_id text NOT NULL DEFAULT '',
    entity text NOT NULL,
    entity_id uuid NOT NULL,
    change text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    projected boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    refused text NOT NULL DEFAULT ''
);
CREATE INDEX outbox_by_transaction ON outbox (transaction, position);
CREATE INDEX outbox_to_project ON outbox (position) WHERE NOT projected AND refused = '';
CREATE INDEX outbox_by_entity ON outbox (entity_id, position);
-- The greatest place of any row that was ever deleted. One row.
CREATE TABLE outbox_trimmed (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    transaction xid8 NOT NULL,
    position bigint NOT NULL
);
INSERT INTO outbox_trimmed (transaction, position) VALUES ('0', 0);

-- Written by the database, so no writer can forget it: one row for each row that a statement changed.
CREATE FUNCTION append_to_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        INSERT INTO outbox (entity, entity_id, change) SELECT TG_ARGV[0], o.id, 'DELETED' FROM old_rows o;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO outbox (entity, entity_id, change) SELECT TG_ARGV[0], n.id, 'CREATED' FROM new_rows n;
    ELSE
        INSERT INTO outbox (entity, entity_id, change) SELECT TG_ARGV[0], n.id, 'CHANGED' FROM new_rows n;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER requirements_inserted AFTER INSERT ON requirements REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_to_outbox('REQUIREMENT');
CREATE TRIGGER requirements_updated AFTER UPDATE ON requirements REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_to_outbox('REQUIREMENT');
CREATE TRIGGER requirements_deleted AFTER DELETE ON requirements REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_to_outbox('REQUIREMENT');

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
    user_errors jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotent_answers_by_age ON idempotent_answers (answered_at);

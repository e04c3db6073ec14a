-- Problems: the unknown causes of incidents.
CREATE TABLE problems (
    id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX problems_by_title ON problems (title, id);
CREATE TRIGGER problems_inserted AFTER INSERT ON problems REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_to_outbox('PROBLEM');
CREATE TRIGGER problems_updated AFTER UPDATE ON problems REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_to_outbox('PROBLEM');
CREATE TRIGGER problems_deleted AFTER DELETE ON problems REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_to_outbox('PROBLEM');

-- What imports keep between runs: rows that wait for an item or a group, and what a prune retired.

-- Rows as they were mapped, whose references are not known yet; the end of each import tries them again.
CREATE TABLE waiting_rows (
    entity text NOT NULL,
    -- SHA-256 of what identifies the row: keys may be longer than an index row.
    identity text NOT NULL,
    source text NOT NULL,
    -- The items it waits for, in two arrays of equal length; empty where it waits for a group only.
    item_sources text[] NOT NULL DEFAULT '{}',
    item_keys text[] NOT NULL DEFAULT '{}',
    fields jsonb NOT NULL,
    -- What waits here is in its table already and lacks its redundancy group only.
    written boolean NOT NULL DEFAULT false,
    first_seen timestamptz NOT NULL DEFAULT now(),
    last_seen timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (entity, identity)
);

INSERT INTO waiting_rows (entity, identity, source, item_sources, item_keys, fields, first_seen, last_seen)
SELECT 'relationships',
    encode(sha256(convert_to(jsonb_build_array(source, from_source, from_key, to_source, to_key, type_key)::text, 'UTF8')), 'hex'),
    source, ARRAY[from_source, to_source], ARRAY[from_key, to_key],
    jsonb_build_object('source', source, 'from_source', from_source, 'from', from_key, 'to_source', to_source,
        'to', to_key, 'type', type_key, 'attributes', attributes::text, 'dropped', '{}'),
    first_seen, last_seen
FROM pending_relationships;
DROP TABLE pending_relationships;

-- Items that a prune retired, with the status of before. One that a person retires is not here and stays retired.
CREATE TABLE pruned_items (
    configuration_item_id uuid PRIMARY KEY REFERENCES configuration_items (id) ON DELETE CASCADE,
    source text NOT NULL,
    status text NOT NULL,
    retired_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION forget_pruned_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM pruned_items WHERE configuration_item_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER configuration_items_revived AFTER UPDATE OF status ON configuration_items
    FOR EACH ROW WHEN (OLD.status = 'RETIRED' AND NEW.status <> 'RETIRED') EXECUTE FUNCTION forget_pruned_item();

-- Links of documents to configuration items whose names their texts contain, which people confirm or reject.

-- Names are compared whatever the case of letters. By hash, since an entry of a B-tree is too short for some names.
CREATE INDEX configuration_items_by_folded_name ON configuration_items USING hash (folded(name));

CREATE TABLE document_link_suggestions (
    document_id uuid NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    configuration_item_id uuid NOT NULL REFERENCES configuration_items (id) ON DELETE CASCADE,
    -- The line of the body where the name occurs first, from 1, and how often it occurs in this version of the document.
    first_line integer NOT NULL,
    count integer NOT NULL,
    document_version integer NOT NULL,
    state text NOT NULL DEFAULT 'SUGGESTED' CHECK (state IN ('SUGGESTED', 'CONFIRMED', 'REJECTED')),
    PRIMARY KEY (document_id, configuration_item_id)
);
CREATE INDEX document_link_suggestions_by_item ON document_link_suggestions (configuration_item_id);

-- The objects that a knowledge base is made from, and whether an ingestion must read them.

-- A row for each chunk that may have objects. It is written before them and deleted after them, so it may be there
-- before, and stays after its chunk: there is no foreign key.
CREATE TABLE published_chunks (
    chunk_id uuid PRIMARY KEY,
    document_id uuid NOT NULL,
    -- What the metadata in the bucket says. The items are null until the objects are known to be written.
    restricted_team text,
    item_ids uuid[]
);
CREATE INDEX published_chunks_by_document ON published_chunks (document_id);
CREATE INDEX published_chunks_unwritten ON published_chunks (chunk_id) WHERE item_ids IS NULL;

-- One row: whether objects have changed since an ingestion was started, and when the last start was tried.
CREATE TABLE knowledge_ingestions (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    pending boolean NOT NULL DEFAULT false,
    tried_at timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO knowledge_ingestions DEFAULT VALUES;

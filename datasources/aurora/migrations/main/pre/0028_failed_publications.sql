-- When the knowledge base last refused an object of a chunk, so that others are published before it is tried again.
ALTER TABLE published_chunks ADD COLUMN failed_at timestamptz NOT NULL DEFAULT '-infinity';

-- By which rules the names in a document were found, so that documents that were indexed before get suggested links, too.

-- Empty for documents that were indexed without links.
ALTER TABLE document_indexes ADD COLUMN naming text NOT NULL DEFAULT '';

-- name: problem_insert
-- Insert a problem and return it; no row if its key is taken.
INSERT INTO problems (id, key, title, description) VALUES (%(id)s, %(key)s, %(title)s, %(description)s)
ON CONFLICT (key) DO NOTHING
RETURNING id, key, title, description, version, updated_at;

-- name: problems_locked
-- A problem, locked until the transaction ends.
SELECT p.id, p.key, p.title, p.description, p.version, p.updated_at
FROM problems p WHERE p.id = %(id)s FOR NO KEY UPDATE;

-- name: problem_update
-- Update a locked problem and return it.
UPDATE problems SET title = %(title)s, description = %(description)s, version = version + 1,
                    updated_at = statement_timestamp()
WHERE id = %(id)s
RETURNING id, key, title, description, version, updated_at;

-- name: api_key_by_hash
-- The key with this SHA-256, if it is neither revoked nor expired.
SELECT id, name, permissions, team_keys, owner
FROM api_keys
WHERE hash = %(hash)s
  AND revoked_at IS NULL
  AND (expires_at IS NULL OR expires_at > now());

-- name: insert_api_key
-- Insert an API key by its SHA-256; names are unique.
INSERT INTO api_keys (id, name, hash, permissions, team_keys, expires_at, owner)
VALUES (%(id)s, %(name)s, %(hash)s, %(permissions)s, %(team_keys)s, %(expires_at)s, %(owner)s)
RETURNING id, name, permissions, team_keys, owner;

-- name: revoke_api_key
-- Revoke a key by its name; no row if it is unknown or revoked already.
UPDATE api_keys
SET revoked_at = now()
WHERE name = %(name)s AND revoked_at IS NULL
RETURNING id, name, permissions, team_keys, owner;

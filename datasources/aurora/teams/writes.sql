-- name: team_insert
-- Insert a team and return it; no row if its key is taken.
INSERT INTO teams (id, key, name, description, contact)
VALUES (%(id)s, %(key)s, %(name)s, %(description)s, %(contact)s)
ON CONFLICT (key) DO NOTHING
RETURNING id, key, name, description, contact, version, updated_at;

-- name: teams_locked
-- Teams ordered by id, locked until the transaction ends. Writers of memberships lock the team first.
SELECT t.id, t.key, t.name, t.description, t.contact, t.version, t.updated_at
FROM teams t WHERE t.id = ANY(%(ids)s::uuid[]) ORDER BY t.id FOR NO KEY UPDATE;

-- name: team_update
-- Update a locked team and return it.
UPDATE teams SET name = %(name)s, description = %(description)s, contact = %(contact)s, version = version + 1,
                 updated_at = statement_timestamp()
WHERE id = %(id)s
RETURNING id, key, name, description, contact, version, updated_at;

-- name: team_memberships_of
-- The memberships of a team, ordered by the user's id.
SELECT m.team_id, m.user_id, m.role FROM team_memberships m WHERE m.team_id = %(id)s ORDER BY m.user_id;

-- name: team_membership_set
-- Add a user to a team, or change the role of a member.
INSERT INTO team_memberships (team_id, user_id, role) VALUES (%(id)s, %(user_id)s, %(role)s)
ON CONFLICT (team_id, user_id) DO UPDATE SET role = excluded.role;

-- name: team_membership_removed
-- Remove a user from a team.
DELETE FROM team_memberships WHERE team_id = %(id)s AND user_id = %(user_id)s;

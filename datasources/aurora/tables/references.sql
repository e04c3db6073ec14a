-- name: referred_teams
-- Which of some teams there are, with their keys, in order of id; they stay until the transaction ends.
SELECT t.id, t.key FROM teams t WHERE t.id = ANY(%(ids)s::uuid[]) ORDER BY t.id FOR KEY SHARE;

-- name: referred_users
-- Which of some people there are and still work here, in order of id; they stay until the transaction ends.
SELECT u.id FROM users u WHERE u.id = ANY(%(ids)s::uuid[]) AND u.active ORDER BY u.id FOR KEY SHARE;

-- name: referred_changes
-- Which of some changes there are, in order of id; they stay until the transaction ends.
SELECT h.id FROM changes h WHERE h.id = ANY(%(ids)s::uuid[]) ORDER BY h.id FOR KEY SHARE;

-- name: referred_items
-- Which of some configuration items there are, in order of id; they stay until the transaction ends.
SELECT c.id FROM configuration_items c WHERE c.id = ANY(%(ids)s::uuid[]) ORDER BY c.id FOR KEY SHARE;

-- name: referred_member
-- Whether somebody is in a team, and stays there until the transaction ends.
SELECT true FROM team_memberships m WHERE m.team_id = %(team_id)s AND m.user_id = %(user_id)s FOR KEY SHARE;

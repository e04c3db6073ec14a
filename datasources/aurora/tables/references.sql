-- name: referred_teams
-- Those of some teams that exist, with their keys, ordered by id; locked until the transaction ends.
SELECT t.id AS lookup_key, t.key AS value FROM teams t WHERE t.id = ANY(%(ids)s::uuid[]) ORDER BY t.id FOR KEY SHARE;

-- name: referred_users
-- Those of some users that exist and are active, ordered by id; locked until the transaction ends.
SELECT u.id FROM users u WHERE u.id = ANY(%(ids)s::uuid[]) AND u.active ORDER BY u.id FOR KEY SHARE;

-- name: referred_changes
-- Those of some changes that exist, ordered by id; locked until the transaction ends.
SELECT h.id FROM changes h WHERE h.id = ANY(%(ids)s::uuid[]) ORDER BY h.id FOR KEY SHARE;

-- name: referred_items
-- Those of some configuration items that exist, ordered by id; locked until the transaction ends.
SELECT c.id FROM configuration_items c WHERE c.id = ANY(%(ids)s::uuid[]) ORDER BY c.id FOR KEY SHARE;

-- name: referred_member
-- Whether a user is in a team; the membership is locked until the transaction ends.
SELECT true FROM team_memberships m WHERE m.team_id = %(team_id)s AND m.user_id = %(user_id)s FOR KEY SHARE;

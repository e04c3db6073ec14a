-- name: users_by_ids
-- Users by id, in no order.
SELECT u.id AS lookup_key, u.id, u.key, u.name, u.email, u.active, u.version, u.updated_at
FROM users u
WHERE u.id = ANY(%(keys)s::uuid[]);

-- name: users_by_keys
-- Users by key, in no order.
SELECT u.key AS lookup_key, u.id, u.key, u.name, u.email, u.active, u.version, u.updated_at
FROM users u
WHERE u.key = ANY(%(keys)s::text[]);

-- name: users_page
-- One page of users for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value,
       u.id, u.key, u.name, u.email, u.active, u.version, u.updated_at
FROM unnest(%(keys)s::uuid[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (SELECT u.* FROM /*from*/ /*where*/ ORDER BY /*order*/ LIMIT %(limit)s) u
ORDER BY k.n, /*order*/;

-- name: users_count
-- The number of users for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT count(*) AS n FROM /*from*/ /*where*/) counted;

-- name: users_from
-- All users.
users u WHERE true;

-- name: users_having_teams
-- Users with a team that fulfils the predicate.
EXISTS (SELECT 1 FROM team_memberships x JOIN teams t ON t.id = x.team_id WHERE x.user_id = u.id AND /*where*/);

-- name: memberships_by_users
-- The memberships of each user, ordered by the name of the team.
SELECT m.user_id AS lookup_key, m.team_id, m.user_id, m.role
FROM team_memberships m JOIN teams t ON t.id = m.team_id
WHERE m.user_id = ANY(%(keys)s::uuid[])
ORDER BY t.name, t.id;

-- name: memberships_by_teams
-- The memberships of each team, ordered by the name of the user.
SELECT m.team_id AS lookup_key, m.team_id, m.user_id, m.role
FROM team_memberships m JOIN users u ON u.id = m.user_id
WHERE m.team_id = ANY(%(keys)s::uuid[])
ORDER BY u.name, u.id;

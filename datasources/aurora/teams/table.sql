-- name: teams_by_ids
-- Teams by id, in no order.
SELECT t.id AS lookup_key, t.id, t.key, t.name, t.description, t.contact, t.version, t.updated_at
FROM teams t
WHERE t.id = ANY(%(keys)s::uuid[]);

-- name: teams_by_keys
-- Teams by key, in no order.
SELECT t.key AS lookup_key, t.id, t.key, t.name, t.description, t.contact, t.version, t.updated_at
FROM teams t
WHERE t.key = ANY(%(keys)s::text[]);

-- name: teams_page
-- One page of teams for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value,
       t.id, t.key, t.name, t.description, t.contact, t.version, t.updated_at
FROM unnest(%(keys)s::uuid[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (SELECT t.* FROM /*from*/ /*where*/ ORDER BY /*order*/ LIMIT %(limit)s) t
ORDER BY k.n, /*order*/;

-- name: teams_count
-- The number of teams for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT count(*) AS n FROM /*from*/ /*where*/) counted;

-- name: teams_groups
-- The number of teams for each key and value of one field, largest groups first.
SELECT k.key AS lookup_key, grouped.value, grouped.n AS count
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT (/*group*/)::text AS value, count(*) AS n FROM /*from*/ /*where*/ GROUP BY 1) grouped
ORDER BY grouped.n DESC, grouped.value;

-- name: teams_from
-- All teams.
teams t WHERE true;

-- name: teams_from_user
-- The teams of a user.
team_memberships m JOIN teams t ON t.id = m.team_id WHERE m.user_id = k.key;

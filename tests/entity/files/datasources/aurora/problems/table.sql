-- name: problems_by_ids
-- Problems by id, in no order.
SELECT p.id AS lookup_key, p.id, p.key, p.title, p.description, p.version, p.updated_at
FROM problems p
WHERE p.id = ANY(%(keys)s::uuid[]);

-- name: problems_by_keys
-- Problems by key, in no order.
SELECT p.key AS lookup_key, p.id, p.key, p.title, p.description, p.version, p.updated_at
FROM problems p
WHERE p.key = ANY(%(keys)s::text[]);

-- name: problems_page
-- One page of problems for each key, in keyset order, with each row's position.
SELECT k.key AS lookup_key, (/*position*/)::text AS keyset_value, p.id, p.key, p.title, p.description, p.version, p.updated_at
FROM unnest(%(keys)s::uuid[]) WITH ORDINALITY k (key, n)
CROSS JOIN LATERAL (SELECT p.* FROM /*from*/ /*where*/ ORDER BY /*order*/ LIMIT %(limit)s) p
ORDER BY k.n, /*order*/;

-- name: problems_count
-- The number of problems for each key.
SELECT k.key AS lookup_key, counted.n AS value
FROM unnest(%(keys)s::uuid[]) k (key)
CROSS JOIN LATERAL (SELECT count(*) AS n FROM /*from*/ /*where*/) counted;

-- name: problems_from
-- All problems.
problems p WHERE true;

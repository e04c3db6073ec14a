-- name: edge_columns
-- A fragment: a current relationship as an edge version. A time outside the calendar becomes the nearest one inside.
r.id, r.from_id, r.to_id, r.type_key AS type,
CASE WHEN r.impact_from_id IS NULL THEN 'NONE'
     WHEN r.impact_from_id = r.from_id THEN 'FORWARD'
     ELSE 'REVERSE' END AS impact,
r.redundancy_group_id AS group_id,
least(greatest(r.valid_from, '0001-01-01 00:00:00Z'), '9999-12-31 23:59:59.999999Z') AS valid_from

-- name: counts
-- The numbers of current nodes and edges: items and all other ends of relationships; relationships.
SELECT (SELECT count(*) FROM configuration_items)
     + (SELECT count(*)
        FROM (SELECT from_id FROM relationships UNION SELECT to_id FROM relationships) AS ends (id)
        WHERE NOT EXISTS (SELECT FROM configuration_items c WHERE c.id = ends.id)) AS nodes,
       (SELECT count(*) FROM relationships) AS edges

-- name: nodes_page
-- The next nodes after an id, ordered by id. Each part of the union stops at the page size, with its own index.
SELECT id
FROM (
    (SELECT id FROM configuration_items WHERE %(after)s::uuid IS NULL OR id > %(after)s ORDER BY id LIMIT %(most)s)
    UNION
    (SELECT DISTINCT from_id FROM relationships
     WHERE %(after)s::uuid IS NULL OR from_id > %(after)s ORDER BY from_id LIMIT %(most)s)
    UNION
    (SELECT DISTINCT to_id FROM relationships
     WHERE %(after)s::uuid IS NULL OR to_id > %(after)s ORDER BY to_id LIMIT %(most)s)
) AS node
ORDER BY id
LIMIT %(most)s

-- name: nodes_known
-- Those of the given ids that are nodes.
SELECT given.id
FROM unnest(%(ids)s::uuid[]) AS given (id)
WHERE EXISTS (SELECT FROM configuration_items c WHERE c.id = given.id)
   OR EXISTS (SELECT FROM relationships r WHERE r.from_id = given.id)
   OR EXISTS (SELECT FROM relationships r WHERE r.to_id = given.id)

-- name: edges_page
-- The next edges after an id, ordered by id.
SELECT /*columns*/
FROM relationships r
WHERE %(after)s::uuid IS NULL OR r.id > %(after)s
ORDER BY r.id
LIMIT %(most)s

-- name: edges_leaving
-- The edges that leave the given nodes, ordered by node and edge.
SELECT /*columns*/
FROM relationships r
WHERE r.from_id = ANY(%(ids)s::uuid[])
ORDER BY r.from_id, r.id

-- name: edges_by_ids
-- Edges by their ids, ordered by id.
SELECT /*columns*/
FROM relationships r
WHERE r.id = ANY(%(ids)s::uuid[])
ORDER BY r.id

-- name: edges_touching
-- The edges that leave or enter the given nodes, ordered by id.
SELECT /*columns*/
FROM relationships r
WHERE r.from_id = ANY(%(ids)s::uuid[]) OR r.to_id = ANY(%(ids)s::uuid[])
ORDER BY r.id

-- name: edges_before
-- The edges before the changes at these positions of the outbox, ordered by position.
SELECT /*columns*/
FROM outbox o, jsonb_populate_record(NULL::relationships, o.payload) r
WHERE o.position = ANY(%(positions)s::bigint[]) AND o.entity = 'RELATIONSHIP' AND o.payload ? 'from_id'
ORDER BY o.position

-- name: buckets_digested
-- For each of some buckets the numbers of nodes and edges and the sums of their hashes. The bucket of a node is the
-- last byte of its id; an edge is in the bucket of the node that it leaves. Hashes are the first 60 bits of MD5.
WITH edges AS (
    SELECT get_byte(uuid_send(r.from_id), 15) AS bucket, count(*) AS many,
           sum(('x' || left(md5(concat_ws('|', r.id, r.from_id, r.to_id, r.type_key,
               CASE WHEN r.impact_from_id IS NULL THEN 'NONE'
                    WHEN r.impact_from_id = r.from_id THEN 'FORWARD'
                    ELSE 'REVERSE' END,
               coalesce(r.redundancy_group_id::text, ''),
               (extract(epoch FROM least(greatest(r.valid_from, '0001-01-01 00:00:00Z'), '9999-12-31 23:59:59.999999Z'))
                * 1000000)::bigint)), 15))::bit(60)::bigint) AS total
    FROM relationships r
    WHERE get_byte(uuid_send(r.from_id), 15) = ANY(%(buckets)s::int[])
    GROUP BY 1
), nodes AS (
    SELECT get_byte(uuid_send(id), 15) AS bucket, count(*) AS many,
           sum(('x' || left(md5(id::text), 15))::bit(60)::bigint) AS total
    FROM (SELECT id FROM configuration_items UNION SELECT from_id FROM relationships
          UNION SELECT to_id FROM relationships) AS node
    WHERE get_byte(uuid_send(id), 15) = ANY(%(buckets)s::int[])
    GROUP BY 1
)
SELECT asked.bucket, coalesce(n.many, 0) AS nodes, coalesce(n.total, 0)::text AS nodes_sum,
       coalesce(e.many, 0) AS edges, coalesce(e.total, 0)::text AS edges_sum
FROM unnest(%(buckets)s::int[]) AS asked (bucket)
LEFT JOIN nodes n ON n.bucket = asked.bucket
LEFT JOIN edges e ON e.bucket = asked.bucket;

-- name: bucket_nodes
-- The nodes of some buckets, ordered by id.
SELECT id
FROM (SELECT id FROM configuration_items UNION SELECT from_id FROM relationships
      UNION SELECT to_id FROM relationships) AS node
WHERE get_byte(uuid_send(id), 15) = ANY(%(buckets)s::int[])
ORDER BY id;

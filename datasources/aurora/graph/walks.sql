-- name: arm
-- A fragment: the edges from `node.id` in one index, in order, at most fan_out + 1 of them.
(SELECT r./*far*/ AS neighbour_id, r.id AS edge_id, /*incoming*/ AS incoming
 FROM /*edges*/ r
 WHERE r./*near*/ = node.id /*types*/ /*valid*/ /*after*/
 ORDER BY r./*far*/, r.id
 LIMIT %(fan_out)s + 1)

-- name: arm_count
-- A fragment: the number of edges from `node.id` in one index.
(SELECT count(*) FROM /*edges*/ r WHERE r./*near*/ = node.id /*types*/ /*valid*/)

-- name: edge_facts
-- A fragment: the columns of the edge `step.edge_id` in one table.
SELECT r.from_id, r.to_id, r.type_key,
       CASE WHEN r.impact_from_id IS NULL THEN 'NONE'
            WHEN r.impact_from_id = r.from_id THEN 'FORWARD'
            ELSE 'REVERSE' END AS impact,
       r.redundancy_group_id
FROM /*edges*/ r WHERE r.id = step.edge_id /*valid*/

-- name: neighbours
-- The steps from each node after a position, at most fan_out + 1 each, with the exact degree of each node. A node's
-- edges are counted only if its steps do not determine the degree: a super node costs its degree once, other nodes
-- nothing. Columns are fetched by id after the cut, so that the cut needs only a covering index.
WITH node AS MATERIALIZED (
    SELECT DISTINCT id FROM unnest(%(ids)s::uuid[]) AS given (id)
), step AS MATERIALIZED (
    SELECT node.id, met.neighbour_id, met.edge_id, met.incoming
    FROM node CROSS JOIN LATERAL (/*steps*/) AS met
), shown AS (
    SELECT id, count(*) AS steps FROM step GROUP BY id
), degree AS MATERIALIZED (
    SELECT node.id,
           CASE WHEN NOT %(after)s::boolean AND coalesce(shown.steps, 0) <= %(fan_out)s THEN coalesce(shown.steps, 0)
                ELSE /*count*/ END AS degree
    FROM node LEFT JOIN shown ON shown.id = node.id
)
SELECT degree.id AS node_id, degree.degree, step.neighbour_id,
       NOT coalesce(step.incoming, fact.from_id <> degree.id) AS outgoing, step.edge_id,
       fact.from_id, fact.to_id, fact.type_key AS type, fact.impact, fact.redundancy_group_id AS group_id
FROM degree
LEFT JOIN step ON step.id = degree.id
LEFT JOIN LATERAL (/*facts*/) AS fact ON true
ORDER BY degree.id, step.neighbour_id, step.edge_id, step.incoming

-- name: reach
-- The dependents or dependencies of each set of starts, or all nodes that edges lead to, by `steps` (direction).
-- Breadth-first search from each set of starts, one row per level. Levels stop growing once more than max_nodes nodes
-- after the given position are known. Nodes have no degree unless their fan-out was cut.
WITH RECURSIVE level (walk, depth, frontier, seen, page, found, capped) AS (
    SELECT start.walk, 0, array_agg(DISTINCT start.id), array_agg(DISTINCT start.id), '{}'::uuid[], 0, '{}'::uuid[]
    FROM unnest(%(walks)s::integer[], %(ids)s::uuid[]) AS start (walk, id)
    GROUP BY start.walk
    UNION ALL
    SELECT l.walk, l.depth + 1, next.ids, l.seen || next.ids, fresh.ids[:%(max_nodes)s + 1 - l.found],
           l.found + cardinality(fresh.ids), next.capped
    FROM level l
    CROSS JOIN LATERAL (
        WITH met AS MATERIALIZED (
            SELECT node.id, array_agg(step.neighbour_id) AS ids
            FROM unnest(l.frontier) AS node (id) CROSS JOIN LATERAL (/*steps*/) AS step
            GROUP BY node.id
        )
        SELECT coalesce((
                   SELECT array_agg(new.id ORDER BY new.id)
                   FROM (SELECT unnest(met.ids[:%(fan_out)s]) FROM met EXCEPT SELECT unnest(l.seen)) AS new (id)
               ), '{}') AS ids,
               coalesce((
                   SELECT array_agg(met.id) FROM met WHERE cardinality(met.ids) > %(fan_out)s
               ), '{}') AS capped
    ) AS next
    CROSS JOIN LATERAL (
        SELECT CASE WHEN l.depth + 1 > %(after_depth)s THEN next.ids
                    WHEN l.depth + 1 < %(after_depth)s THEN '{}'
                    ELSE ARRAY(SELECT id FROM unnest(next.ids) AS new (id) WHERE id > %(after_id)s::uuid ORDER BY id)
               END AS ids
    ) AS fresh
    WHERE l.depth < %(max_depth)s AND l.found <= %(max_nodes)s AND cardinality(l.frontier) > 0
)
SELECT walk, depth, id::text, degree
FROM (
    SELECT level.walk, level.depth, node.id, NULL AS degree
    FROM level CROSS JOIN LATERAL unnest(level.page) AS node (id)
    UNION ALL
    SELECT level.walk, level.depth - 1, node.id, /*count*/
    FROM level CROSS JOIN LATERAL unnest(level.capped) AS node (id)
) AS answer
ORDER BY walk, depth, answer.id

-- name: paths
-- Two sides grow level by level towards each other, the smaller one first, until a node is on both; then the followed
-- edges are traced back from the meeting nodes. One row without an edge if there is no path.
WITH RECURSIVE search (forward, depth, front, front_seen, front_depth, back, back_seen, back_depth,
                       nears, fars, edges, capped, met) AS (
    SELECT NULL::boolean, 0, ARRAY[%(from_id)s::uuid], ARRAY[%(from_id)s::uuid], 0,
           ARRAY[%(to_id)s::uuid], ARRAY[%(to_id)s::uuid], 0,
           '{}'::uuid[], '{}'::uuid[], '{}'::uuid[], false, '{}'::uuid[]
    UNION ALL
    SELECT side.forward,
           CASE WHEN side.forward THEN s.front_depth ELSE s.back_depth END + 1,
           CASE WHEN side.forward THEN grown.ids ELSE s.front END,
           CASE WHEN side.forward THEN s.front_seen || grown.ids ELSE s.front_seen END,
           s.front_depth + side.forward::integer,
           CASE WHEN side.forward THEN s.back ELSE grown.ids END,
           CASE WHEN side.forward THEN s.back_seen ELSE s.back_seen || grown.ids END,
           s.back_depth + (NOT side.forward)::integer,
           grown.nears, grown.fars, grown.edges, s.capped OR grown.capped, grown.met
    FROM search s
    CROSS JOIN LATERAL (SELECT cardinality(s.front) <= cardinality(s.back)) AS side (forward)
    CROSS JOIN LATERAL (
        WITH met AS MATERIALIZED (
            SELECT node.id, array_agg(step.neighbour_id) AS fars, array_agg(step.edge_id) AS edges
            FROM unnest(CASE WHEN side.forward THEN s.front END) AS node (id)
            CROSS JOIN LATERAL (/*along*/) AS step
            GROUP BY node.id
            UNION ALL
            SELECT node.id, array_agg(step.neighbour_id), array_agg(step.edge_id)
            FROM unnest(CASE WHEN NOT side.forward THEN s.back END) AS node (id)
            CROSS JOIN LATERAL (/*against*/) AS step
            GROUP BY node.id
        ), hop AS MATERIALIZED (
            SELECT met.id AS near, h.far, h.edge
            FROM met CROSS JOIN LATERAL unnest(met.fars[:%(fan_out)s], met.edges[:%(fan_out)s]) AS h (far, edge)
            -- NOT IN, as it is always one hash probe; an anti-join may become a loop, for the planner sees ten ids.
            WHERE h.far NOT IN (SELECT unnest(CASE WHEN side.forward THEN s.front_seen ELSE s.back_seen END))
        ), fresh AS MATERIALIZED (
            SELECT DISTINCT far AS id FROM hop
        )
        SELECT ARRAY(SELECT id FROM fresh) AS ids,
               coalesce((SELECT array_agg(near) FROM hop), '{}') AS nears,
               coalesce((SELECT array_agg(far) FROM hop), '{}') AS fars,
               coalesce((SELECT array_agg(edge) FROM hop), '{}') AS edges,
               EXISTS (SELECT FROM met WHERE cardinality(met.fars) > %(fan_out)s) AS capped,
               ARRAY(SELECT id FROM fresh INTERSECT
                     SELECT unnest(CASE WHEN side.forward THEN s.back_seen ELSE s.front_seen END)) AS met
    ) AS grown
    WHERE s.met = '{}' AND s.front <> '{}' AND s.back <> '{}' AND s.front_depth + s.back_depth < %(max_depth)s
), last AS (
    SELECT * FROM search ORDER BY front_depth + back_depth DESC LIMIT 1
), other AS (
    -- The nodes where the sides met, by their depth on the side that did not grow last.
    SELECT DISTINCT found.depth, node.id
    FROM last
    CROSS JOIN LATERAL (
        SELECT CASE WHEN last.forward THEN back_depth ELSE front_depth END AS depth,
               CASE WHEN last.forward THEN back ELSE front END AS ids
        FROM search WHERE last.met <> '{}'
    ) AS found
    CROSS JOIN LATERAL (SELECT unnest(found.ids) INTERSECT SELECT unnest(last.met)) AS node (id)
), joint AS (
    SELECT depth, array_agg(id) AS ids FROM other GROUP BY depth ORDER BY depth LIMIT 1
), trace (forward, depth, ids) AS (
    SELECT end_.forward, end_.depth, joint.ids
    FROM last CROSS JOIN joint
    CROSS JOIN LATERAL (VALUES (last.forward, last.depth), (NOT last.forward, joint.depth)) AS end_ (forward, depth)
    UNION ALL
    SELECT t.forward, t.depth - 1, ARRAY(
        SELECT DISTINCT h.near FROM unnest(s.nears, s.fars) AS h (near, far)
        WHERE (h.far IN (SELECT unnest(t.ids))) IS TRUE
    )
    FROM trace t JOIN search s ON s.forward = t.forward AND s.depth = t.depth
), step AS MATERIALIZED (
    SELECT CASE WHEN t.forward THEN h.near ELSE h.far END AS tail_id,
           CASE WHEN t.forward THEN h.far ELSE h.near END AS head_id, h.edge AS edge_id
    FROM trace t JOIN search s ON s.forward = t.forward AND s.depth = t.depth
    -- IS TRUE and OFFSET 0 keep this one hash probe an edge: as a join it may become a loop.
    CROSS JOIN LATERAL (
        SELECT * FROM unnest(s.nears, s.fars, s.edges) AS hop (near, far, edge)
        WHERE (hop.far IN (SELECT unnest(t.ids))) IS TRUE OFFSET 0
    ) AS h
)
SELECT last.capped, step.tail_id, step.head_id, step.edge_id,
       fact.from_id, fact.to_id, fact.type_key AS type, fact.impact, fact.redundancy_group_id AS group_id
FROM last
LEFT JOIN step ON true
LEFT JOIN LATERAL (/*facts*/) AS fact ON true
ORDER BY step.tail_id, step.head_id, step.edge_id

-- name: subgraph_arm
-- A fragment: the edges that leave `node.id` for a given node, in one table.
SELECT r.id AS edge_id, r.to_id
FROM /*edges*/ r
WHERE r.from_id = node.id /*types*/ /*valid*/

-- name: subgraph
-- The edges with both ends among the nodes, by id, at most a given number plus one.
WITH given AS MATERIALIZED (
    SELECT DISTINCT id FROM unnest(%(ids)s::uuid[]) AS given (id)
), step AS MATERIALIZED (
    SELECT met.edge_id
    FROM given AS node CROSS JOIN LATERAL (/*leaving*/) AS met
    -- IS TRUE keeps this one hash probe an edge: as a join it may become a loop over all nodes for each edge.
    WHERE (met.to_id IN (SELECT id FROM given)) IS TRUE
)
SELECT step.edge_id, fact.from_id, fact.to_id, fact.type_key AS type, fact.impact, fact.redundancy_group_id AS group_id
FROM step CROSS JOIN LATERAL (/*facts*/) AS fact
WHERE NOT %(with_impact)s::boolean OR fact.impact <> 'NONE'
ORDER BY step.edge_id
LIMIT %(most)s + 1

-- name: degrees
-- The number of edges of each type that leave and enter each node.
SELECT node.id AS node_id, met.type_key AS type, count(*) FILTER (WHERE met.outgoing) AS outgoing,
       count(*) FILTER (WHERE NOT met.outgoing) AS incoming
FROM (SELECT DISTINCT unnest(%(ids)s::uuid[])) AS node (id)
CROSS JOIN LATERAL (/*met*/) AS met
GROUP BY node.id, met.type_key
ORDER BY node.id, met.type_key

-- name: degrees_arm
-- A fragment: the type of each edge from `node.id` in one index.
SELECT r.type_key, /*outgoing*/ AS outgoing FROM /*edges*/ r WHERE r./*near*/ = node.id /*valid*/

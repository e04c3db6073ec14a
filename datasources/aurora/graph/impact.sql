-- name: impact_step
-- A fragment: the nodes that a failure of `node.id` reaches directly in one table.
SELECT r.impact_to_id AS id FROM /*edges*/ r WHERE r.impact_from_id = node.id /*types*/ /*valid*/

-- name: impact_edge
-- A fragment: the edges from `node.id` in one table, with their redundancy groups. An edge of another type than those
-- walked counts if it makes a member of a group.
SELECT r.impact_to_id AS id, r.redundancy_group_id AS group_id,
       %(types)s::text[] IS NULL OR r.type_key = ANY(%(types)s::text[]) AS walked
FROM /*edges*/ r
WHERE r.impact_from_id = node.id /*valid*/
      AND (%(types)s::text[] IS NULL OR r.type_key = ANY(%(types)s::text[]) OR r.redundancy_group_id IS NOT NULL)

-- name: impact_status
-- A fragment: the status of `node.id` in one table of items.
SELECT r.status FROM /*items*/ r WHERE r.id = node.id /*valid*/

-- name: impact_closure
-- All nodes that failures can reach at any depth, including the starts: 16 bytes per id, in no order. The recursion
-- stops after the given number of nodes plus one, since rows of a recursive query are computed on demand. OFFSET 0
-- keeps the step at one index scan per node: as a join it may become a table scan per level.
WITH RECURSIVE walk (id) AS (
    SELECT DISTINCT unnest(%(starts)s::uuid[])
    UNION
    SELECT step.id FROM walk AS node CROSS JOIN LATERAL (/*steps*/ OFFSET 0) AS step
)
SELECT coalesce(string_agg(uuid_send(reached.id), ''::bytea), ''::bytea)
FROM (SELECT id FROM walk LIMIT %(max_nodes)s + 1) AS reached

-- name: impact_edges
-- The effects of failures: for each node all affected nodes, 16 bytes each, and the groups of these edges, 16 bytes
-- each, zero for an edge in no group, null if no edge is in one. Walked edges and others are in separate rows. At most
-- a given number of edges plus one.
WITH edge AS MATERIALIZED (
    SELECT node.id AS cause, step.id AS effect, step.group_id, step.walked
    FROM unnest(%(ids)s::uuid[]) AS node (id) CROSS JOIN LATERAL (/*steps*/ OFFSET 0) AS step
    LIMIT %(max_edges)s + 1
)
SELECT uuid_send(cause) AS cause, string_agg(uuid_send(effect), ''::bytea) AS effects,
       CASE WHEN count(group_id) > 0 THEN
           string_agg(uuid_send(coalesce(group_id, '00000000-0000-0000-0000-000000000000')), ''::bytea)
       END AS groups, walked
FROM edge GROUP BY cause, walked

-- name: impact_statuses
-- The items that are not ACTIVE, with their status. An item without a row, or without one at that time, is ACTIVE.
SELECT node.id AS lookup_key, item.status AS value
FROM unnest(%(ids)s::uuid[]) AS node (id) CROSS JOIN LATERAL (/*statuses*/ OFFSET 0) AS item
WHERE item.status <> 'ACTIVE'

-- name: impact_groups
-- The number of members that each group needs, and the number of its ACTIVE members.
SELECT grp.id AS lookup_key, grp.needed, (
           SELECT count(DISTINCT member.id)
           FROM (/*members*/) AS member
           WHERE NOT EXISTS (
               SELECT FROM (SELECT member.id) AS node CROSS JOIN LATERAL (/*statuses*/ OFFSET 0) AS item
               WHERE item.status <> 'ACTIVE'
           )
       ) AS healthy
FROM redundancy_groups grp
WHERE grp.id = ANY(%(ids)s::uuid[])

-- name: impact_member
-- A fragment: the members of the group `grp` in one table.
SELECT r.impact_from_id AS id
FROM /*edges*/ r
WHERE r.impact_to_id = grp.dependent_id AND r.redundancy_group_id = grp.id /*valid*/

"""The steps from nodes: all steps of nodes with few, the first steps in order of nodes with more."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from gremlin_python.process.graph_traversal import GraphTraversal, __
from gremlin_python.process.traversal import P, T

from datasources.graph.gremlin import model, rows
from datasources.graph.gremlin.edges import EdgeDirection, EdgeSelector, edge_selector
from datasources.graph.gremlin.source import g
from datasources.graph.gremlin.submitting import TraversalClient
from datasources.graph.port import Direction, Neighbours, Step, StepPosition, Walk

# The maximum number of start nodes of a traversal: about 40 KB of request, and a response of moderate size.
BATCH_SIZE = 1_000

X = TypeVar("X")


async def neighbours(
    client: TraversalClient,
    ids: Collection[str],
    walk: Walk,
    after: StepPosition | None = None,
    direction: Direction | None = None,
) -> dict[str, Neighbours]:
    """Return the steps from each id in the walk's direction, or in `direction`; see the port.

    One traversal for all ids, and two more for the nodes that have more than `walk.fan_out` steps.
    """  # fmt: skip
    met = edge_selector(walk, direction)
    if not met.directions:
        return {id: Neighbours((), 0, truncated=False) for id in ids}
    if after is not None:
        return await _fetch_in_order(client, ids, met, walk.fan_out, after)
    steps_by_node = await _fetch_steps(client, ids, met, walk.fan_out + 1)
    more = [id for id, steps in steps_by_node.items() if len(steps) > walk.fan_out]
    answer = {
        id: Neighbours(tuple(sorted(steps_by_node[id], key=rows.step_order)), len(steps_by_node[id]), truncated=False)
        for id in ids
    }
    if more:
        answer |= await _fetch_in_order(client, more, met, walk.fan_out, None)
    return answer


async def submit_in_batches(client: TraversalClient, ids: Collection[str], verb: str, traversal: Any) -> list[Any]:
    """Run a traversal for all ids in concurrent batches and return the rows. `traversal` creates it for a batch."""
    answers = await asyncio.gather(*(client.submit(traversal(part), verb) for part in batches(list(ids))))
    return [row for answer in answers for row in answer]


def batches(ids: Sequence[X], most: int = BATCH_SIZE) -> Iterator[Sequence[X]]:
    """Split the ids into batches of at most `most`."""
    return (ids[begin : begin + most] for begin in range(0, len(ids), most))


async def _fetch_steps(
    client: TraversalClient, ids: Collection[str], met: EdgeSelector, most: int
) -> dict[str, list[Step]]:
    def traversal(part: Sequence[str]) -> GraphTraversal:
        if len(met.directions) == 1:
            [direction] = met.directions
            return rows.project_steps(
                g.V(*part).local(direction.edges(met.labels, met.as_of).limit(most)), direction, met
            )
        parts = [
            rows.project_steps(direction.edges(met.labels, met.as_of).limit(most), direction, met)
            for direction in met.directions
        ]
        return g.V(*part).local(__.union(*parts).limit(most))

    return _by_node(await submit_in_batches(client, ids, "neighbours", traversal), met, ids)


async def _fetch_in_order(
    client: TraversalClient, ids: Collection[str], met: EdgeSelector, fan_out: int, after: StepPosition | None
) -> dict[str, Neighbours]:
    # Each edge direction returns its first steps in order; merged they contain the first steps of all. One more than
    # the page shows that more follow, and another one replaces the step at `after` itself.
    def traversal(part: Sequence[str]) -> GraphTraversal:
        parts = [
            rows.project_steps(
                _following(direction, met, after).order().by(direction.far_id()).by(model.KEY).limit(fan_out + 2),
                direction,
                met,
            )
            for direction in met.directions
        ]
        return g.V(*part).local(parts[0] if len(parts) == 1 else __.union(*parts))

    shown, counted = await asyncio.gather(
        submit_in_batches(client, ids, "neighbours in order", traversal),
        submit_in_batches(
            client, ids, "degree",
            lambda part: g.V(*part).project("n", "d").by(T.id).by(met.edges().count()),
        ),
    )  # fmt: skip
    degrees: Mapping[str, int] = {row["n"]: row["d"] for row in counted}
    answer = {}
    for id, steps in _by_node(shown, met, ids).items():
        left = sorted((step for step in steps if after is None or _follows(step, after, met)), key=rows.step_order)
        # The two traversals see different moments: an edge added in between must not make the degree too small.
        degree = max(degrees.get(id, 0), len(left[: fan_out + 1]))
        answer[id] = Neighbours(tuple(left[:fan_out]), degree, len(left) > fan_out)
    return answer


def _following(direction: EdgeDirection, met: EdgeSelector, after: StepPosition | None) -> GraphTraversal:
    edges = direction.edges(met.labels, met.as_of)
    if after is None:
        return edges
    # Include the step at the position itself: in BOTH a self-loop is met twice, and a page can end between the two.
    here = __.and_(direction.far_id().is_(after.neighbour_id), __.values(model.KEY).is_(P.gte(after.edge_id)))
    return edges.where(__.or_(direction.far_id().is_(P.gt(after.neighbour_id)), here))


def _follows(step: Step, position: StepPosition, met: EdgeSelector) -> bool:
    here, there = (step.neighbour_id, step.edge.id), (position.neighbour_id, position.edge_id)
    if met.includes_direction and here == there:
        return position.outgoing and not step.outgoing
    return here > there


def _by_node(step_rows: Sequence[Any], met: EdgeSelector, ids: Collection[str]) -> dict[str, list[Step]]:
    steps: dict[str, list[Step]] = defaultdict(list)
    for id in ids:
        steps[id] = []
    for row in step_rows:
        near, step = rows.step_of(row, met)
        steps[near].append(step)
    return steps

"""The steps from nodes: all of them where they are few, the first in order where there are more."""

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

# Nodes that one traversal begins at, at most: some 40 KB to send, and its share of an answer stays readable.
BATCH_SIZE = 1_000

X = TypeVar("X")


async def neighbours(
    client: TraversalClient,
    ids: Collection[str],
    walk: Walk,
    after: StepPosition | None = None,
    direction: Direction | None = None,
) -> dict[str, Neighbours]:
    """The steps from each id in the walk's direction, or another: see the port.

    One traversal for all, and two more for those nodes that have more than `walk.fan_out` steps.
    """  # fmt: skip
    met = edge_selector(walk, direction)
    if not met.directions:
        return {id: Neighbours((), 0, truncated=False) for id in ids}
    if after is not None:
        return await _fetch_in_order(client, ids, met, walk.fan_out, after)
    found = await _fetch_steps(client, ids, met, walk.fan_out + 1)
    more = [id for id, steps in found.items() if len(steps) > walk.fan_out]
    answer = {
        id: Neighbours(tuple(sorted(found[id], key=rows.step_order)), len(found[id]), truncated=False) for id in ids
    }
    if more:
        answer |= await _fetch_in_order(client, more, met, walk.fan_out, None)
    return answer


async def submit_in_batches(client: TraversalClient, ids: Collection[str], verb: str, traversal: Any) -> list[Any]:
    """The results of a traversal for all ids, asked for some at a time, at once. `traversal` makes it for some."""
    answers = await asyncio.gather(*(client.submit(traversal(part), verb) for part in batches(list(ids))))
    return [row for answer in answers for row in answer]


def batches(ids: Sequence[X], most: int = BATCH_SIZE) -> Iterator[Sequence[X]]:
    """The ids, at most so many at a time."""
    return (ids[begin : begin + most] for begin in range(0, len(ids), most))


async def _fetch_steps(
    client: TraversalClient, ids: Collection[str], met: EdgeSelector, most: int
) -> dict[str, list[Step]]:
    def traversal(part: Sequence[str]) -> GraphTraversal:
        if len(met.directions) == 1:
            [arm] = met.directions
            return rows.project_steps(g.V(*part).local(arm.edges(met.labels, met.as_of).limit(most)), arm, met)
        arms = [rows.project_steps(arm.edges(met.labels, met.as_of).limit(most), arm, met) for arm in met.directions]
        return g.V(*part).local(__.union(*arms).limit(most))

    return _by_node(await submit_in_batches(client, ids, "neighbours", traversal), met, ids)


async def _fetch_in_order(
    client: TraversalClient, ids: Collection[str], met: EdgeSelector, fan_out: int, after: StepPosition | None
) -> dict[str, Neighbours]:
    # Each arm gives its first ones in order; together they hold the first of all. One more than is shown tells that
    # more follow, and one more than that makes up for the step at `after` itself.
    def traversal(part: Sequence[str]) -> GraphTraversal:
        arms = [
            rows.project_steps(
                _following(arm, met, after).order().by(arm.far_id()).by(model.KEY).limit(fan_out + 2), arm, met
            )
            for arm in met.directions
        ]  # fmt: skip
        return g.V(*part).local(arms[0] if len(arms) == 1 else __.union(*arms))

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
        # Counted and shown are two moments: an edge that came between them must not make a degree too small.
        degree = max(degrees.get(id, 0), len(left[: fan_out + 1]))
        answer[id] = Neighbours(tuple(left[:fan_out]), degree, len(left) > fan_out)
    return answer


def _following(arm: EdgeDirection, met: EdgeSelector, after: StepPosition | None) -> GraphTraversal:
    edges = arm.edges(met.labels, met.as_of)
    if after is None:
        return edges
    # The step at the place itself may come along: a self-loop in BOTH is met twice, and a page may end in between.
    here = __.and_(arm.far_id().is_(after.neighbour_id), __.values(model.KEY).is_(P.gte(after.edge_id)))
    return edges.where(__.or_(arm.far_id().is_(P.gt(after.neighbour_id)), here))


def _follows(step: Step, place: StepPosition, met: EdgeSelector) -> bool:
    here, there = (step.neighbour_id, step.edge.id), (place.neighbour_id, place.edge_id)
    if met.includes_direction and here == there:
        return place.outgoing and not step.outgoing
    return here > there


def _by_node(found: Sequence[Any], met: EdgeSelector, ids: Collection[str]) -> dict[str, list[Step]]:
    steps: dict[str, list[Step]] = defaultdict(list)
    for id in ids:
        steps[id] = []
    for row in found:
        near, step = rows.step_of(row, met)
        steps[near].append(step)
    return steps

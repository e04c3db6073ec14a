"""The impact of failures: what is reached the way impact flows, and what of it redundancy keeps up."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from datasources.graph.port import Capped, Edge, Impact, Position, Reach, Walk
from datasources.records.relationships import RedundancyGroupRecord
from resolvers.context import Context
from resolvers.loaders.relationships import (
    ReachAsked,
    ReachByStarts,
    RedundancyGroupById,
    SubgraphAsked,
    SubgraphByNodes,
)

# Edges looked at to judge redundancy; beyond it outcomes are UNKNOWN rather than guessed.
MOST_EDGES = 50_000


class Outcome(StrEnum):
    """What becomes of a reached item."""

    FAILS = "FAILS"
    AT_RISK = "AT_RISK"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Impacted:
    """A reached item, its hops from the nearest failure, and what becomes of it."""

    id: str
    depth: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class ImpactAnswer:
    """One page of an impact, as the graph's laws order and truncate it."""

    items: tuple[Impacted, ...]
    capped: tuple[Capped, ...]
    cursor: Position | None


async def impact(context: Context, failed: frozenset[str], walk: Walk, after: Position | None) -> ImpactAnswer:
    """What the failure of all these items impacts: one traversal, one more for redundancy, one statement for groups.

    Outcomes are exact when the whole impact is in this one page; of a longer one only the reach is known, and
    outcomes are UNKNOWN.
    """
    reach: Reach = await context.loader(ReachByStarts, ReachAsked(walk, after)).load(tuple(sorted(failed)))
    if not reach.nodes:
        return ImpactAnswer((), reach.capped, reach.cursor)
    nodes = {node.id for node in reach.nodes}
    among = tuple(sorted(nodes | failed))
    subgraph = await context.loader(SubgraphByNodes, SubgraphAsked(walk.once(), MOST_EDGES)).load(among)
    if after is not None or reach.truncated or subgraph.truncated:
        items = tuple(Impacted(node.id, node.depth, Outcome.UNKNOWN) for node in reach.nodes)
        return ImpactAnswer(items, reach.capped, reach.cursor)
    grouped = {edge.group_id for edge in subgraph.edges if edge.group_id is not None}
    loaded = await context.loader(RedundancyGroupById).load_many(sorted(grouped))
    failing = fail(failed, subgraph.edges, {group.id: group for group in loaded if group is not None})
    items = tuple(
        Impacted(node.id, node.depth, Outcome.FAILS if node.id in failing else Outcome.AT_RISK) for node in reach.nodes
    )
    return ImpactAnswer(items, reach.capped, reach.cursor)


def fail(failed: Iterable[str], edges: Iterable[Edge], groups: Mapping[str, RedundancyGroupRecord]) -> frozenset[str]:
    """Everything that fails with `failed`: the least fixed point, each edge looked at once.

    An item fails when something fails on which it depends outside any group, or when fewer than `needed`
    members of one of its groups are left. Members count as healthy until they fail. An edge of an unknown
    group counts as an edge outside any group.
    """
    outgoing: dict[str, list[tuple[str, str | None]]] = {}
    for edge in edges:
        if edge.impact is not Impact.NONE:
            cause, effect = (edge.from_id, edge.to_id) if edge.impact is Impact.FORWARD else (edge.to_id, edge.from_id)
            outgoing.setdefault(cause, []).append((effect, edge.group_id if edge.group_id in groups else None))
    down = set(failed)
    lost: dict[str, set[str]] = {}
    queue = deque(down)
    while queue:
        cause = queue.popleft()
        for effect, group_id in outgoing.get(cause, ()):
            if effect in down:
                continue
            if group_id is not None:
                group = groups[group_id]
                members = lost.setdefault(group_id, set())
                members.add(cause)
                if len(group.members) - len(members) >= group.needed:
                    continue
            down.add(effect)
            queue.append(effect)
    return frozenset(down)

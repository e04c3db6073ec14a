"""The impact of failures: what is reached the way impact flows, and what of it redundancy keeps up."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from datasources.graph.port import MAX_NODES, Capped, Edge, Impact, Position, Reach, Walk
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
class Totals:
    """The whole impact in numbers: items that fail, items at risk, and items by hops."""

    failing: int
    at_risk: int
    by_depth: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ImpactAnswer:
    """One page of an impact, ordered and truncated by the graph's laws; totals when the whole impact is known."""

    items: tuple[Impacted, ...]
    capped: tuple[Capped, ...]
    cursor: Position | None
    totals: Totals | None


async def impact(context: Context, failed: frozenset[str], walk: Walk, after: Position | None) -> ImpactAnswer:
    """What the failure of all these items impacts; a page has at most `walk.max_nodes` items.

    An impact of at most 10,000 items is judged as a whole, redundancy included: one traversal, one more for the
    edges among them, and one statement where some of these belong to a group. Of a larger impact only the reach
    is given, page by page, with UNKNOWN outcomes: what redundancy does there takes more than a page to know.
    """
    starts = tuple(sorted(failed))
    whole: Reach = await context.loader(ReachByStarts, ReachAsked(replace(walk, max_nodes=MAX_NODES))).load(starts)
    outcomes = None if whole.cursor is not None else await _judge(context, failed, whole, walk)
    if outcomes is None:
        page: Reach = await context.loader(ReachByStarts, ReachAsked(walk, after)).load(starts)
        unknown = tuple(Impacted(node.id, node.depth, Outcome.UNKNOWN) for node in page.nodes)
        return ImpactAnswer(unknown, page.capped, page.cursor, totals=None)
    place = (-1, "") if after is None else (after.depth, after.id)
    rest = [item for item in outcomes if (item.depth, item.id) > place]
    items = tuple(rest[: walk.max_nodes])
    more = len(rest) > len(items)
    return ImpactAnswer(
        items, whole.capped, Position(items[-1].depth, items[-1].id) if more else None, _totals(outcomes)
    )


async def _judge(context: Context, failed: frozenset[str], reach: Reach, walk: Walk) -> list[Impacted] | None:
    if not reach.nodes:
        return []
    among = tuple(sorted(failed | {node.id for node in reach.nodes}))
    subgraph = await context.loader(SubgraphByNodes, SubgraphAsked(walk.once(), MOST_EDGES)).load(among)
    if subgraph.truncated:
        return None
    grouped = {edge.group_id for edge in subgraph.edges if edge.group_id is not None}
    loaded = await context.loader(RedundancyGroupById).load_many(sorted(grouped))
    failing = fail(failed, subgraph.edges, {group.id: group for group in loaded if group is not None})
    return [
        Impacted(node.id, node.depth, Outcome.FAILS if node.id in failing else Outcome.AT_RISK) for node in reach.nodes
    ]


def _totals(items: list[Impacted]) -> Totals:
    failing = sum(item.outcome is Outcome.FAILS for item in items)
    by_depth = Counter(item.depth for item in items)
    return Totals(failing, len(items) - failing, tuple(sorted(by_depth.items())))


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

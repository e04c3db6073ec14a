"""The impact of failures: items that a failure reaches, and which of them redundancy protects."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from datasources.graph.port import MAX_NODES, Capped, Edge, Impact, Position, Reach, Subgraph, Walk
from resolvers.context import Context
from resolvers.impact.complete_impact import unpack_id
from resolvers.impact.failures import Flow, Judgement, K
from resolvers.impact.loaders import CompleteImpact, CompleteImpactByStarts, GroupStateById, StatusesByNodes
from resolvers.relationships.loaders import ReachArguments, ReachByStarts, SubgraphArguments, SubgraphByNodes

# Maximum number of edges to read from the graph; above it the tables are used.
MAX_EDGES = 50_000


class Outcome(StrEnum):
    """The effect on a reached item."""

    FAILS = "FAILS"
    AT_RISK = "AT_RISK"
    UNKNOWN = "UNKNOWN"


class ImpactLimit(StrEnum):
    """The reason why the complete impact is unknown."""

    SIZE = "SIZE"
    TIME = "TIME"


@dataclass(frozen=True, slots=True)
class ImpactedItem:
    """A reached item, its distance in hops from the nearest failure, and the effect on it."""

    id: str
    depth: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of the complete impact: failing items, items at risk, and items by number of hops."""

    failing: int
    at_risk: int
    by_depth: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class ImpactAnswer:
    """One page of an impact.

    If the complete impact is known, `totals` is set, every outcome is exact, and nothing is capped. Otherwise `limit`
    is the reason, and every outcome is UNKNOWN.
    """

    items: tuple[ImpactedItem, ...]
    capped: tuple[Capped, ...]
    cursor: Position | None
    totals: Totals | None
    limit: ImpactLimit | None = None


async def assess_impact(context: Context, failed: frozenset[str], walk: Walk, after: Position | None) -> ImpactAnswer:
    """Return what is impacted if all these items fail; a page has at most `walk.max_nodes` items.

    The computation needs every item that failures reach. If the graph returns them in one walk without a cap, one more
    traversal returns the edges between them, and one or two statements the states of items and groups. Otherwise the
    complete impact is computed from the tables, up to 200,000 items. A larger one is returned page by page with UNKNOWN
    outcomes and without totals: nothing is estimated.
    """
    starts = tuple(sorted(failed))
    reach: Reach = await context.loader(ReachByStarts, ReachArguments(replace(walk, max_nodes=MAX_NODES))).load(starts)
    judgement = None if reach.truncated else await _judge(context, failed, reach, walk)
    if judgement is not None:
        return _page(judgement, str, walk, after)
    complete: CompleteImpact = await context.loader(CompleteImpactByStarts, walk).load(starts)
    if complete.judgement is not None:
        return _page(complete.judgement, unpack_id, walk, after)
    page: Reach = await context.loader(ReachByStarts, ReachArguments(walk, after)).load(starts)
    unknown = tuple(ImpactedItem(node.id, node.depth, Outcome.UNKNOWN) for node in page.nodes)
    limit = ImpactLimit.TIME if complete.is_timed_out else ImpactLimit.SIZE
    return ImpactAnswer(unknown, page.capped, page.cursor, None, limit)


async def _judge(context: Context, failed: frozenset[str], reach: Reach, walk: Walk) -> Judgement[str] | None:
    """Return the judgement of a reach without a cap; None if it needs edges that the graph did not return."""
    nodes = tuple(sorted(failed | {node.id for node in reach.nodes}))
    if not reach.nodes:
        return Flow[str]().judge(failed, walk.max_depth)
    subgraph: Subgraph = await context.loader(SubgraphByNodes, SubgraphArguments(walk.one_hop(), MAX_EDGES)).load(nodes)
    if subgraph.truncated:
        return None
    flow: Flow[str] = Flow()
    for edge in subgraph.edges:
        if edge.impact is not Impact.NONE:
            flow.add(*_ends(edge), edge.group_id)
    if flow.group_ids and (reach.nodes[-1].depth == walk.max_depth or walk.types is not None):
        # A member may fail because of items beyond the depth of the walk, or by a relationship type that is not walked.
        return None
    # Both loads start before either is awaited, so that they share one wave.
    statuses = context.loader(StatusesByNodes, walk.as_of).load(nodes)
    ids = sorted(flow.group_ids)
    states = await context.loader(GroupStateById, walk.as_of).load_many(ids)
    flow.statuses = await statuses
    flow.groups = {id: state for id, state in zip(ids, states, strict=True) if state is not None}
    return flow.judge(failed, walk.max_depth)


def _ends(edge: Edge) -> tuple[str, str]:
    """Return cause and effect."""
    return (edge.from_id, edge.to_id) if edge.impact is Impact.FORWARD else (edge.to_id, edge.from_id)


def _page(judgement: Judgement[K], text: Callable[[K], str], walk: Walk, after: Position | None) -> ImpactAnswer:
    ids, depths = judgement.ids, judgement.depths
    begin = 0
    if after is not None:
        begin = bisect_right(range(len(ids)), (after.depth, after.id), key=lambda at: (depths[at], text(ids[at])))
    end = min(begin + walk.max_nodes, len(ids))
    items = tuple(
        ImpactedItem(text(ids[at]), depths[at], Outcome.FAILS if judgement.fails[at] else Outcome.AT_RISK)
        for at in range(begin, end)
    )
    cursor = Position(items[-1].depth, items[-1].id) if items and end < len(ids) else None
    failing = sum(judgement.fails)
    return ImpactAnswer(items, (), cursor, Totals(failing, len(ids) - failing, judgement.by_depth()))

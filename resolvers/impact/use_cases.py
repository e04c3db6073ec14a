"""The impact of failures: what is reached the way impact flows, and what of it redundancy keeps up."""

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

# Edges among reached items that are taken from the graph; for more of them the tables are asked.
MAX_EDGES = 50_000


class Outcome(StrEnum):
    """What becomes of a reached item."""

    FAILS = "FAILS"
    AT_RISK = "AT_RISK"
    UNKNOWN = "UNKNOWN"


class ImpactLimit(StrEnum):
    """Why an impact is not known as a whole."""

    SIZE = "SIZE"
    TIME = "TIME"


@dataclass(frozen=True, slots=True)
class ImpactedItem:
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
    """One page of an impact. Either the whole impact is known: then `totals` is set, every outcome is exact, and
    nothing is capped. Or `limit` says why it is not: then every outcome is UNKNOWN."""

    items: tuple[ImpactedItem, ...]
    capped: tuple[Capped, ...]
    cursor: Position | None
    totals: Totals | None
    limit: ImpactLimit | None = None


async def assess_impact(context: Context, failed: frozenset[str], walk: Walk, after: Position | None) -> ImpactAnswer:
    """What the failure of all these items impacts; a page has at most `walk.max_nodes` items.

    Judging takes everything that failures reach. Where the graph gives that in one walk without a cap, one more
    traversal gives the edges among it, and one or two statements the status of items and groups. Where it does not,
    the whole is computed from the tables, up to 200,000 items. What is larger is given page by page with UNKNOWN
    outcomes, and without totals: nothing is guessed.
    """
    starts = tuple(sorted(failed))
    reach: Reach = await context.loader(ReachByStarts, ReachArguments(replace(walk, max_nodes=MAX_NODES))).load(starts)
    judgement = None if reach.truncated else await _judge(context, failed, reach, walk)
    if judgement is not None:
        return _page(judgement, str, walk, after)
    found: CompleteImpact = await context.loader(CompleteImpactByStarts, walk).load(starts)
    if found.judgement is not None:
        return _page(found.judgement, unpack_id, walk, after)
    page: Reach = await context.loader(ReachByStarts, ReachArguments(walk, after)).load(starts)
    unknown = tuple(ImpactedItem(node.id, node.depth, Outcome.UNKNOWN) for node in page.nodes)
    limit = ImpactLimit.TIME if found.is_timed_out else ImpactLimit.SIZE
    return ImpactAnswer(unknown, page.capped, page.cursor, None, limit)


async def _judge(context: Context, failed: frozenset[str], reach: Reach, walk: Walk) -> Judgement[str] | None:
    """The judgement of a reach without a cap; None if it takes edges that the graph did not give."""
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
        # A member may fail by what is further away than the walk goes, or be one by a type that is not walked.
        return None
    # Asked for before either is awaited, so that both go out in one wave.
    statuses = context.loader(StatusesByNodes, walk.as_of).load(nodes)
    ids = sorted(flow.group_ids)
    states = await context.loader(GroupStateById, walk.as_of).load_many(ids)
    flow.statuses = await statuses
    flow.groups = {id: state for id, state in zip(ids, states, strict=True) if state is not None}
    return flow.judge(failed, walk.max_depth)


def _ends(edge: Edge) -> tuple[str, str]:
    """Cause and effect."""
    return (edge.from_id, edge.to_id) if edge.impact is Impact.FORWARD else (edge.to_id, edge.from_id)


def _page(found: Judgement[K], text: Callable[[K], str], walk: Walk, after: Position | None) -> ImpactAnswer:
    ids, depths = found.ids, found.depths
    begin = 0
    if after is not None:
        begin = bisect_right(range(len(ids)), (after.depth, after.id), key=lambda at: (depths[at], text(ids[at])))
    end = min(begin + walk.max_nodes, len(ids))
    items = tuple(
        ImpactedItem(text(ids[at]), depths[at], Outcome.FAILS if found.fails[at] else Outcome.AT_RISK)
        for at in range(begin, end)
    )
    cursor = Position(items[-1].depth, items[-1].id) if items and end < len(ids) else None
    failing = sum(found.fails)
    return ImpactAnswer(items, (), cursor, Totals(failing, len(ids) - failing, found.by_depth()))

"""Reaches: one traversal for a single walk, or one traversal per hop for several; both obey the port's contract.

`expand_in_one_traversal` sends the whole walk as one `repeat`, which groups the nodes by hop, stops when it has as many
as the answer can contain, and lists the nodes with more edges than `fan_out`. From the first hop with such a node, and
for several walks at once, `expand_by_hops` continues: it fetches the neighbours of all outermost nodes, hop by hop.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gremlin_python.process.graph_traversal import __

from datasources.graph.gremlin.edges import EdgeSelector, edge_selector
from datasources.graph.gremlin.neighbours import neighbours, submit_in_batches
from datasources.graph.gremlin.source import g
from datasources.graph.gremlin.submitting import TraversalClient
from datasources.graph.port import Capped, Direction, Position, Reach, Reached, Walk

# The position before every node of a reach.
START_POSITION = Position(0, "")


@dataclass(slots=True)
class Frontier:
    """A walk in progress: the nodes seen, the outermost nodes, and the answer so far."""

    starts: frozenset[str]
    after: Position
    seen: set[str] = field(init=False)
    outer: list[str] = field(init=False)
    depth: int = 0
    reached: list[Reached] = field(default_factory=list)
    capped: list[Capped] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seen = set(self.starts)
        self.outer = sorted(self.starts)

    def can_grow(self, walk: Walk) -> bool:
        """Return whether the contract allows another level."""
        return bool(self.outer) and self.depth < walk.max_depth and len(self.reached) <= walk.max_nodes

    def grow(self, met: Iterable[str]) -> None:
        """Add the next level: the nodes in `met` that are new."""
        self.outer = sorted(set(met) - self.seen)
        self.seen.update(self.outer)
        self.depth += 1
        self.reached += [
            Reached(id, self.depth) for id in self.outer if (self.depth, id) > (self.after.depth, self.after.id)
        ]

    def to_reach(self, walk: Walk) -> Reach:
        shown = tuple(self.reached[: walk.max_nodes])
        cursor = Position(shown[-1].depth, shown[-1].id) if len(self.reached) > walk.max_nodes else None
        return Reach(shown, tuple(self.capped), cursor)


class NeighbourCache:
    """The neighbours of nodes in a walk; each node is fetched once."""

    def __init__(self, client: TraversalClient, walk: Walk, direction: Direction | None = None) -> None:
        self._client = client
        self._walk = walk
        self._direction = direction
        self._selector: EdgeSelector = edge_selector(walk, direction)
        # By node: the ids at the far ends of the followed edges, and the degree if not all edges are followed.
        self._known: dict[str, tuple[Sequence[str], int | None]] = {}

    async def load(self, ids: Collection[str]) -> None:
        """Fetch the neighbours of unknown nodes: one traversal, and more if some nodes are capped."""
        fan_out = self._walk.fan_out
        new = [id for id in ids if id not in self._known]
        if not self._selector.directions or not new:
            self._known |= dict.fromkeys(new, ((), None))
            return
        hops: list[list[str]] = await submit_in_batches(
            self._client,
            new,
            "hop",
            lambda part: g.V(*part).local(__.union(__.id_(), self._selector.neighbours(fan_out + 1).id_()).fold()),
        )
        self._known |= dict.fromkeys(new, ((), None))
        self._known |= {row[0]: (row[1:], None) for row in hops}
        many = [row[0] for row in hops if len(row) > fan_out + 1]
        if many:
            for id, cut in (await neighbours(self._client, many, self._walk, None, self._direction)).items():
                self._known[id] = (
                    [step.neighbour_id for step in cut.steps],
                    cut.degree if cut.truncated else None,
                )

    def neighbours_of(self, id: str) -> Sequence[str]:
        """Return the ids at the far ends of the edges that are followed from a node."""
        return self._known[id][0]

    def capped_degree(self, id: str) -> int | None:
        """Return the exact degree of a capped node, or None."""
        return self._known[id][1]


async def expand_by_hops(client: TraversalClient, walk: Walk, fronts: Sequence[Frontier]) -> None:
    """Expand each frontier as far as the contract allows, with one traversal per hop for all of them."""
    cache = NeighbourCache(client, walk)
    growing = [front for front in fronts if front.can_grow(walk)]
    while growing:
        await cache.load({id for front in growing for id in front.outer})
        for front in growing:
            front.capped += [
                Capped(id, front.depth, degree, walk.fan_out)
                for id in front.outer
                if (degree := cache.capped_degree(id)) is not None
            ]
            front.grow(far for id in front.outer for far in cache.neighbours_of(id))
        growing = [front for front in growing if front.can_grow(walk)]


async def expand_in_one_traversal(client: TraversalClient, walk: Walk, front: Frontier) -> None:
    """Expand a frontier as far as one traversal can, then by hops.

    A page after a position needs two traversals: the first counts the nodes before the position, which gives the limit
    of the second.
    """
    met = edge_selector(walk)
    most = len(front.starts) + walk.max_nodes + 1
    if met.directions and front.after.depth:
        before = await _level(client, met, walk, front.starts, min(front.after.depth, walk.max_depth), None)
        _take(front, before, walk)
        most += len(front.seen)
    if met.directions and front.can_grow(walk) and front.depth >= front.after.depth:
        levels = await _level(client, met, walk, front.starts, walk.max_depth, most)
        _take(front, levels, walk)
    await expand_by_hops(client, walk, [front])


@dataclass(frozen=True, slots=True)
class _Levels:
    """The nodes of each hop, the first hop with a capped node, and the first hop that may be incomplete."""

    met: Mapping[int, Sequence[str]]
    capped: int
    cut: int


async def _level(
    client: TraversalClient, met: EdgeSelector, walk: Walk, starts: Collection[str], depth: int, most: int | None
) -> _Levels:
    # A repeat takes one start through all hops before the next, so several starts enter as one list.
    begin = g.V(*starts) if len(starts) == 1 else g.V(*starts).fold()
    outer = __.identity() if len(starts) == 1 else __.unfold()
    many = __.filter_(met.overflow(walk.fan_out)).group("many").by(__.loops()).by(__.id_().fold())
    hop = outer.side_effect(many).local(met.neighbours(walk.fan_out + 1)).dedup()
    if most is not None:
        # Within a repeat, a limit counts over all hops.
        hop = hop.limit(most)
    hop = hop.barrier().group("met").by(__.loops()).by(__.id_().fold())
    [answer] = await client.submit(begin.repeat(hop).times(depth).cap("met", "many"), "reach")
    cut, known = depth, 0
    for hops, ids in sorted(answer["met"].items()):
        known += len(ids)
        if most is not None and known >= most:
            cut = min(cut, hops)
    return _Levels(answer["met"], min(answer["many"], default=depth), cut)


def _take(front: Frontier, levels: _Levels, walk: Walk) -> None:
    while front.can_grow(walk) and front.depth < min(levels.capped, levels.cut):
        front.grow(levels.met.get(front.depth, ()))

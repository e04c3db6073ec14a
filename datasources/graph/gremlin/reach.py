"""Reaches: one traversal for a walk, or one for each hop of many walks; both keep the port's laws of caps and pages.

`traversal` sends the whole walk as one `repeat` that groups the nodes it meets by hop, stops when as many are known as
the answer can hold, and lists the nodes that have more edges than may be followed. From the first hop that has such a
node, and for several walks at once, `frontier` goes on: it asks for the neighbours of all outermost nodes, hop by hop.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from gremlin_python.process.graph_traversal import __

from datasources.graph.gremlin.edges import EdgeSelector, edge_selector
from datasources.graph.gremlin.neighbours import neighbours, submit_in_batches
from datasources.graph.gremlin.source import g
from datasources.graph.gremlin.submitting import TraversalClient
from datasources.graph.port import Capped, Direction, Position, Reach, Reached, Walk

# Before every node of a reach.
START_POSITION = Position(0, "")


@dataclass(slots=True)
class Frontier:
    """A walk under way: what it has seen, its outermost nodes, and what it answers so far."""

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
        """Whether the law lets it grow by one more level."""
        return bool(self.outer) and self.depth < walk.max_depth and len(self.reached) <= walk.max_nodes

    def grow(self, met: Iterable[str]) -> None:
        """Take the next level: whatever was met and is new."""
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
    """The neighbours of nodes as a walk sees them, each node asked for once."""

    def __init__(self, client: TraversalClient, walk: Walk, direction: Direction | None = None) -> None:
        self._client, self._walk, self._direction = client, walk, direction
        self._way: EdgeSelector = edge_selector(walk, direction)
        # By node: the ids at the far ends of the edges that are followed, and its degree if they are not all.
        self._known: dict[str, tuple[Sequence[str], int | None]] = {}

    async def load(self, ids: Collection[str]) -> None:
        """Learn the neighbours of those nodes that are not known yet: one traversal, more if some are capped."""
        fan_out = self._walk.fan_out
        new = [id for id in ids if id not in self._known]
        if not self._way.directions or not new:
            self._known |= dict.fromkeys(new, ((), None))
            return
        found: list[list[str]] = await submit_in_batches(
            self._client,
            new,
            "hop",
            lambda part: g.V(*part).local(__.union(__.id_(), self._way.neighbours(fan_out + 1).id_()).fold()),
        )
        self._known |= dict.fromkeys(new, ((), None))
        self._known |= {row[0]: (row[1:], None) for row in found}
        many = [row[0] for row in found if len(row) > fan_out + 1]
        if many:
            for id, cut in (await neighbours(self._client, many, self._walk, None, self._direction)).items():
                self._known[id] = (
                    [step.neighbour_id for step in cut.steps],
                    cut.degree if cut.truncated else None,
                )

    def neighbours_of(self, id: str) -> Sequence[str]:
        """The ids at the far ends of the edges that are followed from a node."""
        return self._known[id][0]

    def capped_degree(self, id: str) -> int | None:
        """The exact degree of a node of which not all edges are followed, None of any other."""
        return self._known[id][1]


async def expand_by_hops(client: TraversalClient, walk: Walk, fronts: Sequence[Frontier]) -> None:
    """Grow each front as far as the law lets it, a traversal a hop for all of them."""
    frontier = NeighbourCache(client, walk)
    growing = [front for front in fronts if front.can_grow(walk)]
    while growing:
        await frontier.load({id for front in growing for id in front.outer})
        for front in growing:
            front.capped += [
                Capped(id, front.depth, degree, walk.fan_out)
                for id in front.outer
                if (degree := frontier.capped_degree(id)) is not None
            ]
            front.grow(far for id in front.outer for far in frontier.neighbours_of(id))
        growing = [front for front in growing if front.can_grow(walk)]


async def expand_in_one_traversal(client: TraversalClient, walk: Walk, front: Frontier) -> None:
    """Grow a front as far as one traversal can, and by hops from where it can't.

    A page that begins at a place takes two: the first tells how many nodes stand before it, and so how many the
    second may stop at.
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
    """The nodes met at each hop, the first hop with a node whose edges are too many, and the hop that may be cut."""

    met: Mapping[int, Sequence[str]]
    capped: int
    cut: int


async def _level(
    client: TraversalClient, met: EdgeSelector, walk: Walk, starts: Collection[str], depth: int, most: int | None
) -> _Levels:
    # A repeat takes one start through all hops before the next, so several go in as one list.
    begin = g.V(*starts) if len(starts) == 1 else g.V(*starts).fold()
    outer = __.identity() if len(starts) == 1 else __.unfold()
    many = __.filter_(met.overflow(walk.fan_out)).group("many").by(__.loops()).by(__.id_().fold())
    hop = outer.side_effect(many).local(met.neighbours(walk.fan_out + 1)).dedup()
    if most is not None:
        # Within a repeat a limit counts over all hops.
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

"""How a walk's direction, types and time become steps of a traversal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gremlin_python.process.graph_traversal import GraphTraversal, __
from gremlin_python.process.traversal import P
from gremlin_python.statics import long

from datasources.graph.gremlin import model
from datasources.graph.port import Direction, Impact, Walk


@dataclass(frozen=True, slots=True)
class EdgeDirection:
    """Edges that leave a node, or those that enter it; with `impact` only those through which it flows so."""

    outgoing: bool
    impact: Impact | None = None

    def edges(self, labels: Sequence[str], as_of: datetime | None) -> GraphTraversal:
        """The edges met from a node, in no order."""
        met = __.out_e(*labels) if self.outgoing else __.in_e(*labels)
        if self.impact is not None:
            met = met.has(model.IMPACT, self.impact.value)
        return filter_valid(met, as_of)

    def far_id(self) -> GraphTraversal:
        """The id of the node at the far end of an edge."""
        return (__.in_v() if self.outgoing else __.out_v()).id_()

    def near_id(self) -> GraphTraversal:
        """The id of the node at the near end of an edge."""
        return (__.out_v() if self.outgoing else __.in_v()).id_()


# A self-loop through which impact flows is stored as FORWARD, so it is met once, as it leaves.
_EDGE_DIRECTIONS = {
    Direction.OUT: (EdgeDirection(outgoing=True),),
    Direction.IN: (EdgeDirection(outgoing=False),),
    Direction.BOTH: (EdgeDirection(outgoing=True), EdgeDirection(outgoing=False)),
    Direction.DEPENDENTS: (EdgeDirection(True, Impact.FORWARD), EdgeDirection(False, Impact.REVERSE)),
    Direction.DEPENDENCIES: (EdgeDirection(True, Impact.REVERSE), EdgeDirection(False, Impact.FORWARD)),
}


def filter_valid(edges: GraphTraversal, as_of: datetime | None) -> GraphTraversal:
    """Those of the edges that are valid now, or were at a moment."""
    if as_of is None:
        return edges.has(model.VALID_TO, long(model.OPEN_ENDED_MICROS))
    at = long(model.to_micros(as_of))
    return edges.has(model.VALID_FROM, P.lte(at)).has(model.VALID_TO, P.gt(at))


@dataclass(frozen=True, slots=True)
class EdgeSelector:
    """The steps of one walk in one direction."""

    directions: tuple[EdgeDirection, ...]
    labels: tuple[str, ...]
    as_of: datetime | None
    # Only in BOTH may one edge be met twice from one node, so only there a row must tell which way it was.
    includes_direction: bool

    def edges(self) -> GraphTraversal:
        """The edges met from a node, those of the first arm first."""
        return _joined([arm.edges(self.labels, self.as_of) for arm in self.directions])

    def neighbours(self, most: int) -> GraphTraversal:
        """The nodes at the far ends of at most so many edges met from a node."""
        ends = [
            arm.edges(self.labels, self.as_of).in_v() if arm.outgoing else arm.edges(self.labels, self.as_of).out_v()
            for arm in self.directions
        ]
        return _joined(ends).limit(most)

    def overflow(self, fan_out: int) -> GraphTraversal:
        """Something, if more than so many edges are met from a node."""
        return self.edges().skip(fan_out)


def edge_selector(walk: Walk, direction: Direction | None = None) -> EdgeSelector:
    """The steps of a walk, in its own direction or another."""
    chosen = direction or walk.direction
    labels = tuple(map(model.label_of, walk.types or ()))
    arms = () if walk.types == () else _EDGE_DIRECTIONS[chosen]
    return EdgeSelector(arms, labels, walk.as_of, includes_direction=chosen is Direction.BOTH)


def _joined(parts: Sequence[GraphTraversal]) -> GraphTraversal:
    return parts[0] if len(parts) == 1 else __.union(*parts)

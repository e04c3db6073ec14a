"""Translates the direction, types and time of a walk into traversal steps."""

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
    """Edges that leave a node, or edges that enter it; with `impact`, only those with this impact."""

    outgoing: bool
    impact: Impact | None = None

    def edges(self, labels: Sequence[str], as_of: datetime | None) -> GraphTraversal:
        """Return the edges at a node, unordered."""
        edges = __.out_e(*labels) if self.outgoing else __.in_e(*labels)
        if self.impact is not None:
            edges = edges.has(model.IMPACT, self.impact.value)
        return filter_valid(edges, as_of)

    def far_id(self) -> GraphTraversal:
        """Return the id of the node at the far end of an edge."""
        return (__.in_v() if self.outgoing else __.out_v()).id_()

    def near_id(self) -> GraphTraversal:
        """Return the id of the node at the near end of an edge."""
        return (__.out_v() if self.outgoing else __.in_v()).id_()


# A self-loop through which impact flows is stored as FORWARD, so it is met once, as an outgoing edge.
_EDGE_DIRECTIONS = {
    Direction.OUT: (EdgeDirection(outgoing=True),),
    Direction.IN: (EdgeDirection(outgoing=False),),
    Direction.BOTH: (EdgeDirection(outgoing=True), EdgeDirection(outgoing=False)),
    Direction.DEPENDENTS: (EdgeDirection(True, Impact.FORWARD), EdgeDirection(False, Impact.REVERSE)),
    Direction.DEPENDENCIES: (EdgeDirection(True, Impact.REVERSE), EdgeDirection(False, Impact.FORWARD)),
}


def filter_valid(edges: GraphTraversal, as_of: datetime | None) -> GraphTraversal:
    """Keep only the edges that are valid now, or were valid at `as_of`."""
    if as_of is None:
        return edges.has(model.VALID_TO, long(model.OPEN_ENDED_MICROS))
    at = long(model.to_micros(as_of))
    return edges.has(model.VALID_FROM, P.lte(at)).has(model.VALID_TO, P.gt(at))


@dataclass(frozen=True, slots=True)
class EdgeSelector:
    """The traversal steps of a walk in one direction."""

    directions: tuple[EdgeDirection, ...]
    labels: tuple[str, ...]
    as_of: datetime | None
    # Only in BOTH can a node meet one edge twice, so only there a row must contain the direction.
    includes_direction: bool

    def edges(self) -> GraphTraversal:
        """Return the edges at a node, those of the first edge direction first."""
        return _joined([direction.edges(self.labels, self.as_of) for direction in self.directions])

    def neighbours(self, most: int) -> GraphTraversal:
        """Return the nodes at the far ends of at most `most` edges of a node."""
        ends = [
            direction.edges(self.labels, self.as_of).in_v()
            if direction.outgoing
            else direction.edges(self.labels, self.as_of).out_v()
            for direction in self.directions
        ]
        return _joined(ends).limit(most)

    def overflow(self, fan_out: int) -> GraphTraversal:
        """Return a non-empty result if a node has more than `fan_out` edges."""
        return self.edges().skip(fan_out)


def edge_selector(walk: Walk, direction: Direction | None = None) -> EdgeSelector:
    """Return the selector of a walk, in its own direction or in `direction`."""
    chosen = direction or walk.direction
    labels = tuple(map(model.label_of, walk.types or ()))
    directions = () if walk.types == () else _EDGE_DIRECTIONS[chosen]
    return EdgeSelector(directions, labels, walk.as_of, includes_direction=chosen is Direction.BOTH)


def _joined(parts: Sequence[GraphTraversal]) -> GraphTraversal:
    return parts[0] if len(parts) == 1 else __.union(*parts)

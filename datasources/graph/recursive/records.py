"""The rows that the graph statements return, by the names of their columns."""

from typing import NamedTuple

from datasources.graph.port import Edge, Impact

_IMPACTS = {impact.value: impact for impact in Impact}


class StepRow(NamedTuple):
    """A node with its degree and one of its steps, or none."""

    node_id: str
    degree: int
    neighbour_id: str | None
    outgoing: bool
    edge_id: str
    from_id: str
    to_id: str
    type: str
    impact: str
    group_id: str | None


class ReachedRow(NamedTuple):
    """A reached node, or, with its degree, a capped node."""

    walk: int
    depth: int
    id: str
    degree: int | None


class HopRow(NamedTuple):
    """Whether a node was capped, and one edge on a shortest path, or none."""

    capped: bool
    tail_id: str | None
    head_id: str
    edge_id: str
    from_id: str
    to_id: str
    type: str
    impact: str
    group_id: str | None


class EdgeRow(NamedTuple):
    """One edge."""

    edge_id: str
    from_id: str
    to_id: str
    type: str
    impact: str
    group_id: str | None


class DegreeRow(NamedTuple):
    """The number of edges of one type that leave and enter a node."""

    node_id: str
    type: str
    outgoing: int
    incoming: int


def edge_of(row: StepRow | HopRow | EdgeRow) -> Edge:
    """Return the edge of a row."""
    return Edge(
        id=row.edge_id, from_id=row.from_id, to_id=row.to_id, type=row.type, impact=_IMPACTS[row.impact],
        group_id=row.group_id,
    )  # fmt: skip

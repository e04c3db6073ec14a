"""What the statements of graph.sql return, column by column."""

from typing import NamedTuple

from datasources.graph.port import Edge, Impact

_IMPACTS = {impact.value: impact for impact in Impact}


class StepRow(NamedTuple):
    """A node with its degree and one of its steps, or with none."""

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
    """A node that was reached, or, with its degree, a node that was capped."""

    walk: int
    depth: int
    id: str
    degree: int | None


class HopRow(NamedTuple):
    """Whether a cap was met, and one edge on a shortest path, or none."""

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
    """How many edges of one type leave and enter a node."""

    node_id: str
    type: str
    outgoing: int
    incoming: int


def edge_of(row: StepRow | HopRow | EdgeRow) -> Edge:
    """The edge in a row."""
    return Edge(row.edge_id, row.from_id, row.to_id, row.type, _IMPACTS[row.impact], row.group_id)

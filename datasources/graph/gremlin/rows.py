"""Rows that traversals return: a flat list of values for each edge."""

from collections.abc import Sequence
from typing import Any

from gremlin_python.process.graph_traversal import GraphTraversal, __
from gremlin_python.process.traversal import Column, T

from datasources.graph.gremlin import model
from datasources.graph.gremlin.edges import EdgeDirection, EdgeSelector
from datasources.graph.port import Edge, Impact, Step
from datasources.graph.projection import EdgeVersion

_IMPACTS = {impact.value: impact for impact in Impact}


def project_steps(edges: GraphTraversal, direction: EdgeDirection, selector: EdgeSelector) -> GraphTraversal:
    """Project edges to rows: near id, far id, key, label, impact, in BOTH if it is outgoing, and the group if any."""
    names = ["n", "f", "k", "l", "i", *(["o"] if selector.includes_direction else []), "g"]
    row = (
        edges.project(*names).by(direction.near_id()).by(direction.far_id()).by(model.KEY).by(T.label).by(model.IMPACT)
    )  # fmt: skip
    if selector.includes_direction:
        row = row.by(__.constant(direction.outgoing))
    # Values alone are a fifth smaller than maps. A projection preserves the order.
    return row.by(model.GROUP).select(Column.values)


def step_of(row: Sequence[Any], selector: EdgeSelector) -> tuple[str, Step]:
    """Return the near node of a row of `project_steps`, and the step."""
    near, far, key, label, impact = row[:5]
    # Along impact a self-loop is met once, as an outgoing edge, from either edge direction.
    outgoing = (
        row[5]
        if selector.includes_direction
        else _outgoing(selector, impact) or (near == far and len(selector.directions) > 1)
    )
    group = row[6:] if selector.includes_direction else row[5:]
    ends = (near, far) if outgoing else (far, near)
    return near, Step(far, Edge(key, *ends, model.type_of(label), _IMPACTS[impact], _group(group)), outgoing)


def step_order(step: Step) -> tuple[str, str, bool]:
    """Return the sort key of a step in the port's order."""
    return step.neighbour_id, step.edge.id, not step.outgoing


def _outgoing(selector: EdgeSelector, impact: str) -> bool:
    if len(selector.directions) == 1:
        return selector.directions[0].outgoing
    return next(
        edge_direction.outgoing
        for edge_direction in selector.directions
        if edge_direction.impact is not None and edge_direction.impact.value == impact
    )


def project_edges(edges: GraphTraversal) -> GraphTraversal:
    """Project edges to rows: from id, to id, key, label, impact, and the group if any."""
    return (
        edges.project("a", "b", "k", "l", "i", "g")
        .by(__.out_v().id_()).by(__.in_v().id_()).by(model.KEY).by(T.label).by(model.IMPACT).by(model.GROUP)
        .select(Column.values)
    )  # fmt: skip


def edge_of(row: Sequence[Any]) -> Edge:
    """Return the edge of a row of `project_edges`."""
    from_id, to_id, key, label, impact = row[:5]
    return Edge(key, from_id, to_id, model.type_of(label), _IMPACTS[impact], _group(row[5:]))


def project_versions(edges: GraphTraversal) -> GraphTraversal:
    """Project edges to rows: from id, to id, key, label, impact, valid from and to, and the group if any."""
    return (
        edges.project("a", "b", "k", "l", "i", "vf", "vt", "g")
        .by(__.out_v().id_()).by(__.in_v().id_()).by(model.KEY).by(T.label).by(model.IMPACT)
        .by(model.VALID_FROM).by(model.VALID_TO).by(model.GROUP)
        .select(Column.values)
    )  # fmt: skip


def version_of(row: Sequence[Any]) -> EdgeVersion:
    """Return the version of a row of `project_versions`."""
    begin, end = row[5:7]
    edge = edge_of((*row[:5], *row[7:]))
    return EdgeVersion(
        edge, model.from_micros(begin), None if end == model.OPEN_ENDED_MICROS else model.from_micros(end)
    )


def _group(rest: Sequence[Any]) -> str | None:
    return (rest[0] or None) if rest else None

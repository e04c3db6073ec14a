"""Translates the direction, types and time of a walk into SQL: fixed fragments; every value is bound."""

from dataclasses import dataclass
from datetime import datetime

from datasources.aurora.statements import statements
from datasources.graph.port import Direction, Walk

_TYPES = "AND r.type_key = ANY(%(types)s::text[])"
_NOW = (("relationships", ""),)
# A closed version was valid until, excluding, valid_to; a current row has been valid since valid_from.
_CURRENT = "AND r.valid_from <= %(as_of)s"
_CLOSED = "AND r.valid_from <= %(as_of)s AND %(as_of)s < r.valid_to"
_AT = (("relationships", _CURRENT), ("relationship_history", _CLOSED))
_ITEMS_NOW = (("configuration_items", ""),)
_ITEMS_AT = (("configuration_items", _CURRENT), ("configuration_item_history", _CLOSED))


@dataclass(frozen=True, slots=True)
class _Index:
    """An index to follow from a node column to the neighbour column, and whether its edges are incoming.

    The impact columns do not imply a declared direction: NULL leaves it to the edge's properties.
    """

    near: str
    far: str
    incoming: str = "NULL::boolean"


_OUT = _Index("from_id", "to_id", "false")
_IN = _Index("to_id", "from_id", "true")
_INDEXES = {
    Direction.OUT: (_OUT,),
    Direction.IN: (_IN,),
    Direction.BOTH: (_OUT, _IN),
    Direction.DEPENDENTS: (_Index("impact_from_id", "impact_to_id"),),
    Direction.DEPENDENCIES: (_Index("impact_to_id", "impact_from_id"),),
}


def _tables(as_of: datetime | None) -> tuple[tuple[str, str], ...]:
    return _NOW if as_of is None else _AT


def _types(walk: Walk) -> str:
    return "" if walk.types is None else _TYPES


def steps(walk: Walk, direction: Direction, after: bool = False) -> str:
    """Return the edges at `node.id`, in order, from covering indexes only; if `after`, those after a position."""
    arm = statements("graph/walks")["arm"]
    arms = [
        arm.fill_slots(
            near=index.near,
            far=index.far,
            incoming=index.incoming,
            edges=table,
            types=_types(walk),
            valid=valid,
            after=_after(index, direction) if after else "",
        ).text
        for index in _INDEXES[direction]
        for table, valid in _tables(walk.as_of)
    ]
    if len(arms) == 1:
        return arms[0]
    return " UNION ALL ".join(arms) + " ORDER BY neighbour_id, edge_id, incoming LIMIT %(fan_out)s + 1"


def _after(index: _Index, direction: Direction) -> str:
    if direction is Direction.BOTH:
        # A self-loop is met twice here, and a page can end between the two.
        return (
            f"AND (r.{index.far}, r.id, {index.incoming})"
            " > (%(after_neighbour)s::uuid, %(after_edge)s::uuid, %(after_in)s)"
        )
    return f"AND (r.{index.far}, r.id) > (%(after_neighbour)s::uuid, %(after_edge)s::uuid)"


def count(walk: Walk) -> str:
    """Return an expression for the exact degree of `node.id`."""
    arm = statements("graph/walks")["arm_count"]
    arms = [
        arm.fill_slots(near=index.near, edges=table, types=_types(walk), valid=valid).text
        for index in _INDEXES[walk.direction]
        for table, valid in _tables(walk.as_of)
    ]
    return " + ".join(arms)


def facts(as_of: datetime | None) -> str:
    """Return the properties of the edge `step.edge_id` at the time of the walk."""
    arm = statements("graph/walks")["edge_facts"]
    return " UNION ALL ".join(arm.fill_slots(edges=table, valid=valid).text for table, valid in _tables(as_of))


def leaving(walk: Walk) -> str:
    """Return the edges that leave `node.id`, unordered."""
    arm = statements("graph/walks")["subgraph_arm"]
    return " UNION ALL ".join(
        arm.fill_slots(edges=table, types=_types(walk), valid=valid).text for table, valid in _tables(walk.as_of)
    )


def types_met(as_of: datetime | None) -> str:
    """Return the type of each edge that leaves or enters `node.id`, and whether it leaves."""
    arm = statements("graph/walks")["degrees_arm"]
    return " UNION ALL ".join(
        arm.fill_slots(near=near, outgoing=outgoing, edges=table, valid=valid).text
        for near, outgoing in (("from_id", "true"), ("to_id", "false"))
        for table, valid in _tables(as_of)
    )


def flows(walk: Walk) -> str:
    """Return the nodes to which a failure of `node.id` flows, regardless of the walk's caps."""
    arm = statements("graph/impact")["impact_step"]
    return " UNION ALL ".join(
        arm.fill_slots(edges=table, types=_types(walk), valid=valid).text for table, valid in _tables(walk.as_of)
    )


def flow_edges(as_of: datetime | None) -> str:
    """Return the edges along which a failure of `node.id` flows, and those that make it a member of a group."""
    arm = statements("graph/impact")["impact_edge"]
    return " UNION ALL ".join(arm.fill_slots(edges=table, valid=valid).text for table, valid in _tables(as_of))


def members(as_of: datetime | None) -> str:
    """Return the members of the redundancy group `grp`."""
    arm = statements("graph/impact")["impact_member"]
    return " UNION ALL ".join(arm.fill_slots(edges=table, valid=valid).text for table, valid in _tables(as_of))


def statuses(as_of: datetime | None) -> str:
    """Return the status of the item `node.id`."""
    arm = statements("graph/impact")["impact_status"]
    tables = _ITEMS_NOW if as_of is None else _ITEMS_AT
    return " UNION ALL ".join(arm.fill_slots(items=table, valid=valid).text for table, valid in tables)

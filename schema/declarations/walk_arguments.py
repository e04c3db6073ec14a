"""Arguments of walks, and cursors into their results."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from datasources.graph.port import MAX_DEPTH, MAX_FAN_OUT, Direction, Position, StepPosition, Walk
from datasources.values import UUID
from resolvers.context import Context
from resolvers.errors import BadUserInput
from schema.declarations.fields import Argument
from schema.declarations.paging import DEFAULT_PAGE_SIZE, check_bounds, decode_opaque, encode_opaque, malformed_cursor

DEFAULT_FAN_OUT = 1_000

FIRST_ARGUMENT = Argument("first", int | None, "The maximum number of items, nearest first. Default 25.")
AFTER_ARGUMENT = Argument("after", str | None, "Continue after this cursor; pass the other arguments unchanged.")
TYPES_ARGUMENT = Argument(
    "types", list[str] | None, "Follow only relationships of these types, for example `depends_on`."
)
AS_OF_ARGUMENT = Argument("asOf", datetime | None, "The graph at this time in the past; null for now.")
FAN_OUT_ARGUMENT = Argument(
    "fanOut",
    int | None,
    "The maximum number of relationships to follow from one item, 1 to 10,000. Default 1,000. Impact counts the others "
    "too.",
)


def depth_argument(default: int) -> Argument:
    """Return the argument for the maximum depth of a walk, in hops."""
    return Argument("depth", int | None, f"The maximum number of hops, 1 to {MAX_DEPTH}. Default {default}.")


def to_walk(context: Context, direction: Direction, arguments: Mapping[str, Any], default_depth: int) -> Walk:
    """Return the walk of the arguments. LimitExceeded or BadUserInput, with the argument, if one is out of bounds."""
    values = {name: value for name, value in arguments.items() if value is not None}
    as_of = values.get("asOf")
    if as_of is not None and as_of.tzinfo is None:
        raise BadUserInput("asOf needs a time zone, for example 2026-01-31T12:00:00Z", argument="asOf")
    types = values.get("types")
    return Walk(
        direction,
        None if types is None else tuple(types),
        max_depth=check_bounds(values.get("depth", default_depth), "depth", MAX_DEPTH, 1),
        fan_out=check_bounds(values.get("fanOut", DEFAULT_FAN_OUT), "fanOut", MAX_FAN_OUT, 1),
        max_nodes=check_bounds(values.get("first", DEFAULT_PAGE_SIZE), "first", context.limits.page, 1),
        as_of=as_of,
    )


def encode_position(position: Position) -> str:
    """Return the cursor of a position in a reach."""
    return encode_opaque([position.depth, position.id])


def decode_position(cursor: str | None) -> Position | None:
    """Return the position of a cursor. BadUserInput if it is malformed."""
    if cursor is None:
        return None
    match decode_opaque(cursor, "after"):
        case [int(depth), str(identity)] if (
            not isinstance(depth, bool) and UUID.fullmatch(identity) and 0 <= depth <= MAX_DEPTH
        ):
            return Position(depth, identity)
    raise malformed_cursor("after")


def encode_step_position(position: StepPosition) -> str:
    """Return the cursor of a position among the relationships of an item."""
    return encode_opaque([position.neighbour_id, position.edge_id, position.outgoing])


def decode_step_position(cursor: str | None) -> StepPosition | None:
    """Return the position of a cursor. BadUserInput if it is malformed."""
    if cursor is None:
        return None
    match decode_opaque(cursor, "after"):
        case [str(neighbour), str(edge), bool(outgoing)] if UUID.fullmatch(neighbour) and UUID.fullmatch(edge):
            return StepPosition(neighbour, edge, outgoing)
    raise malformed_cursor("after")

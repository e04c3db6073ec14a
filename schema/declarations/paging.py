"""Page arguments and cursors: first, after, last and before of Relay as one keyset page."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from datasources.records.queries import KeysetPosition, Order, PageRequest
from datasources.values import UUID
from resolvers.errors import BadUserInput, LimitExceeded
from schema.declarations.fields import Argument

DEFAULT_PAGE_SIZE = 25

PAGE_ARGUMENTS = (
    Argument(
        "first", int | None, "The maximum number of rows, from the start or after the `after` cursor. Default 25."
    ),
    Argument("after", str | None, "Continue after this cursor."),
    Argument("last", int | None, "The maximum number of rows, from the end or before the `before` cursor."),
    Argument("before", str | None, "Continue before this cursor."),
)


def to_page(arguments: Mapping[str, Any], order: Order, max_rows: int) -> PageRequest:
    """Return the requested page. LimitExceeded above `max_rows`; BadUserInput for contradicting arguments."""
    first = arguments.get("first")
    last = arguments.get("last")
    if first is not None and last is not None:
        raise BadUserInput("first and last contradict each other; pass one of them", argument="last")
    for name, value in (("first", first), ("last", last)):
        if value is not None:
            check_bounds(value, name, max_rows)
    return PageRequest(
        limit=last if last is not None else first if first is not None else min(DEFAULT_PAGE_SIZE, max_rows),
        order=order,
        after=decode_cursor(arguments.get("after"), order, "after"),
        before=decode_cursor(arguments.get("before"), order, "before"),
        backwards=last is not None,
    )


def check_bounds(value: int, argument: str, maximum: int, minimum: int = 0) -> int:
    """Return the value if it is within the bounds. LimitExceeded above `maximum`, BadUserInput below `minimum`."""
    if value > maximum:
        raise LimitExceeded(f"{argument} is {value}; at most {maximum} is allowed", argument=argument, allowed=maximum)
    if value < minimum:
        raise BadUserInput(f"{argument} is {value}; it must be {minimum} or more", argument=argument)
    return value


def encode_cursor(position: KeysetPosition, order: Order) -> str:
    """Return an opaque cursor. It includes the order, so that it cannot be used with another one."""
    return encode_opaque([order.field, order.descending, position.value, position.id])


def decode_cursor(cursor: str | None, order: Order, argument: str) -> KeysetPosition | None:
    """Return the position of a cursor. BadUserInput if it is malformed or belongs to another order."""
    if cursor is None:
        return None
    match decode_opaque(cursor, argument):
        case [str(field), bool(descending), str(value), str(identity)] if UUID.fullmatch(identity):
            if (field, descending) != (order.field, order.descending):
                raise BadUserInput(
                    f"{argument} is a cursor of another orderBy; start again without it", argument=argument
                )
            return KeysetPosition(value=value, id=identity)
    raise malformed_cursor(argument)


def encode_opaque(parts: list[Any]) -> str:
    """Encode parts as opaque URL-safe text."""
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def decode_opaque(cursor: str, argument: str) -> Any:
    """Decode the parts of a text from `encode_opaque`. BadUserInput if it is malformed."""
    try:
        return orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise malformed_cursor(argument) from None


def malformed_cursor(argument: str) -> BadUserInput:
    """Return the error for a text that is not a cursor of this API."""
    return BadUserInput(f"{argument} is not a cursor; pass one as this API returned it", argument=argument)

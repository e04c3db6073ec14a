"""What changed since a place: for clients that keep a view up to date."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import strawberry

from datasources.records.feed import FeedCursor, FeedEntry, FeedKind, FeedStep
from resolvers.change_feed import use_cases
from resolvers.change_feed.subscription import FeedBatch, stream_changes
from resolvers.context import Context
from resolvers.errors import BadUserInput
from schema.declarations.enums import register_enum
from schema.declarations.fields import PAGE, Argument, attribute, field, stream
from schema.declarations.ids import decode_id, encode_id
from schema.declarations.node import Node, type_of_kind
from schema.declarations.paging import check_bounds, decode_opaque, encode_opaque, malformed_cursor

register_enum(
    FeedKind,
    "What something that changed is.",
    CONFIGURATION_ITEM="A configuration item.",
    RELATIONSHIP="A relationship of two configuration items.",
    INCIDENT="An incident that you may see.",
    CHANGE="A change.",
    TEAM="A team.",
    USER="A person.",
    WORKFLOW="A revision of a workflow.",
    WORKFLOW_RUN="A run of a workflow.",
)
register_enum(
    FeedStep,
    "What was done to something.",
    CREATED="It was made.",
    CHANGED="It was changed.",
    DELETED="It was taken away.",
)

MAX_ENTRIES, DEFAULT_ENTRIES = 500, 100


def _id(entry: FeedEntry) -> str:
    return encode_id(type_of_kind(entry.kind.value).prefix, entry.entity_id)


def _node(context: Context, entry: FeedEntry, _: Mapping[str, Any]) -> Any:
    return context.loader(type_of_kind(entry.kind.value).by_id).load(entry.entity_id)


def _since(context: Context, _: Any, arguments: Mapping[str, Any]) -> Any:
    first = check_bounds(arguments["first"], "first", MAX_ENTRIES, minimum=1)
    of = arguments.get("of")
    ids = None if of is None else [decode_id(each, "of")[1] for each in of]
    return use_cases.fetch_changes(
        context, _decode_feed_cursor(arguments.get("cursor")), arguments.get("kinds"), ids, first
    )


def _decode_feed_cursor(cursor: str | None) -> FeedCursor | None:
    if cursor is None:
        return None
    match decode_opaque(cursor, "cursor"):
        # A boolean is an int to Python, and none to PostgreSQL.
        case [int(transaction), int(position)] if (
            not isinstance(transaction, bool)
            and not isinstance(position, bool)
            and 0 <= transaction < 2**63
            and 0 <= position < 2**63
        ):
            return FeedCursor(transaction, position)
    raise malformed_cursor("cursor")


def _changes(context: Context, arguments: Mapping[str, Any]) -> AsyncIterator[FeedBatch]:
    listening = context.subscription
    if listening is None:
        raise BadUserInput("a subscription is a stream; send it to /graphql/stream", argument="query")
    # Who comes back goes on from where it was, whatever it asked for in the beginning.
    cursor = listening.after or arguments.get("cursor")
    of = arguments.get("of")
    ids = None if of is None else [decode_id(each, "of")[1] for each in of]
    return stream_changes(context, listening, _decode_feed_cursor(cursor), arguments.get("kinds"), ids)


def encode_feed_cursor(place: FeedCursor) -> str:
    """The cursor that stands for a place."""
    return encode_opaque(list(place))


@strawberry.type(name="FeedEntry", description="One thing that one transaction changed.")
class FeedEntryType:
    record = FeedEntry

    kind: FeedKind = attribute("What it is.")
    step: FeedStep = attribute("What was done to it.")
    id: strawberry.ID = attribute("Its global id, also of what is gone.", of=_id)
    node: Node | None = field(_node, "It as it is now; null if it is gone. One statement for each kind.", needs=None)
    request_id: str = attribute("The request that changed it; empty where it was no request.")
    written_at: datetime = attribute("When its transaction began.")
    cursor: str = attribute("Pass it as `cursor` to go on after it.", of=lambda entry: encode_feed_cursor(entry.place))


@strawberry.type(description="What changed since a place, oldest first.")
class Feed:
    record = use_cases.FeedPage

    entries: list[FeedEntryType] = attribute("What changed. A thing that changed twice stands twice.", size=PAGE)
    end_cursor: str = attribute("Pass it as `cursor` next time.", of=lambda page: encode_feed_cursor(page.end))
    has_more: bool = attribute("Whether more is known already; if not, ask again in a while.", of="more")


@strawberry.type
class FeedQueries:
    changes_since: Feed | None = field(
        _since,
        "What changed since a cursor, in an order that can be trusted. Without a cursor nothing, but the one to begin "
        "with. One statement.",
        needs="feed:read",
        arguments=(
            Argument("cursor", str | None, "`endCursor` of the page before."),
            Argument("kinds", list[FeedKind] | None, "Only things of these kinds; else all that you may read."),
            Argument("of", list[strawberry.ID] | None, "Only things with these global ids."),
            Argument("first", int, "At most so many, 1 to 500. Default 100.", DEFAULT_ENTRIES),
        ),
    )


@strawberry.type
class FeedSubscriptions:
    changes: FeedEntryType | None = stream(
        _changes,
        "What changes from a cursor on, or from now on, one thing an event, as `changesSince` tells it. An event costs "
        "what is selected of its `node`, and that is read anew.",
        needs="feed:read",
        arguments=(
            Argument("cursor", str | None, "`cursor` of the entry to go on after, or `endCursor` of `changesSince`."),
            Argument("kinds", list[FeedKind] | None, "Only things of these kinds; else all that you may read."),
            Argument("of", list[strawberry.ID] | None, "Only things with these global ids."),
        ),
    )

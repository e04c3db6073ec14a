"""The change feed: poll it by cursor, or subscribe to it."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import strawberry

from datasources.records.feed import FeedCursor, FeedEntry, FeedKind, FeedStep
from resolvers.change_feed import use_cases
from resolvers.change_feed.subscription import stream_changes
from resolvers.context import Context
from resolvers.errors import BadUserInput
from resolvers.event_batch import EventBatch
from schema.declarations.enums import register_enum
from schema.declarations.fields import PAGE, Argument, attribute, field, stream
from schema.declarations.ids import decode_id, encode_id
from schema.declarations.node import Node, type_of_kind
from schema.declarations.paging import check_bounds, decode_opaque, encode_opaque, malformed_cursor

register_enum(
    FeedKind,
    "The kind of object that changed.",
    CONFIGURATION_ITEM="A configuration item.",
    RELATIONSHIP="A relationship of two configuration items.",
    INCIDENT="An incident that you are permitted to see.",
    CHANGE="A change.",
    TEAM="A team.",
    USER="A person.",
    WORKFLOW="A revision of a workflow.",
    WORKFLOW_RUN="A run of a workflow.",
)
register_enum(
    FeedStep,
    "What happened to an object.",
    CREATED="It was created.",
    CHANGED="It was changed.",
    DELETED="It was deleted.",
)

MAX_ENTRIES = 500
DEFAULT_ENTRIES = 100


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
        # In Python a boolean is an int; PostgreSQL would reject it as a number.
        case [int(transaction), int(position)] if (
            not isinstance(transaction, bool)
            and not isinstance(position, bool)
            and 0 <= transaction < 2**63
            and 0 <= position < 2**63
        ):
            return FeedCursor(transaction, position)
    raise malformed_cursor("cursor")


def _changes(context: Context, arguments: Mapping[str, Any]) -> AsyncIterator[EventBatch[FeedEntry]]:
    subscription = context.subscription
    if subscription is None:
        raise BadUserInput("a subscription is a stream; send it to /graphql/stream", argument="query")
    # After a reconnect the stream continues at Last-Event-ID, whatever cursor the operation names.
    cursor = subscription.after or arguments.get("cursor")
    of = arguments.get("of")
    ids = None if of is None else [decode_id(each, "of")[1] for each in of]
    return stream_changes(context, subscription, _decode_feed_cursor(cursor), arguments.get("kinds"), ids)


def encode_feed_cursor(position: FeedCursor) -> str:
    """Return the opaque cursor of a position in the feed."""
    return encode_opaque(list(position))


@strawberry.type(name="FeedEntry", description="One object that one transaction changed.")
class FeedEntryType:
    record = FeedEntry

    kind: FeedKind = attribute("The kind of the object.")
    step: FeedStep = attribute("What happened to the object.")
    id: strawberry.ID = attribute("The global id of the object, also if it was deleted.", of=_id)
    node: Node | None = field(
        _node, "The object as it is now; null if it was deleted. One statement for each kind.", needs=None
    )
    request_id: str = attribute("The id of the request that changed it; empty if no request did.")
    written_at: datetime = attribute("The time at which its transaction began.")
    cursor: str = attribute(
        "Pass it as `cursor` to continue after this entry.", of=lambda entry: encode_feed_cursor(entry.place)
    )


@strawberry.type(description="A page of the change feed, oldest entries first.")
class Feed:
    record = use_cases.FeedPage

    entries: list[FeedEntryType] = attribute("The changes. An object that changed twice appears twice.", size=PAGE)
    end_cursor: str = attribute(
        "Pass it as `cursor` to read the next page.", of=lambda page: encode_feed_cursor(page.end)
    )
    has_more: bool = attribute("Whether more entries are available now; if not, poll again later.", of="more")


@strawberry.type
class FeedQueries:
    changes_since: Feed | None = field(
        _since,
        "The changes after a cursor, in commit-safe order: no entry appears later before a cursor that was returned. "
        "Without a cursor: no entries, and the cursor to begin with. One statement.",
        needs="feed:read",
        arguments=(
            Argument("cursor", str | None, "`endCursor` of the previous page."),
            Argument(
                "kinds",
                list[FeedKind] | None,
                "Only objects of these kinds. Default: all kinds that you are permitted to read.",
            ),
            Argument("of", list[strawberry.ID] | None, "Only objects with these global ids."),
            Argument("first", int, "The maximum number of entries, 1 to 500. Default 100.", DEFAULT_ENTRIES),
        ),
    )


@strawberry.type
class FeedSubscriptions:
    changes: FeedEntryType | None = stream(
        _changes,
        "The changes after a cursor, or from now on: one event for each entry, in the order of `changesSince`. An "
        "event "
        "costs what is selected of its `node`, which is read again for each event.",
        needs="feed:read",
        arguments=(
            Argument(
                "cursor", str | None, "`cursor` of the entry to continue after, or `endCursor` of `changesSince`."
            ),
            Argument(
                "kinds",
                list[FeedKind] | None,
                "Only objects of these kinds. Default: all kinds that you are permitted to read.",
            ),
            Argument("of", list[strawberry.ID] | None, "Only objects with these global ids."),
        ),
    )

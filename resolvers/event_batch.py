"""A batch of events of a subscription."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from datasources.records.feed import FeedCursor
from resolvers.context import Context

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class EventBatch(Generic[E]):
    """Events, oldest first, and the context in which they are resolved. An empty batch is a heartbeat.

    An event that is an exception is the error of the response. `positions` has the place of each event in the change
    feed, from which a client can continue; it is empty for a stream that cannot be continued.
    """

    events: Sequence[E]
    context: Context
    positions: Sequence[FeedCursor] = ()

"""Subscription state of a request: its position in the change feed and its authenticated principal."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from datasources.records.feed import FeedCursor
from resolvers.outbox_poller import OutboxPoller
from resolvers.principals.principal import Principal

# After this time the caller is authenticated again.
REAUTHENTICATE_SECONDS = 10.0
# After this time without entries a heartbeat is due.
HEARTBEAT_SECONDS = 12.0
# The deadline for resolving one batch.
BATCH_SECONDS = 10.0
# Maximum number of entries that are resolved together.
BATCH_SIZE = 50


@dataclass(slots=True)
class SubscriptionState:
    """State of one stream. Times in seconds.

    `reauthenticate` returns the current principal or raises AccessError; `authenticated_at` is the time of its last
    call in the event loop's clock. `after` is the cursor of a client that reconnects.
    """

    poller: OutboxPoller
    reauthenticate: Callable[[], Awaitable[Principal]]
    authenticated_at: float
    after: str | None = None
    # Every entry up to here was sent, or is not visible to the caller.
    position: FeedCursor | None = None
    reauthenticate_seconds: float = REAUTHENTICATE_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    batch_size: int = BATCH_SIZE

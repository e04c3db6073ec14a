"""What a context has besides, whose answer goes on: where it is in the feed, and who listens by now."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from datasources.records.feed import FeedCursor
from resolvers.outbox_poller import OutboxPoller
from resolvers.principals.principal import Principal

# Seconds after which access is proven anew, of silence after which a sign of life is due, and that one batch may take.
REAUTHENTICATE_SECONDS, HEARTBEAT_SECONDS, BATCH_SECONDS = 10.0, 12.0, 10.0
# Entries that are shown at once, whose records are read together.
BATCH_SIZE = 50


@dataclass(slots=True)
class SubscriptionState:
    """One stream. `prove` says who listens, as of now, or raises AccessError; it was `proven` at this time of the
    event loop's clock. `after` is the cursor that the client had reached, if it comes back. Times in seconds."""

    poller: OutboxPoller
    reauthenticate: Callable[[], Awaitable[Principal]]
    authenticated_at: float
    after: str | None = None
    # Everything up to here was shown, or was not for this listener.
    position: FeedCursor | None = None
    reauthenticate_seconds: float = REAUTHENTICATE_SECONDS
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    batch_size: int = BATCH_SIZE

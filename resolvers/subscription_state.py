"""What a context has besides, whose answer goes on: where it is in the feed, and who listens by now."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from datasources.records.feed import FeedPlace
from resolvers.outbox_poller import Tail
from resolvers.principals.principal import Principal

# Seconds after which access is proven anew, of silence after which a sign of life is due, and that one batch may take.
PROVEN, SILENCE, BATCH_SECONDS = 10.0, 12.0, 10.0
# Entries that are shown at once, whose records are read together.
BATCH = 50


@dataclass(slots=True)
class Listening:
    """One stream. `prove` says who listens, as of now, or raises AccessError; it was `proven` at this time of the
    event loop's clock. `after` is the cursor that the client had reached, if it comes back. Times in seconds."""

    tail: Tail
    prove: Callable[[], Awaitable[Principal]]
    proven: float
    after: str | None = None
    # Everything up to here was shown, or was not for this listener.
    place: FeedPlace | None = None
    prove_every: float = PROVEN
    silence: float = SILENCE
    batch: int = BATCH

"""Records the requests to a double, for assertions in tests."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from datasources.embedded.neptune_like.bytecode import Instruction


@dataclass(frozen=True, slots=True)
class Handshake:
    """An attempt to connect. `status` is 101 if it was accepted."""

    endpoint: str
    headers: Mapping[str, str]
    status: int


@dataclass(slots=True)
class RecordedRequest:
    """A request. `size` is in bytes; `connection` numbers the accepted connections from 1.

    `outcome` is a Gremlin status ("200", "204"), a Neptune code, or the effect of a fault ("lost request",
    "lost reply", "cut frame", "garbled reply", "silence"); None until it is known.
    """

    request_id: str
    op: str
    endpoint: str
    connection: int
    size: int
    instructions: tuple[Instruction, ...]
    outcome: str | None = None

    @property
    def step_names(self) -> tuple[str, ...]:
        """The names of its steps in order; those of nested traversals follow the step that contains them."""
        return tuple(one.name for one in self.instructions if not one.source)


@dataclass(slots=True)
class RequestLog:
    """Handshakes and requests in order of arrival. Written by the double's thread, readable from any thread.

    Only the newest `keep` of each are retained, so that a double can run for days.
    """

    keep: int = 100_000
    handshakes: list[Handshake] = field(default_factory=list)
    requests: list[RecordedRequest] = field(default_factory=list)

    @property
    def outcomes(self) -> Counter[str | None]:
        """The number of requests with each outcome."""
        return Counter(request.outcome for request in tuple(self.requests))

    def add(self, one: Handshake | RecordedRequest) -> None:
        """Append a new entry."""
        if isinstance(one, Handshake):
            self.handshakes.append(one)
            del self.handshakes[: -self.keep]
        else:
            self.requests.append(one)
            del self.requests[: -self.keep]

    def clear(self) -> None:
        """Remove all entries."""
        self.handshakes.clear()
        self.requests.clear()

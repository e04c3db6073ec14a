"""What came through a double, for tests to assert on."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from datasources.embedded.neptune_like.bytecode import Instruction


@dataclass(frozen=True, slots=True)
class Handshake:
    """One attempt to connect. `status` is 101 when it was accepted."""

    endpoint: str
    headers: Mapping[str, str]
    status: int


@dataclass(slots=True)
class RecordedRequest:
    """One request. `size` is in bytes; `connection` numbers the accepted sockets from 1.

    `outcome` is a status of Gremlin ("200", "204"), a code of Neptune, or what a fault did instead ("lost request",
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
        """The names of its steps in order, those of nested traversals after the step that holds them."""
        return tuple(one.name for one in self.instructions if not one.source)


@dataclass(slots=True)
class RequestLog:
    """Handshakes and requests in the order of their arrival. Appended to by the double's thread, read by any.

    Of each, the newest `keep` are kept, so that a double can run for days.
    """

    keep: int = 100_000
    handshakes: list[Handshake] = field(default_factory=list)
    requests: list[RecordedRequest] = field(default_factory=list)

    @property
    def outcomes(self) -> Counter[str | None]:
        """How many requests had each outcome."""
        return Counter(request.outcome for request in tuple(self.requests))

    def add(self, one: Handshake | RecordedRequest) -> None:
        """Add what has just come."""
        if isinstance(one, Handshake):
            self.handshakes.append(one)
            del self.handshakes[: -self.keep]
        else:
            self.requests.append(one)
            del self.requests[: -self.keep]

    def clear(self) -> None:
        """Forget what came so far."""
        self.handshakes.clear()
        self.requests.clear()

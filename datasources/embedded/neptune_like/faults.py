"""What goes wrong on purpose, and the drawing of it: a seeded chance for each request, and lists used up once."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Subject = Literal["all", "reads", "writes"]
# One fault that befalls one request; "code" answers a code of Neptune and executes nothing.
FaultKind = Literal["code", "lose_request", "silence", "lose_reply", "cut_frame", "garble"]
_BEFORE: tuple[tuple[str, FaultKind], ...] = (("lose_requests", "lose_request"), ("silences", "silence"))
_AFTER: tuple[tuple[str, FaultKind], ...] = (
    ("lose_replies", "lose_reply"),
    ("cut_frames", "cut_frame"),
    ("garbled_replies", "garble"),
)


@dataclass(frozen=True, slots=True)
class Faults:
    """Faults of one double. Counts befall the next so many requests, one each, in the order of the fields.

    A request answered with a code, lost or kept silent is never executed, as if Neptune had rolled it back; a lost,
    cut or garbled reply belongs to a request that was executed. Times are in seconds, probabilities from 0 to 1.

    refuse: statuses for the next handshakes, such as (429, 429, 403), before one is accepted.
    next_codes: codes of Neptune for the next requests, in order.
    codes: the probability of each code per request. A read never draws ConcurrentModificationException: on Neptune
        it runs on a snapshot (transactions-neptune, "read-only query isolation").
    subject: whether the faults of requests befall all of them, or only those that read or that write.
    close_after: the socket closes with 1000 after so many answered requests.
    idle_close: it closes with 1000 after so long without a request (on Neptune 20 to 25 minutes).
    life: it closes with 1000 at that age (with IAM, a little over ten days on Neptune).
    """

    refuse: tuple[int, ...] = ()
    refuse_chance: float = 0.0
    refuse_status: int = 429
    next_codes: tuple[str, ...] = ()
    lose_requests: int = 0
    silences: int = 0
    lose_replies: int = 0
    cut_frames: int = 0
    garbled_replies: int = 0
    codes: Mapping[str, float] = field(default_factory=dict)
    lose_request_chance: float = 0.0
    lose_reply_chance: float = 0.0
    subject: Subject = "all"
    close_after: int | None = None
    idle_close: float | None = None
    life: float | None = None
    lag_before: float = 0.0
    lag_after: float = 0.0
    seed: int = 0


class FaultSampler:
    """Draws from one set of faults and uses up its counts. Used by the double's thread alone."""

    def __init__(self, faults: Faults) -> None:
        self.left = faults
        self._random = random.Random(faults.seed)  # noqa: S311 - chance, repeatable by its seed

    def next_refusal(self) -> int | None:
        """The HTTP status for a handshake that is to fail."""
        if self.left.refuse:
            status, *later = self.left.refuse
            self.left = replace(self.left, refuse=tuple(later))
            return status
        return self.left.refuse_status if self._happens(self.left.refuse_chance) else None

    def next_fault(self, *, writes: bool) -> tuple[FaultKind, str] | None:
        """What befalls a request, with the code to answer if it is one; None if it passes unharmed."""
        if self.left.subject not in {"all", "writes" if writes else "reads"}:
            return None
        if self.left.next_codes:
            code, *later = self.left.next_codes
            self.left = replace(self.left, next_codes=tuple(later))
            return "code", code
        for name, mishap in _BEFORE + _AFTER:
            if left := getattr(self.left, name):
                self.left = replace(self.left, **{name: left - 1})
                return mishap, ""
        return self._by_chance(writes=writes)

    def _by_chance(self, *, writes: bool) -> tuple[FaultKind, str] | None:
        for code, chance in self.left.codes.items():
            if self._happens(chance) and (writes or code != "ConcurrentModificationException"):
                return "code", code
        if self._happens(self.left.lose_request_chance):
            return "lose_request", ""
        if self._happens(self.left.lose_reply_chance):
            return "lose_reply", ""
        return None

    def _happens(self, chance: float) -> bool:
        # Certain and impossible draw nothing: then a sequence depends on the chances alone.
        return chance >= 1 or (chance > 0 and self._random.random() < chance)

"""Injected faults and their selection: a seeded probability for each request, and lists that are used once."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

Subject = Literal["all", "reads", "writes"]
# A fault of one request; "code" responds with a Neptune code and executes nothing.
FaultKind = Literal["code", "lose_request", "silence", "lose_reply", "cut_frame", "garble"]
_BEFORE: tuple[tuple[str, FaultKind], ...] = (("lose_requests", "lose_request"), ("silences", "silence"))
_AFTER: tuple[tuple[str, FaultKind], ...] = (
    ("lose_replies", "lose_reply"),
    ("cut_frames", "cut_frame"),
    ("garbled_replies", "garble"),
)


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults of a double. Each count applies to as many of the next requests, in the order of the fields.

    A request that is answered with a code, lost or ignored is never executed, as if Neptune had rolled it back; a lost,
    cut or garbled reply belongs to a request that was executed. Times are in seconds, probabilities from 0 to 1.

    refuse: statuses for the next handshakes, such as (429, 429, 403), before one is accepted.
    next_codes: codes of Neptune for the next requests, in order.
    codes: the probability of each code per request. A read never gets ConcurrentModificationException: on Neptune
        it runs on a snapshot (transactions-neptune, "read-only query isolation").
    subject: whether request faults apply to all requests, or only to reads or to writes.
    close_after: the connection closes with 1000 after this many answered requests.
    idle_close: it closes with 1000 after this time without a request (on Neptune 20 to 25 minutes).
    life: it closes with 1000 at this age (with IAM, a little over ten days on Neptune).
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
    """Samples from a set of faults and consumes its counts. Used only by the double's thread."""

    def __init__(self, faults: Faults) -> None:
        self.left = faults
        self._random = random.Random(faults.seed)  # noqa: S311 - chance, repeatable by its seed

    def next_refusal(self) -> int | None:
        """Return the HTTP status of a handshake that must fail, or None."""
        if self.left.refuse:
            status, *later = self.left.refuse
            self.left = replace(self.left, refuse=tuple(later))
            return status
        return self.left.refuse_status if self._happens(self.left.refuse_chance) else None

    def next_fault(self, *, writes: bool) -> tuple[FaultKind, str] | None:
        """Return the fault of a request, and the code if it is one; None without a fault."""
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
        # Certain and impossible faults sample nothing, so that a sequence depends only on the other probabilities.
        return chance >= 1 or (chance > 0 and self._random.random() < chance)

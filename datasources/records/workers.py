"""The state of a background worker of this process."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class WorkerState(StrEnum):
    """The condition of a worker."""

    # Its last round succeeded.
    RUNNING = "RUNNING"
    # A store is unavailable; the worker continues when the store is back.
    WAITING = "WAITING"
    # Its rounds fail for another reason.
    FAILING = "FAILING"
    # Its round has not ended within its time limit.
    STUCK = "STUCK"


class WorkerRecord(Struct, frozen=True):
    """The current state of a worker. `failures` counts failures in a row; `seconds` is the time in this state, 0 while
    RUNNING; `reason` contains no values of rows."""

    name: str
    state: WorkerState
    reason: str = ""
    failures: int = 0
    seconds: float = 0.0
    last_round_at: datetime | None = None

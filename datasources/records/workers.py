"""The state of a background worker of this process."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class WorkerState(StrEnum):
    """How a worker fares."""

    # Its last round ended well.
    RUNNING = "RUNNING"
    # A store is lost; it goes on once that is back.
    WAITING = "WAITING"
    # Its rounds fail for another reason.
    FAILING = "FAILING"
    # Its round has not ended within its bound.
    STUCK = "STUCK"


class WorkerRecord(Struct, frozen=True):
    """A worker as it is now. `failures` in a row; `seconds` in this state, 0 while RUNNING; `reason` holds no values
    of rows."""

    name: str
    state: WorkerState
    reason: str = ""
    failures: int = 0
    seconds: float = 0.0
    last_round_at: datetime | None = None

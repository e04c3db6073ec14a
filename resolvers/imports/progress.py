"""How far an import is: the phase, the section, and a share of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["reading", "planning", "writing", "settling", "pruning"]


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """One moment of an import. `done` of `total` are bytes while reading and rows while writing; None is unknown.

    While writing, `done` rows are committed, unless the run is dry.
    """

    phase: Phase
    title: str = ""
    section: int = 0
    sections: int = 0
    done: int = 0
    total: int | None = None


Progress = Callable[[ProgressStep], None]


def ignore_progress(_: ProgressStep) -> None:
    """Nobody looks."""

"""Progress of an import: its phase, section, and completed share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Phase = Literal["reading", "planning", "writing", "settling", "pruning", "indexing", "publishing"]


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """One progress report. `done` and `total` are bytes while reading and rows while writing; None is unknown.

    While writing, `done` rows are committed, except in a dry run.
    """

    phase: Phase
    title: str = ""
    section: int = 0
    sections: int = 0
    done: int = 0
    total: int | None = None


Progress = Callable[[ProgressStep], None]


def ignore_progress(_: ProgressStep) -> None:
    """Ignore the report."""

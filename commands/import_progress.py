"""The progress of an import on a terminal: phase, section, a bar with its share; and what stays after Ctrl-C."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from resolvers.imports.progress import ProgressStep

# Columns of a terminal below which the bar makes room for the words.
MIN_BAR_COLUMNS = 60


class ImportProgress:
    """One line on stderr, only where it is a terminal."""

    def __init__(self, console: Console) -> None:
        narrow = console.width < MIN_BAR_COLUMNS
        share = (TaskProgressColumn(),) if narrow else (BarColumn(bar_width=20), TaskProgressColumn())
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            *share,
            *(() if narrow else (TimeElapsedColumn(),)),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=None)
        # Rows of each section that are committed, and those that it has.
        self._written: dict[str, tuple[int, int]] = {}
        self._step = ProgressStep("reading")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, step: ProgressStep) -> None:
        """Take in how far the import is."""
        place = f"{step.section}/{step.sections} " if step.sections else ""
        if (step.phase, step.section) != (self._step.phase, self._step.section):
            self._progress.reset(self._task, start=True)
        self._step = step
        # A share is known once there is a first part of it; until then the bar pulses.
        self._progress.tasks[0].total = step.total if step.done else None
        self._progress.update(
            self._task, description=f"{place}{step.phase} {step.title}", completed=step.done, refresh=True
        )
        if step.phase == "writing":
            self._written[f"{step.section}. {step.title}"] = (step.done, step.total or 0)

    def interruption_message(self, *, dry: bool) -> str:
        """What an import that was interrupted leaves, and what to do."""
        while_ = f"interrupted while {self._step.phase} {self._step.title}".rstrip()
        kept = ", ".join(
            f"{title.split('. ', 1)[1]} {done:,} of {total:,}" for title, (done, total) in self._written.items() if done
        )
        if dry or not kept:
            return f"{while_}; nothing was written; run the same import again"
        return f"{while_}; these rows were committed and stay: {kept}; run the same import again to complete it"

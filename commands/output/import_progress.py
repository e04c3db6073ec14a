"""Progress of an import on a terminal, and the message after an interruption."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from resolvers.imports.progress import ProgressStep

# Columns of a terminal below which the bar is omitted, to leave space for the text.
MIN_BAR_COLUMNS = 60


class ImportProgress:
    """One line on stderr, only if it is a terminal."""

    def __init__(self, console: Console) -> None:
        narrow = console.width < MIN_BAR_COLUMNS
        share_columns = (TaskProgressColumn(),) if narrow else (BarColumn(bar_width=20), TaskProgressColumn())
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            *share_columns,
            *(() if narrow else (TimeElapsedColumn(),)),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=None)
        # The committed rows and the total rows of each section.
        self._written: dict[str, tuple[int, int]] = {}
        self._step = ProgressStep("reading")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._progress.stop()

    def show(self, step: ProgressStep) -> None:
        """Show the progress of the import."""
        position = f"{step.section}/{step.sections} " if step.sections else ""
        if (step.phase, step.section) != (self._step.phase, self._step.section):
            self._progress.reset(self._task, start=True)
        self._step = step
        # The share is known after the first rows; until then the bar pulses.
        self._progress.tasks[0].total = step.total if step.done else None
        self._progress.update(
            self._task, description=f"{position}{step.phase} {step.title}", completed=step.done, refresh=True
        )
        if step.phase == "writing":
            self._written[f"{step.section}. {step.title}"] = (step.done, step.total or 0)

    def interruption_message(self, *, dry: bool) -> str:
        """Return the message for an interrupted import: what was committed, and what to do."""
        prefix = f"interrupted while {self._step.phase} {self._step.title}".rstrip()
        committed = ", ".join(
            f"{title.split('. ', 1)[1]} {done:,} of {total:,}" for title, (done, total) in self._written.items() if done
        )
        if dry or not committed:
            return f"{prefix}; nothing was written; run the same import again"
        return f"{prefix}; these rows were committed and remain: {committed}; run the same import again to complete it"

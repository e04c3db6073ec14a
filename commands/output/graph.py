"""Output of `stackflow graph`: progress bars and reports."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressDisplay
from rich.table import Table
from rich.text import Text

from datasources.graph.projection import EdgeVersion
from resolvers.projection.reports import CheckReport, Difference, Progress, RebuildPhase, RebuildReport

_TITLES = {
    RebuildPhase.CLEAR: "emptying the graph",
    RebuildPhase.NODES: "items",
    RebuildPhase.EDGES: "relationships",
    RebuildPhase.LOAD: "bulk load, records",
    RebuildPhase.COMPARE_NODES: "comparing items",
    RebuildPhase.COMPARE_EDGES: "comparing relationships",
}


class _Count(ProgressColumn):
    """The number done and the total."""

    def render(self, task: Task) -> Text:
        total = task.total
        return Text("" if total is None else f"{task.completed:,.0f} of {total:,.0f}", justify="right")


class _Rate(ProgressColumn):
    """The number per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", justify="right")


@contextmanager
def progress_bars(console: Console) -> Iterator[Progress]:
    """Show a bar for each phase until the end; none if the console is not a terminal."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=12), _Count(), _Rate(),
        TimeElapsedColumn(),
    )  # fmt: skip
    tasks: dict[RebuildPhase, TaskID] = {}
    with ProgressDisplay(*columns, console=console, transient=True, disable=not console.is_terminal) as display:

        def progress(step: RebuildPhase, done: int, of: int | None) -> None:
            if step not in tasks:
                # A resumed run begins with what the interrupted run has done.
                tasks[step] = display.add_task(_TITLES[step], total=of, completed=done)
                for other in tasks.keys() - {step}:
                    display.stop_task(tasks[other])
            display.update(tasks[step], completed=done, total=of)

        yield progress


def show_rebuild(report: RebuildReport, console: Console) -> None:
    """Print the counts of a rebuild, and the differences that its comparison repaired."""
    _line(console, f"graph rebuilt: {report.nodes:,} items, {report.edges:,} relationships")
    if report.compared is not None and report.compared.differences:
        _kinds(report.compared, console)
        _line(console, _outcome(report.compared))
    _line(console, f"{report.seconds:.1f} s")


def show_check(report: CheckReport, console: Console) -> None:
    """Print the counts of a check, with examples of each kind of difference."""
    if report.differences:
        _kinds(report, console)
        for title, ids in (("missing", report.missing_nodes.examples), ("extra", report.extra_nodes.examples)):
            for id in ids:
                _line(console, f"{title} item: {id}")
        for title, differences in (
            ("missing", report.missing_edges), ("extra", report.extra_edges), ("different", report.different_edges),
        ):  # fmt: skip
            for difference in differences.examples:
                _line(console, f"{title} relationship: {_edge(difference)}")
    _line(console, _outcome(report))
    _line(console, f"compared {report.nodes:,} items, {report.edges:,} relationships in {report.seconds:.1f} s")


def _kinds(report: CheckReport, console: Console) -> None:
    table = Table(title="the graph compared with the tables", box=SIMPLE, padding=(0, 1, 0, 0))
    for name in ("", "missing", "extra", "different"):
        table.add_column(name, justify="right" if name else "left", min_width=9 if name else 14)
    table.add_row("items", _count(report.missing_nodes.count), _count(report.extra_nodes.count), "")
    table.add_row(
        "relationships",
        _count(report.missing_edges.count),
        _count(report.extra_edges.count),
        _count(report.different_edges.count),
    )
    console.print(table)


def _outcome(report: CheckReport) -> str:
    if not report.differences:
        return "the graph matches the tables"
    summary = f"{report.differences:,} difference{'s' if report.differences > 1 else ''}"
    if report.repaired is None:
        return f"{summary}; stackflow graph check --repair repairs them"
    return f"{summary}, {report.repaired:,} repaired" + (f", {report.left:,} left" if report.left else "")


def _edge(difference: Difference) -> str:
    expected, actual = difference.true, difference.held
    if expected is not None and actual is not None:
        tables, graph = _facts(expected), _facts(actual)
        other = [
            f"{name} {tables[name]} in the tables, {graph[name]} in the graph"
            for name in tables
            if tables[name] != graph[name]
        ]
        return f"{expected.edge.id}: {'; '.join(other)}"
    present = next(version for version in (expected, actual) if version is not None)
    until = "" if present.valid_to is None else f" until {present.valid_to.isoformat()}"
    return f"{present.edge.id}: {present.edge.from_id} {present.edge.type} {present.edge.to_id}{until}"


def _facts(version: EdgeVersion) -> dict[str, str]:
    edge = version.edge
    return {
        "to": edge.to_id,
        "type": edge.type,
        "impact": edge.impact.value,
        "group": edge.group_id or "none",
        "valid from": version.valid_from.isoformat(),
    }


def _count(number: int) -> str:
    return f"{number:,}" if number else "·"


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)

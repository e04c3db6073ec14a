"""The report of an import as text: a table if it fits, otherwise lines."""

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from resolvers.imports.report import ImportReport, PruneReport

# Columns of a file or a pipe: a report is never truncated there.
FILE_COLUMNS = 1_000

_COUNTS = ("created", "changed", "left", "repeated", "pending", "rejected", "unresolved", "skipped")
# Shorter than the names in the report, so that a table fits a terminal.
_COLUMN_TITLES = {"created": "new", "left": "same", "repeated": "twice", "pending": "waiting", "unresolved": "loose"}
_REQUIRED_COLUMNS = frozenset({"created", "changed", "left"})


def full_width(console: Console) -> Console:
    """Return the console; if it is not a terminal, one that is wide enough for any report, whatever COLUMNS is."""
    return console if console.is_terminal else Console(width=FILE_COLUMNS)


def show(report: ImportReport, console: Console) -> None:
    """Print the report as a table with examples. Only the rejects file has values of rows."""
    table = Table(
        title=f"{report.mapping}{_dry(report)}",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
    )
    table.add_column("section", min_width=24)
    # Omit columns without any row: a terminal has 80 columns.
    counts = [name for name in _COUNTS if name in _REQUIRED_COLUMNS or report.total(name)]
    for name in counts:
        table.add_column(_COLUMN_TITLES.get(name, name), justify="right", no_wrap=True)
    for section in report.sections:
        table.add_row(section.title, *(_count(getattr(section, name)) for name in counts))
    table.add_section()
    table.add_row("all", *(f"{report.total(name):,}" for name in counts))
    if table.__rich_measure__(console, console.options.update(width=FILE_COLUMNS)).maximum <= console.width:
        console.print(table)
    else:
        for line in _lines(report, counts):
            console.print(line, highlight=False, markup=False)
    for section in report.sections:
        for fate, examples in section.examples.items():
            for example in examples:
                console.print(f"{section.title}: {fate}: {example}", highlight=False, markup=False, soft_wrap=True)
    for line in _closing(report):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _lines(report: ImportReport, counts: list[str]) -> list[str]:
    titled = [(section.title, section) for section in report.sections]
    lines = [f"{report.mapping}{_dry(report)}"]
    for title, section in titled:
        nonzero = [(name, getattr(section, name)) for name in counts if getattr(section, name)]
        lines.append(
            f"{title}: " + (", ".join(f"{n:,} {_COLUMN_TITLES.get(name, name)}" for name, n in nonzero) or "nothing")
        )
    return lines


def _dry(report: ImportReport) -> str:
    return " (dry run: nothing was written)" if report.dry_run else ""


def _count(number: int) -> str:
    return f"{number:,}" if number else "·"


def _closing(report: ImportReport) -> list[str]:
    lines = [
        f"{waiting:,} {entity.replace('_', ' ')} wait for an item that is unknown"
        for entity, waiting in report.waiting.items()
    ]
    if report.settled:
        lines.append(f"{report.settled:,} pending {_entities(report)} found their items")
    lines.extend(
        f"waiting {example}: {fate}" for fate, examples in report.settled_examples.items() for example in examples
    )
    if report.linked:
        lines.append(f"{report.linked:,} requirements were linked to their items")
    lines.extend(_prune(report))
    if report.graph is not None:
        lines.append(f"graph: {report.graph:,} changes")
    if report.indexed is None:
        lines.append("documents were not indexed; run stackflow documents index")
    elif report.indexed:
        lines.append(f"{report.indexed:,} documents were indexed")
    if report.rejects:
        lines.append(f"rejected and unresolved rows: {report.rejects}")
    lines.append(f"{'would change nothing' if report.dry_run else 'changed nothing'}" if report.changes_nothing else "")
    lines.append(f"{report.seconds:.1f} s")
    return [line for line in lines if line]


def _entities(report: ImportReport) -> str:
    only = set(report.settled_by_entity) == {"relationships"}
    return "relationships" if only else "rows"


def _prune(report: ImportReport) -> list[str]:
    lines = []
    if report.pruned is not None:
        verb = "would be pruned" if report.dry_run else "pruned"
        lines += [f"{verb} of {report.pruned.source}: {_amounts(report.pruned)}", *_names(report.pruned)]
    if report.absent is not None:
        lines += [f"absent from the files of {report.absent.source}: {_amounts(report.absent)}", *_names(report.absent)]
    if report.prune_refused:
        prefix = "without --force nothing would be pruned" if report.pruned is not None else "nothing was pruned"
        lines.append(f"{prefix}: {report.prune_refused}")
    return lines


def _amounts(report: PruneReport) -> str:
    return (
        f"{report.deleted:,} items deleted, {report.retired:,} retired,"
        f" {report.relationships:,} relationships, {report.pending:,} pending, {report.keys:,} keys"
    )


def _names(report: PruneReport) -> list[str]:
    totals = {"deleted": report.deleted, "retired": report.retired, "relationships": report.relationships}
    return [
        f"  {what}: {', '.join(names)}{', …' if totals[what] > len(names) else ''}"
        for what, names in report.names.items()
    ]

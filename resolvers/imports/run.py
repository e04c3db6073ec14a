"""The import: check everything, then section by section stage, plan and write in batches; then report."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from datasources.aurora.database import Database
from datasources.aurora.imports import prune as pruning
from datasources.aurora.imports.landing import ImportStopped, Landing, Plan
from datasources.aurora.imports.references import count_pending, link_requirements, settle_pending
from datasources.aurora.imports.tables import TABLES
from datasources.files.mapping import Mapping, MappingError, Section, load_mapping
from datasources.files.readers import Reader
from datasources.files.records import Converter
from datasources.files.rejects import Reject, RejectFile
from datasources.files.staging import Tally, staged_blocks
from resolvers.imports.report import ImportReport, PruneReport, SectionReport

# Records in one transaction.
BATCH = 100_000
# Reasons shown in a report; all of them stand in the rejects file.
SHOWN = 5

AfterWrite = Callable[[frozenset[str]], Awaitable[None]]
Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: `prune` names the source whose absent rows go; `rejects` is where refused rows are written."""

    dry_run: bool = False
    prune: str | None = None
    rejects: Path | None = None
    batch: int = BATCH


@dataclass(frozen=True, slots=True)
class Task:
    """One section, ready to run: its file is there and its columns exist."""

    section: Section
    reader: Reader
    converter: Converter


@dataclass(slots=True)
class _Run:
    main: Landing
    requirements: Landing
    options: Options
    rejects: RejectFile
    progress: Progress
    # Files whose unreadable rows were told by a section before.
    told: set[str]
    # Why a prune would be unsafe: rows of the source that could not be identified.
    doubtful: int = 0

    def landing(self, section: Section) -> Landing:
        return self.main if section.kind.database == "main" else self.requirements


async def run_import(
    path: Path,
    folder: Path,
    main: Database,
    requirements: Database,
    options: Options | None = None,
    *,
    after_write: AfterWrite | None = None,
    progress: Progress = lambda *_: None,
) -> ImportReport:
    """Import what the mapping at `path` says from the files below `folder`.

    Raises MappingError before anything is written, ImportStopped when a batch is refused, SourceError when a
    database fails. `after_write` gets the tables that were written, after the last commit.
    """
    options = options or Options()
    mapping = load_mapping(path)
    tasks = prepare(mapping, path.name, folder)
    if options.prune is not None and options.prune not in mapping.sources():
        raise MappingError(
            f"{path}: --prune {options.prune}: the mapping has only {', '.join(sorted(mapping.sources()))}"
        )
    begin = time.perf_counter()
    report = ImportReport(mapping=path.name, dry_run=options.dry_run)
    rejects = RejectFile(options.rejects)
    try:
        async with _landings(main, requirements, options) as (first, second):
            run = _Run(first, second, options, rejects, progress, set())
            await _carry_out(run, tasks, mapping, report)
    finally:
        rejects.close()
    report.rejects = str(options.rejects) if options.rejects and rejects.written else None
    report.seconds = time.perf_counter() - begin
    if after_write is not None and not options.dry_run and not report.changes_nothing:
        await after_write(_written(report))
    return report


def prepare(mapping: Mapping, name: str, folder: Path) -> list[Task]:
    """Every section with its file opened once and its columns checked. MappingError names what is wrong."""
    tasks = []
    for index, section in enumerate(mapping.sections):
        place = f"sections[{index}]"
        reader = Reader(mapping.files[section.file], folder, name)
        reader.check([(column, f"{place}.{key}") for column, key in section.columns()], section.unnest)
        header = reader.header()
        if section.unnest and header is not None:
            raise MappingError(f"{name}: {place}.unnest: CSV has no nested lists; use each, or split")
        tasks.append(Task(section, reader, Converter(section, mapping, header, f"{name}: {place}")))
    return tasks


@asynccontextmanager
async def _landings(main: Database, requirements: Database, options: Options) -> AsyncIterator[tuple[Landing, Landing]]:
    async with AsyncExitStack() as stack:
        first = Landing(await stack.enter_async_context(main.connection()))
        second = Landing(await stack.enter_async_context(requirements.connection()))
        if not await first.lock():
            raise ImportStopped("another import is under way; wait for it and run this one again")
        stack.push_async_callback(first.unlock)
        for landing in (first, second):
            stack.push_async_callback(landing.clear)
        stack.push_async_callback(pruning.end, first)
        if options.dry_run:
            # The same statements run, so the answer is the truth; then all is rolled back.
            for landing in (first, second):
                await stack.enter_async_context(landing.connection.transaction(force_rollback=True))
        yield first, second


async def _carry_out(run: _Run, tasks: list[Task], mapping: Mapping, report: ImportReport) -> None:
    if run.options.prune is not None:
        await pruning.begin(run.main)
    for task in tasks:
        report.sections.append(await _section(run, task))
    report.settled = await settle_pending(run.main)
    report.pending = await count_pending(run.main, mapping.sources())
    report.linked = await link_requirements(run.main, run.requirements)
    if run.options.prune is not None:
        if run.doubtful:
            report.prune_refused = f"{run.doubtful} rows could not be identified and may not be gone; mend them first"
        else:
            pruned = await pruning.prune(run.main, run.requirements, run.options.prune)
            report.pruned = PruneReport(source=run.options.prune, **asdict(pruned))


async def _section(run: _Run, task: Task) -> SectionReport:
    section, label = task.section, task.reader.label
    report = SectionReport(title=section.title, entity=section.entity, file=label)
    examples: dict[str, list[str]] = {}

    def refuse(reject: Reject, fate: str = "rejected") -> None:
        run.rejects.write(reject)
        shown = examples.setdefault(fate, [])
        if len(shown) < SHOWN:
            shown.append(f"line {reject.line}: {reject.reason}")
        if fate == "rejected" and not reject.harmless:
            run.doubtful += 1

    table, landing, tally = TABLES[section.entity], run.landing(section), Tally()
    blocks = staged_blocks(task.reader, task.converter, tally, refuse, unreadable=label not in run.told)
    run.told.add(label)
    run.progress(section.title, 0)
    await landing.stage(table, task.converter.columns, blocks)
    plan = await landing.plan(table, distinct=section.distinct)
    async for line, reason, row in landing.refusals():
        # Staged rows are remembered by the prune, so their keys count as present.
        refuse(Reject(label, line, section.entity, reason, row, harmless=True))
    async for line, note, row in landing.notes():
        report.unresolved += 1
        refuse(Reject(label, line, section.entity, note, row, harmless=True), "unresolved")
    if run.options.prune is not None and landing is run.main:
        await pruning.remember(run.main, table)
    await _write(run, landing, task, plan, tally.staged)
    _count(report, tally, plan)
    report.examples = plan.examples | examples
    return report


async def _write(run: _Run, landing: Landing, task: Task, plan: Plan, staged: int) -> None:
    # A section that changes nothing opens no transaction.
    if not any(plan.counts.get(fate) for fate in ("create", "change", "pending")):
        return
    table = TABLES[task.section.entity]
    for after in range(0, staged, run.options.batch):
        upto = min(after + run.options.batch, staged)
        await landing.carry_out(table, after, upto)
        run.progress(task.section.title, upto)


def _count(report: SectionReport, tally: Tally, plan: Plan) -> None:
    report.records, report.skipped, report.unreadable = tally.records, tally.skipped, tally.unreadable
    report.created = plan.counts.get("create", 0)
    report.changed = plan.counts.get("change", 0)
    report.left = plan.counts.get("leave", 0)
    report.repeated = plan.counts.get("repeat", 0)
    report.pending = plan.counts.get("pending", 0)
    report.rejected = plan.counts.get("reject", 0) + tally.refused + tally.unreadable


def _written(report: ImportReport) -> frozenset[str]:
    names = {TABLES[section.entity].name for section in report.sections if section.created or section.changed}
    if report.settled:
        names.add("relationships")
    if report.linked:
        names.add("requirement_configuration_items")
    if report.pruned is not None:
        names |= {"relationships", "configuration_items"}
    return frozenset(names)

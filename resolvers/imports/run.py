"""Run an import: check everything, then stage, plan and write each section in batches; then report."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from datasources.aurora.driver.database import Database
from datasources.aurora.imports.prune import Prune
from datasources.aurora.imports.staging_session import Plan, StagingSession
from datasources.aurora.imports.tables import TABLES, ImportTable
from datasources.aurora.imports.waiting_rows import apply_waiting_rows, count_waiting, link_requirements
from datasources.files.errors import MappingError
from datasources.files.formats.readers import FileReader
from datasources.files.mapping import Mapping, Section, ValueSpec
from datasources.files.mappings.lookups import Lookups
from datasources.files.mappings.mapping_files import load_mapping
from datasources.files.records import RecordConverter
from datasources.files.rejects import RejectedRow, RejectFile
from datasources.files.staging import SectionCounts, stage_blocks
from resolvers.imports.progress import Progress, ProgressStep, ignore_progress
from resolvers.imports.report import ImportReport, PruneReport, SectionReport

# Maximum number of records in one transaction.
BATCH_SIZE = 100_000
# Maximum number of reasons in a report; the rejects file contains all of them.
MAX_EXAMPLES = 5
# The maximum share (0 to 1) of a source's items or relationships that a prune may remove without force.
MAX_PRUNE_SHARE = 0.25
# Tables that a prune deletes from: an unreadable row for one of them may belong to a row that seems absent.
PRUNED_TABLES = frozenset({"configuration_items", "relationships"})

AfterWrite = Callable[[frozenset[str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Options of an import: `prune` names the source whose absent rows are deleted; `rejects` is the rejects file.

    A prune of more than `prune_share` (0 to 1) of the source, or of all of it, is refused without `force`.
    """

    dry_run: bool = False
    prune: str | None = None
    prune_share: float = MAX_PRUNE_SHARE
    force: bool = False
    rejects: Path | None = None
    batch: int = BATCH_SIZE


@dataclass(frozen=True, slots=True)
class SectionTask:
    """One section, ready to run: its file and columns exist."""

    section: Section
    reader: FileReader
    converter: RecordConverter


@dataclass(slots=True)
class _ImportRun:
    main: StagingSession
    requirements: StagingSession
    options: ImportOptions
    rejects: RejectFile
    progress: Progress
    prune: Prune | None
    # Files whose unreadable rows were already reported by an earlier section.
    reported: set[str]
    # Number of unidentified rows of the source; with any of them a prune is unsafe.
    doubtful: int = 0

    def staging_session(self, section: Section) -> StagingSession:
        return self.main if section.target_entity.database == "main" else self.requirements


async def run_import(
    path: Path,
    folder: Path,
    main: Database,
    requirements: Database,
    options: ImportOptions | None = None,
    *,
    after_write: AfterWrite | None = None,
    progress: Progress = ignore_progress,
) -> ImportReport:
    """Import the files below `folder` as described by the mapping at `path`.

    Raises MappingError before anything is written, ImportStopped if it cannot start, SourceError if a database fails.
    `after_write` receives the names of the written tables after the last commit.
    """
    options = options or ImportOptions()
    mapping = load_mapping(path)
    tasks = prepare_sections(mapping, path.name, folder)
    if options.prune is not None and options.prune not in mapping.sources():
        raise MappingError(
            f"{path}: --prune {options.prune}: the mapping has only {', '.join(sorted(mapping.sources()))}"
        )
    begin = time.perf_counter()
    report = ImportReport(mapping=path.name, dry_run=options.dry_run)
    rejects = RejectFile(options.rejects)
    try:
        async with _open_staging_sessions(main, requirements, options) as (first, second):
            prune = Prune(first, options.prune) if options.prune is not None else None
            run = _ImportRun(first, second, options, rejects, progress, prune, set())
            await _run_sections(run, tasks, mapping, report)
    finally:
        rejects.close()
    report.rejects = str(options.rejects) if options.rejects and rejects.count else None
    report.seconds = time.perf_counter() - begin
    if after_write is not None and not options.dry_run and not report.changes_nothing:
        await after_write(_changed_tables(report))
    return report


def prepare_sections(mapping: Mapping, name: str, folder: Path) -> list[SectionTask]:
    """Return the sections, after opening each file and checking its columns. Raises MappingError with the problem."""
    tasks = []
    lookups = Lookups(mapping, folder, name)
    for index, section in enumerate(mapping.sections):
        place = f"sections[{index}]"
        reader = FileReader(mapping.files[section.file], folder, name)
        reader.check_columns([(column, f"{place}.{key}") for column, key in section.columns()], section.unnest)
        if section.unnest and reader.header() is not None:
            raise MappingError(f"{name}: {place}.unnest: CSV has no nested lists; use each, or split")
        tasks.append(SectionTask(section, reader, RecordConverter(section, lookups, reader, f"{name}: {place}")))
    return tasks


@asynccontextmanager
async def _open_staging_sessions(
    main: Database, requirements: Database, options: ImportOptions
) -> AsyncIterator[tuple[StagingSession, StagingSession]]:
    async with AsyncExitStack() as stack:
        first = StagingSession(await stack.enter_async_context(main.connection()))
        second = StagingSession(await stack.enter_async_context(requirements.connection()))
        for session in (first, second):
            stack.push_async_callback(session.end)
            await session.begin()
        await first.lock()
        stack.push_async_callback(first.unlock)
        for session in (first, second):
            stack.push_async_callback(session.clear)
            await session.refresh_statistics()
        stack.push_async_callback(Prune(first, "").end)
        if options.dry_run:
            # The same statements run, so the report is exact; then everything is rolled back.
            for session in (first, second):
                await stack.enter_async_context(session.connection.transaction(force_rollback=True))
        yield first, second


async def _run_sections(run: _ImportRun, tasks: list[SectionTask], mapping: Mapping, report: ImportReport) -> None:
    if run.prune is not None:
        await run.prune.begin()
    for number, task in enumerate(tasks, start=1):
        report.sections.append(await _section(run, task, mapping, ProgressStep("reading", "", number, len(tasks))))
    run.progress(ProgressStep("settling", "rows that waited"))
    await _settle(run, report)
    report.waiting = await count_waiting(run.main, mapping.sources())
    report.pending = sum(report.waiting.values())
    report.linked = await link_requirements(run.main, run.requirements)
    if run.prune is not None:
        run.progress(ProgressStep("pruning", f"what {run.options.prune} no longer holds"))
        await _prune(run, run.prune, report)


async def _settle(run: _ImportRun, report: ImportReport) -> None:
    async for settled in apply_waiting_rows(run.main, run.options.batch):
        for outcome, rows in (("rejected", settled.rejected), ("unresolved", settled.unresolved)):
            for line, reason, row in rows:
                run.rejects.write(RejectedRow("rows that waited", line, settled.entity, reason, row))
                shown = report.settled_examples.setdefault(outcome, [])
                if len(shown) < MAX_EXAMPLES:
                    shown.append(f"{settled.entity}: {reason}")
        if settled.created or settled.changed:
            report.settled_by_entity[settled.entity] = settled.created + settled.changed
    report.settled = sum(report.settled_by_entity.values())


async def _prune(run: _ImportRun, prune: Prune, report: ImportReport) -> None:
    if run.doubtful:
        report.prune_refused = f"{run.doubtful} rows could not be identified, so a prune is unsafe; correct them first"
        return
    absent = await prune.plan()
    prune_report = PruneReport(source=run.options.prune or "", **asdict(absent))
    excess = None if run.options.force else absent.excess(run.options.prune_share)
    if excess is not None:
        report.prune_refused = f"{excess}; check the files, or repeat with --force"
        if not run.options.dry_run:
            report.absent = prune_report
            return
    # A dry run always lists what would be removed.
    await prune.apply(run.requirements)
    report.pruned = prune_report


async def _section(run: _ImportRun, task: SectionTask, mapping: Mapping, step: ProgressStep) -> SectionReport:
    section, label = task.section, task.reader.label
    step = replace(step, title=section.title)
    report = SectionReport(title=section.title, entity=section.entity, file=label)
    examples: dict[str, list[str]] = {}
    hidden = 0

    def refuse(reject: RejectedRow, outcome: str = "rejected") -> None:
        nonlocal hidden
        run.rejects.write(reject)
        shown = examples.setdefault(outcome, [])
        if len(shown) < MAX_EXAMPLES:
            shown.append(f"line {reject.line}: {reject.reason}")
        hidden += outcome == "rejected" and not reject.harmless

    def refused(line: int, reason: str, row: object) -> None:
        # The prune counts staged rows as present, so their rejection does not make it unsafe.
        refuse(
            RejectedRow(
                *task.reader.locate(line), section.entity, task.reader.relocate_lines(reason), row, harmless=True
            )
        )

    table, session, tally = TABLES[section.entity], run.staging_session(section), SectionCounts()
    blocks = stage_blocks(task.reader, task.converter, tally, refuse, unreadable=label not in run.reported)
    run.reported.add(label)
    run.progress(step)
    await session.stage(table, task.converter.columns, _with_progress(blocks, run, step, task.reader))
    run.doubtful += hidden if section.entity in PRUNED_TABLES else tally.unreadable
    run.progress(replace(step, phase="planning"))
    plan = await session.plan(table, tally.staged, section.repeat_rule)
    async for line, reason, row in session.stream_refusals():
        refused(line, reason, row)
    async for line, note, row in session.stream_notes():
        report.unresolved += 1
        refuse(RejectedRow(*task.reader.locate(line), section.entity, note, row, harmless=True), "unresolved")
    if run.prune is not None and session is run.main:
        await run.prune.mark_present(table)
        if run.options.prune in _fixed_sources(section, mapping):
            run.prune.cover(section.entity)
    plan = await _write(run, session, table, plan, replace(step, phase="writing", total=tally.staged), refused)
    _count(report, tally, plan)
    report.examples = plan.examples | examples
    return report


def _with_progress(blocks: Iterator[bytes], run: _ImportRun, step: ProgressStep, reader: FileReader) -> Iterator[bytes]:
    for block in blocks:
        yield block
        run.progress(replace(step, done=reader.bytes_read, total=reader.size))


def _fixed_sources(section: Section, mapping: Mapping) -> set[str]:
    """Return the sources of a section that do not depend on file contents."""
    sources = set()
    for fields in section.variants():
        spec = fields.get("source")
        if spec is None:
            sources.add(section.source or mapping.source)
        elif isinstance(spec, ValueSpec) and isinstance(spec.constant, str):
            sources.add(spec.constant)
    return sources


async def _write(
    run: _ImportRun,
    session: StagingSession,
    table: ImportTable,
    plan: Plan,
    step: ProgressStep,
    refused: Callable[[int, str, object], None],
) -> Plan:
    lost, staged = 0, step.total or 0
    # A section without changes opens no transaction.
    for after in range(0, staged, run.options.batch) if plan.writes else ():
        upto = min(after + run.options.batch, staged)
        run.progress(replace(step, done=after))
        lost += await session.apply(table, plan, after, upto, refused)
        run.progress(replace(step, done=upto))
    await session.finish(table, plan)
    return replace(plan, counts=await session.counts(table)) if lost else plan


def _count(report: SectionReport, tally: SectionCounts, plan: Plan) -> None:
    report.records, report.skipped, report.unreadable = tally.records, tally.skipped, tally.unreadable
    report.created = plan.counts.get("create", 0)
    report.changed = plan.counts.get("change", 0)
    report.left = plan.counts.get("leave", 0)
    report.repeated = plan.counts.get("repeat", 0)
    report.pending = plan.counts.get("pending", 0)
    report.rejected = plan.counts.get("reject", 0) + tally.refused + tally.unreadable


def _changed_tables(report: ImportReport) -> frozenset[str]:
    names = {TABLES[section.entity].name for section in report.sections if section.created or section.changed}
    names |= {TABLES[entity].name for entity in report.settled_by_entity}
    if report.linked:
        names.add("requirement_configuration_items")
    if report.pruned is not None:
        names |= {"relationships", "configuration_items"}
    return frozenset(names)

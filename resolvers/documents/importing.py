"""Import documents from files: each file is one transaction, and a bad file stops no other."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from uuid_utils import uuid7

from datasources.aurora.documents import writes
from datasources.aurora.driver.transaction import Transaction
from datasources.documents.errors import DocumentFileError
from datasources.documents.files import DocumentFile, find_files, read_document
from datasources.errors import SourceDuplicate, SourceInvalidValue
from datasources.records.documents import DocumentKind
from datasources.sources import Sources
from resolvers.imports.progress import Progress, ProgressStep, ignore_progress

TABLES = ("documents", "document_configuration_items")


class DocumentImportOptions(Struct, frozen=True):
    """What the files get that say nothing else. `prune` deletes the documents of the source that no file has."""

    source: str = "files"
    kind: DocumentKind = DocumentKind.RUNBOOK
    restricted_team: str | None = None
    prune: bool = False


class DocumentImportReport(Struct):
    """Counts of files by outcome, of items by whether they are known, and of ignored fields of front matter.

    `rejected` holds the files with their reasons, `notes` what was left out of others. `refusal` is why nothing was
    pruned, or empty.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    items_linked: int = 0
    items_unknown: int = 0
    fields_ignored: int = 0
    pruned: int = 0
    refusal: str = ""
    rejected: list[tuple[str, str]] = []
    notes: list[tuple[str, str]] = []

    @property
    def is_written(self) -> bool:
        """Whether any row was written."""
        return bool(self.created or self.changed or self.pruned)


async def import_documents(
    sources: Sources, paths: Sequence[Path], options: DocumentImportOptions, progress: Progress = ignore_progress
) -> DocumentImportReport:
    """Import the files of the paths. Raise DocumentFileError if a path does not exist, before anything is written.

    SourceError if the database fails; what was imported remains, and the same import can be run again.
    """
    # A file that several paths name is one file.
    files = list({path.absolute(): (key, path) for key, path in reversed([*find_files(paths)])}.values())[::-1]
    report = DocumentImportReport()
    # The file of each key.
    keys: dict[str, Path] = {}
    try:
        for number, (default_key, path) in enumerate(files, start=1):
            try:
                document = await asyncio.to_thread(read_document, default_key, path)
                if (other := keys.setdefault(document.key, path)) is not path:
                    raise DocumentFileError(f"its key is also that of {other}; give one of them another key")
                await _write(sources, path, document, options, report)
            except DocumentFileError as error:
                report.rejected.append((str(path), str(error)))
            progress(ProgressStep("writing", "documents", done=number, total=len(files)))
        if options.prune:
            await _prune(sources, options.source, list(keys), report)
    finally:
        if report.is_written:
            await sources.cache.invalidate(TABLES)
    return report


async def _write(
    sources: Sources, path: Path, document: DocumentFile, options: DocumentImportOptions, report: DocumentImportReport
) -> None:
    front_matter = document.front_matter
    given = front_matter.restricted_team
    values = writes.DocumentValues(
        document.key,
        options.source,
        front_matter.kind or options.kind,
        document.title,
        document.body,
        front_matter.team,
        options.restricted_team if given is None else given,
    )
    try:
        async with sources.main.transaction() as transaction:
            notes = await _check_teams(transaction, values)
            outcome, id = await _put(transaction, values)
            known, links = 0, 0
            if front_matter.items is not None:
                known, links = await writes.replace_links(transaction, id, front_matter.items)
    except SourceDuplicate as error:
        raise DocumentFileError("its key was taken by another program; run the import again") from error
    except SourceInvalidValue as error:
        raise DocumentFileError("the database cannot store its text; split it") from error
    # Counted after the commit.
    if outcome == "unchanged" and links:
        outcome = "changed"
    setattr(report, outcome, getattr(report, outcome) + 1)
    report.items_linked += known
    report.items_unknown += len(front_matter.items or ()) - known
    report.fields_ignored += front_matter.ignored
    report.notes += [(str(path), note) for note in notes]


async def _check_teams(transaction: Transaction, values: writes.DocumentValues) -> list[str]:
    """Return notes about teams that are left out. Raise DocumentFileError if the restricted team is unknown."""
    named = [key for key in (values.team, values.restricted_team) if key]
    known = await writes.fetch_team_keys(transaction, named) if named else set()
    if values.restricted_team and values.restricted_team not in known:
        # Without it everyone could read the document.
        raise DocumentFileError(f"restricted team {values.restricted_team} is not known; import the team first")
    return [f"team {values.team} is not known; left empty"] if values.team and values.team not in known else []


async def _put(transaction: Transaction, values: writes.DocumentValues) -> tuple[str, str]:
    """Write a document if it differs. Return the outcome, and its id."""
    stored = await writes.compare(transaction, values)
    if stored is None:
        id = str(uuid7())
        await writes.insert(transaction, id, values)
        return "created", id
    if stored.source != values.source:
        of = f"source {stored.source}" if stored.source else "no source"
        raise DocumentFileError(f"its key is that of a document of {of}; give it another key, or import as that source")
    if stored.is_same:
        return "unchanged", stored.id
    await writes.update(transaction, stored.id, values)
    return "changed", stored.id


async def _prune(sources: Sources, source: str, keys: list[str], report: DocumentImportReport) -> None:
    if report.rejected:
        report.refusal = "files were rejected, and their documents may be stored; correct them first"
    elif not keys:
        report.refusal = "no file was found, so all documents would be deleted; check the paths"
    else:
        async with sources.main.transaction() as transaction:
            report.pruned = await writes.delete_others(transaction, source, keys)

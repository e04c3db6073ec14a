"""Check rankings on runbooks that no setting was chosen on: `python -m bench.retrieval.alert_runbooks FOLDER`.

FOLDER is a clone of https://github.com/openshift/runbooks, or has runbooks of its form: a title that is the name of an
alert, and a section 'Meaning'. The questions are made by rule, so no author favours a ranking: the name of the alert,
and the first sentence of the section with that name left out. The section itself is left out of the documents.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bench.retrieval.__main__ import Quality, Question, compare, use_sources
from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.documents.importing import DocumentImportOptions, import_documents
from resolvers.documents.indexing import index_documents

_SECTION = re.compile(r"^## Meaning\s*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"\A\s*# *(\S+)\s*$", re.MULTILINE)
# Shorter sentences say too little to be a question.
MIN_WORDS = 5


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook without its section 'Meaning', by its path, with the questions that it answers by their kind."""

    key: str
    body: str
    questions: dict[str, str]


def read_runbooks(folder: Path) -> Iterator[Runbook]:
    """Yield the runbooks of a folder, by path; other files are documents without a question."""
    for path in sorted(folder.rglob("*.md")):
        text = path.read_text(encoding="utf-8")
        key = path.relative_to(folder).with_suffix("").as_posix()
        title, section = _TITLE.search(text), _SECTION.search(text)
        if title is None or section is None:
            yield Runbook(key, text, {})
            continue
        name = title[1]
        sentence = re.split(r"(?<=[.!?])\s", " ".join(section[1].split()), maxsplit=1)[0]
        masked = re.sub(rf"`?{re.escape(name)}`?", "", sentence, flags=re.IGNORECASE)
        questions = {"name": name}
        if len(masked.split()) >= MIN_WORDS:
            questions["meaning"] = masked
        yield Runbook(key, _SECTION.sub("", text), questions)


async def run(postgres: EmbeddedPostgres, runbooks: Sequence[Runbook]) -> dict[str, dict[str, Quality]]:
    """Import the runbooks and return the quality by ranking and kind of question."""
    async with use_sources(postgres) as sources:
        with tempfile.TemporaryDirectory() as folder:
            _write_files(Path(folder), runbooks)
            await import_documents(sources, [Path(folder)], DocumentImportOptions())
        await index_documents(sources)
        with psycopg.connect(postgres.url("main"), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            ids: dict[str, str] = dict(connection.execute("SELECT key, id::text FROM documents").fetchall())
        questions = [
            Question(kind, text, None, frozenset({ids[runbook.key]}))
            for runbook in runbooks
            for kind, text in runbook.questions.items()
        ]
        with Progress(transient=True) as progress:
            return await compare(sources, questions, progress)


def _write_files(folder: Path, runbooks: Sequence[Runbook]) -> None:
    for runbook in runbooks:
        path = folder / f"{runbook.key}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(runbook.body, encoding="utf-8")


def main() -> None:
    """Run the comparison on a server of its own."""
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m bench.retrieval.alert_runbooks FOLDER, a clone of openshift/runbooks")
    runbooks = list(read_runbooks(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        postgres.start()
        try:
            qualities = asyncio.run(run(postgres, runbooks))
        finally:
            postgres.stop()
    counts = {kind: sum(kind in each.questions for each in runbooks) for kind in ("name", "meaning")}
    table = Table("ranking", *(f"{kind} ({count})" for kind, count in counts.items()), title="hit@1 / hit@5 / MRR@10")
    for ranking, kinds in qualities.items():
        cells = ((kinds[kind].hit_1, kinds[kind].hit_5, kinds[kind].mrr) for kind in counts)
        table.add_row(ranking, *(" / ".join(f"{number:.2f}" for number in each) for each in cells))
    Console().print(table)


if __name__ == "__main__":
    main()

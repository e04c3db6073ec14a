"""Compare ways to rank runbooks for the questions beside this module: `python -m bench.retrieval [--json]`.

Imports GitLab's runbooks from ../shared/data, makes their chunks and embeddings, and asks all questions that have an
answer. A document has the rank of its best chunk. The figures of quality are exact; times are of one run.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from datasources.aurora.driver.database import Database
from datasources.cache.off import NoCache
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.graph.recursive.adapter import RecursiveGraph
from datasources.records.document_chunks import DocumentChunkMatch
from datasources.request import RequestContext
from datasources.sources import Sources
from resolvers.answers.answer import AnswerStatus
from resolvers.answers.fusion import fuse_ranks
from resolvers.answers.loaders import ChunkMatchesByMeaning, ChunkMatchesByText
from resolvers.answers.retrieval import KEYWORD_WEIGHT, retrieve
from resolvers.answers.use_cases import ask
from resolvers.context import Context
from resolvers.documents.indexing import index_documents
from resolvers.imports.run import ImportOptions, run_import
from resolvers.principals.principal import Principal, PrincipalKind
from workers.migrations import migrate

QUESTIONS = Path(__file__).parent / "questions.yaml"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MAPPING = Path(__file__).resolve().parents[2] / "mappings" / "gitlab.yaml"
OPERATOR = Principal("bench", "Bench", PrincipalKind.USER, frozenset({"*"}))
# Ranks beyond this count as not found.
MAX_RANK = 10

Ranking = Callable[[Context, "Question"], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the id of its item, and the ids of the documents that answer it."""

    kind: str
    text: str
    item: str | None
    documents: frozenset[str]


@dataclass(frozen=True, slots=True)
class Quality:
    """The shares of questions with an accepted document first, and among the first five; the mean reciprocal rank."""

    hit_1: float
    hit_5: float
    mrr: float


async def rank_by_words(context: Context, question: Question) -> Sequence[str]:
    """Return the documents by BM25."""
    return _documents(await context.loader(ChunkMatchesByText, None).load(question.text))


async def rank_by_meaning(context: Context, question: Question) -> Sequence[str]:
    """Return the documents by their embeddings."""
    return _documents(await context.loader(ChunkMatchesByMeaning, None).load(question.text))


def fused(vector_weight: float) -> Ranking:
    """Return a ranking by words and embeddings."""

    async def rank(context: Context, question: Question) -> Sequence[str]:
        words = await context.loader(ChunkMatchesByText, None).load(question.text)
        similar = await context.loader(ChunkMatchesByMeaning, None).load(question.text)
        documents = {match.chunk_id: match for match in (*words, *similar)}
        scores = fuse_ranks(
            [(KEYWORD_WEIGHT, [each.chunk_id for each in words]), (vector_weight, [each.chunk_id for each in similar])]
        )
        return _documents([documents[id] for id in sorted(scores, key=lambda id: (-scores[id], id))])

    return rank


async def rank_without_item(context: Context, question: Question) -> Sequence[str]:
    """Return the documents as answers rank them, for a caller who names no item."""
    return _distinct(each.chunk.document_id for each in await retrieve(context, question.text, [], 2 * MAX_RANK))


async def rank_with_item(context: Context, question: Question) -> Sequence[str]:
    """Return the documents as answers rank them, with the item of the question."""
    items = [question.item] if question.item else []
    return _distinct(each.chunk.document_id for each in await retrieve(context, question.text, items, 2 * MAX_RANK))


RANKINGS: Mapping[str, Ranking] = {
    "words": rank_by_words,
    "embeddings": rank_by_meaning,
    "fused, weight 0.25": fused(0.25),
    "fused, weight 0.5": fused(0.5),
    "fused, weight 1": fused(1.0),
    "answers, without the item": rank_without_item,
    "answers": rank_with_item,
}


def measure(ranks: Sequence[int | None]) -> Quality:
    """Return the quality of the ranks of accepted documents, from 1; None is not found."""
    return Quality(
        sum(rank == 1 for rank in ranks) / len(ranks),
        sum(rank is not None and rank <= 5 for rank in ranks) / len(ranks),
        sum(1 / rank for rank in ranks if rank is not None and rank <= MAX_RANK) / len(ranks),
    )


def _documents(matches: Sequence[DocumentChunkMatch]) -> Sequence[str]:
    return _distinct(match.document_id for match in matches)


def _distinct(ids: Any) -> Sequence[str]:
    return list(dict.fromkeys(ids))


def read_questions(url: str) -> list[Question]:
    """Return the questions, with ids for keys. ValueError for a key that was not imported."""
    with psycopg.connect(url) as connection:
        documents: dict[str, str] = dict(connection.execute("SELECT key, id::text FROM documents").fetchall())
        rows = connection.execute(
            "SELECT source || '/' || key, configuration_item_id::text FROM configuration_item_keys"
        )
        items: dict[str, str] = dict(rows.fetchall())
    questions = []
    for entry in yaml.safe_load(QUESTIONS.read_text()):
        item = entry.get("item")
        unknown = [key for key in entry["documents"] if key not in documents] + (
            [item] if item and item not in items else []
        )
        if unknown:
            raise ValueError(f"{QUESTIONS.name}: {', '.join(unknown)} of {entry['question']!r} was not imported")
        accepted = frozenset(documents[key] for key in entry["documents"])
        questions.append(Question(entry["kind"], entry["question"], items[item] if item else None, accepted))
    return questions


async def compare(
    sources: Sources,
    questions: Sequence[Question],
    progress: Progress,
    rankings: Mapping[str, Ranking] = RANKINGS,
) -> dict[str, dict[str, Quality]]:
    """Return the quality by ranking and kind of question; `all` has every question with an answer."""
    answerable = [question for question in questions if question.documents]
    task = progress.add_task("asking", total=len(rankings) * len(answerable))
    qualities = {}
    for name, ranking in rankings.items():
        ranks: dict[str, list[int | None]] = {"all": []}
        for question in answerable:
            found = await ranking(new_context(sources), question)
            rank = next((place for place, id in enumerate(found, 1) if id in question.documents), None)
            ranks.setdefault(question.kind, []).append(rank)
            ranks["all"].append(rank)
            progress.advance(task)
        qualities[name] = {kind: measure(each) for kind, each in ranks.items()}
    return qualities


async def time_answers(sources: Sources, questions: Sequence[Question]) -> dict[str, float]:
    """Return the milliseconds of whole answers, and the shares of questions that are answered, with and without one."""
    seconds: list[float] = []
    answered: dict[bool, list[bool]] = {True: [], False: []}
    for question in questions:
        begin = time.perf_counter()
        answer = await ask(new_context(sources), question.text, [question.item] if question.item else [])
        seconds.append(time.perf_counter() - begin)
        answered[bool(question.documents)].append(answer.status is AnswerStatus.ANSWERED)
    return {
        "p50_ms": statistics.median(seconds) * 1_000,
        "p95_ms": statistics.quantiles(seconds, n=20)[-1] * 1_000,
        "answered_of_answerable": statistics.fmean(answered[True]),
        "answered_of_unanswerable": statistics.fmean(answered[False]),
    }


def new_context(sources: Sources) -> Context:
    """Return the context of a new request."""
    return Context(OPERATOR, OPERATOR.scope, sources, RequestContext())


def peak_mib() -> float:
    """Return the peak resident memory of this process."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024


@asynccontextmanager
async def use_sources(postgres: EmbeddedPostgres) -> AsyncIterator[Sources]:
    """Create both databases on a server, and open them for the length of an `async with` block."""
    urls = {kind: postgres.url(kind) for kind in ("main", "requirements")}
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        for kind in urls:
            connection.execute(f"CREATE DATABASE {kind}".encode())
    for kind, url in urls.items():
        migrate(kind, url)
    main, requirements = (
        Database("main", urls["main"], statement_timeout=60),
        Database("requirements", urls["requirements"]),
    )
    sources = Sources(main, requirements, RecursiveGraph(main), NoCache())
    try:
        yield sources
    finally:
        await sources.close()


async def run(postgres: EmbeddedPostgres, console: Console) -> dict[str, Any]:
    """Import, index and ask; return all figures."""
    async with use_sources(postgres) as sources:
        await run_import(MAPPING, DATA, sources.main, sources.requirements, ImportOptions())
        begin, work = time.perf_counter(), time.process_time()
        documents = await index_documents(sources)
        seconds, work = time.perf_counter() - begin, time.process_time() - work
        with psycopg.connect(postgres.url("main"), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            [(chunks,)] = connection.execute("SELECT count(*) FROM document_chunks").fetchall()
        questions = read_questions(postgres.url("main"))
        with Progress(console=console, transient=True) as progress:
            qualities = await compare(sources, questions, progress)
        return {
            "documents": documents,
            "chunks": chunks,
            "index_seconds": seconds,
            "index_processor_seconds": work,
            "qualities": {
                name: {kind: [quality.hit_1, quality.hit_5, quality.mrr] for kind, quality in kinds.items()}
                for name, kinds in qualities.items()
            },
            "answers": await time_answers(sources, questions),
            "peak_mib": peak_mib(),
        }


def show(console: Console, figures: Mapping[str, Any]) -> None:
    """Print the figures as a table."""
    kinds = ["paraphrase", "alert", "vague", "all"]
    table = Table("ranking", *kinds, title="hit@1 / hit@5 / MRR@10")
    for name, qualities in figures["qualities"].items():
        table.add_row(name, *(" / ".join(f"{number:.2f}" for number in qualities[kind]) for kind in kinds))
    console.print(table)
    answers = figures["answers"]
    console.print(
        f"{figures['documents']} documents, {figures['chunks']:,} chunks, indexed in {figures['index_seconds']:.0f} s "
        f"({figures['chunks'] / figures['index_seconds']:.0f} chunks a second)\n"
        f"an answer: {answers['p50_ms']:.0f} ms (p50), {answers['p95_ms']:.0f} ms (p95)\n"
        f"answered: {answers['answered_of_answerable']:.0%} of the answerable, "
        f"{answers['answered_of_unanswerable']:.0%} of the others\n"
        f"peak memory of the process: {figures['peak_mib']:.0f} MiB"
    )


def main() -> None:
    """Run the comparison on a server of its own."""
    if not DATA.is_dir():
        sys.exit(f"{DATA} is absent: it has the runbooks, which may not enter the project")
    console = Console(stderr="--json" in sys.argv)
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        postgres.start()
        try:
            figures = asyncio.run(run(postgres, console))
        finally:
            postgres.stop()
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        show(console, figures)


if __name__ == "__main__":
    main()

"""Ask the questions next to this module on the demo landscape: `python -m bench.operations [--json]`.

Prints how many are answered by a trusted document, how many of these rightly, and what is refused, with and without a
model of embeddings. The figures are exact; times are of one run.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
from rich.console import Console
from rich.table import Table

from bench.operations.measures import DIRECTIONAL, QUALIFIED, Finding, ask_all, read_questions
from datasources.config import CacheSettings, GraphSettings, PostgresSettings
from datasources.embedded.postgres import EmbeddedPostgres
from datasources.sources import open_sources
from demo.load import load_if_empty
from resolvers.operations import use_cases
from resolvers.operations.matching import MatchStatus
from workers.migrations import migrate


def measure(findings: Sequence[Finding], kind: str) -> dict[str, Any]:
    """Return the shares of questions of a kind, and the counts [right, all] of directional and refused ones."""
    questions = [each for each in findings if each.question.kind == kind]
    chosen = [each for each in questions if each.is_chosen]
    directional = [each for each in questions if each.question.operation in DIRECTIONAL]
    return {
        "questions": len(questions),
        "answered": len(chosen) / len(questions),
        "right_of_answered": sum(each.is_right for each in chosen) / max(len(chosen), 1),
        "right_among_choices": sum(each.is_offered for each in questions) / len(questions),
        "directional": [sum(each.is_right for each in directional), len(directional)],
        "out_of_scope_refused": _count_refused(findings, "out_of_scope"),
        "imperative_refused": _count_refused(findings, "imperative"),
    }


def measure_conditions(*findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return for each set of questions with conditions, with and without a model, how many are answered and wrongly."""
    return [
        {
            "set": kind,
            "model": number == 0,
            "questions": len(questions),
            "answered": sum(each.is_chosen for each in questions),
            "wrong": [each.question.text for each in questions if not each.is_right],
        }
        for number, asked in enumerate(findings)
        for kind in QUALIFIED
        for questions in [[each for each in asked if each.question.kind == kind]]
    ]


def _count_refused(findings: Sequence[Finding], kind: str) -> list[int]:
    asked = [each for each in findings if each.question.kind == kind]
    return [sum(each.match.status is not MatchStatus.CHOSEN for each in asked), len(asked)]


async def run(urls: dict[str, str]) -> dict[str, Any]:
    """Load the demo landscape, ask, and return all figures."""
    main, requirements = PostgresSettings(urls["main"]), PostgresSettings(urls["requirements"])
    sources = open_sources(main, requirements, CacheSettings(url=None), GraphSettings())
    try:
        await load_if_empty(sources.main, sources.requirements)
        questions = read_questions()
        await ask_all(sources, questions[:1])
        begin = time.perf_counter()
        findings = await ask_all(sources, questions)
        milliseconds = (time.perf_counter() - begin) / len(questions) * 1_000
        with patch.object(use_cases, "open_embedder", lambda: None):
            without_model = await ask_all(sources, questions)
    finally:
        await sources.close()
    return {
        "in scope": measure(findings, "in_scope"),
        "kept aside": measure(findings, "kept_aside"),
        "with conditions": measure_conditions(findings, without_model),
        "in scope, without a model": measure(without_model, "in_scope"),
        "kept aside, without a model": measure(without_model, "kept_aside"),
        "milliseconds": milliseconds,
        "not answered rightly": [each.question.text for each in findings if not each.is_right],
    }


def show(console: Console, figures: dict[str, Any]) -> None:
    """Print the figures as a table."""
    sets = [name for name, figure in figures.items() if isinstance(figure, dict)]
    table = Table("", *sets)
    for name, value in figures["in scope"].items():
        cells = (figures[each][name] for each in sets)
        table.add_row(
            name.replace("_", " "),
            *(
                f"{cell[0]} of {cell[1]}" if isinstance(value, list) else f"{cell:.3f}" if cell <= 1 else str(cell)
                for cell in cells
            ),
        )
    console.print(table)
    for each in figures["with conditions"]:
        console.print(each, markup=False, highlight=False)
    console.print(f"{figures['milliseconds']:.0f} ms a question; not answered rightly:")
    for text in figures["not answered rightly"]:
        console.print(f"  {text}", markup=False, highlight=False)


def main() -> None:
    """Ask on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        postgres.start()
        try:
            urls = {kind: postgres.url(kind) for kind in ("main", "requirements")}
            with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
                for kind in urls:
                    connection.execute(f"CREATE DATABASE {kind}".encode())
            for kind, url in urls.items():
                migrate(kind, url)
            figures = asyncio.run(run(urls))
        finally:
            postgres.stop()
    if "--json" in sys.argv:
        print(json.dumps(figures, indent=2))
    else:
        show(Console(), figures)


if __name__ == "__main__":
    main()

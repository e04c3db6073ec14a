"""`stackflow doctor`: what is wrong with the stores, and what to do about it."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import settings
from commands.exit_codes import Exit, remedy
from commands.health import check_stores
from commands.stores import databases, use_stores
from datasources.credentials.factory import resolve_conninfo
from datasources.embedded.process import EmbeddedError
from datasources.errors import SourceError
from workers.migrations import has_case_folding, pending_migrations


@dataclass(frozen=True, slots=True)
class Finding:
    """One store: how it is, what is wrong, what to do. Latency in milliseconds; `pending` counts migrations."""

    store: str
    ok: bool
    reachable: bool
    version: str
    latency_ms: float
    pending: int
    problem: str
    remedy: str


def command(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Look at every store: does it answer, in which version, how fast, are its tables up to date.

    Exit code 0 only if all is well. Starts embedded stores for the look if no `stackflow serve` runs them.
    """
    findings, code = _diagnose(settings.load_settings())
    if as_json:
        typer.echo(json.dumps({"ok": code is Exit.OK, "stores": [asdict(finding) for finding in findings]}))
    else:
        _show(findings)
    raise typer.Exit(int(code))


def _diagnose(chosen: settings.Settings) -> tuple[list[Finding], Exit]:
    try:
        with use_stores(chosen, graph=True) as whole:
            findings = _findings(whole)
    except EmbeddedError as error:
        what, _, then = str(error).partition("; ")
        return [Finding("embedded", False, False, "", 0.0, 0, what, then)], Exit.EMBEDDED
    if all(finding.ok for finding in findings):
        return findings, Exit.OK
    return findings, Exit.FAILED if all(finding.reachable for finding in findings) else Exit.UNREACHABLE


def _findings(whole: settings.Settings) -> list[Finding]:
    found: list[Finding] = []
    migrated = databases(whole)
    for health in asyncio.run(check_stores(whole)):
        waiting, problem, then = 0, health.problem, "" if health.reachable else remedy(health.name)
        limited = False
        if health.reachable and health.name in migrated:
            try:
                url = resolve_conninfo(health.name, migrated[health.name])
                waiting = len(pending_migrations(health.name, url))
                limited = not waiting and not has_case_folding(health.name, url)
            except SourceError as error:
                problem, then = str(error), remedy(health.name)
        if waiting:
            problem, then = f"{waiting} migrations are not applied", "run stackflow migrate"
        ok = not problem and health.reachable
        if limited:
            # It works, so the store is not wrong: it finds less.
            problem, then = (
                "only ASCII letters are found in another case",
                "use PostgreSQL 17 or later, or one with ICU",
            )
        version = health.version or health.details.get("state", "")
        found.append(
            Finding(
                health.name, ok, health.reachable, version,
                round(health.latency_ms, 2), waiting, problem, then,
            )
        )  # fmt: skip
    return found


def _show(findings: Sequence[Finding]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("store", "state", "version", "ms", "problem", "what to do"):
        table.add_column(heading, justify="right" if heading == "ms" else "left", overflow="fold")
    for finding in findings:
        state = "[green]ok[/]" if finding.ok else "[red]wrong[/]"
        table.add_row(
            finding.store, state, escape(finding.version), f"{finding.latency_ms:.1f}" if finding.latency_ms else "",
            escape(finding.problem), escape(finding.remedy),
        )  # fmt: skip
    Console(soft_wrap=False).print(table)

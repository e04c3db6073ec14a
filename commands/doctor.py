"""`stackflow doctor`: diagnose problems of the stores, with remedies."""

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
    """The state of one store, its problem and the remedy. Latency in milliseconds; `pending` counts migrations."""

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
    """Check every store: whether it responds, its version, its latency, and whether its tables are up to date.

    Exit code 0 only if all stores are ok. Starts embedded stores for the check if no `stackflow serve` runs them.
    """
    findings, code = _diagnose(settings.load_settings())
    if as_json:
        typer.echo(json.dumps({"ok": code is Exit.OK, "stores": [asdict(finding) for finding in findings]}))
    else:
        _show(findings)
    raise typer.Exit(int(code))


def _diagnose(chosen: settings.Settings) -> tuple[list[Finding], Exit]:
    try:
        with use_stores(chosen, graph=True) as resolved:
            findings = _findings(resolved)
    except EmbeddedError as error:
        problem, _, fix = str(error).partition("; ")
        return [Finding("embedded", False, False, "", 0.0, 0, problem, fix)], Exit.EMBEDDED
    if all(finding.ok for finding in findings):
        return findings, Exit.OK
    return findings, Exit.FAILED if all(finding.reachable for finding in findings) else Exit.UNREACHABLE


def _findings(resolved: settings.Settings) -> list[Finding]:
    findings: list[Finding] = []
    migrated = databases(resolved)
    for health in asyncio.run(check_stores(resolved)):
        pending = 0
        problem = health.problem
        fix = "" if health.reachable else remedy(health.name)
        limited = False
        if health.reachable and health.name in migrated:
            try:
                url = resolve_conninfo(health.name, migrated[health.name])
                pending = len(pending_migrations(health.name, url))
                limited = not pending and not has_case_folding(health.name, url)
            except SourceError as error:
                problem, fix = str(error), remedy(health.name)
        if pending:
            problem, fix = f"{pending} migrations are not applied", "run stackflow migrate"
        ok = not problem and health.reachable
        if limited:
            # The store works, so it is ok; searches only find less.
            problem, fix = (
                "only ASCII letters are found in another case",
                "use PostgreSQL 17 or later, or one with ICU",
            )
        version = health.version or health.details.get("state", "")
        findings.append(
            Finding(
                health.name, ok, health.reachable, version,
                round(health.latency_ms, 2), pending, problem, fix,
            )
        )  # fmt: skip
    return findings


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

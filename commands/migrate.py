"""`stackflow migrate`: migrate both databases to this version, or show what that would do."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

import settings
from commands.exit_codes import CommandError, Exit
from commands.stores import databases, use_stores
from datasources.credentials.factory import resolve_conninfo
from workers.migrations import PHASES, MigrationStep, Phase, migrate, pending_migrations


def command(
    pre: Annotated[
        bool, typer.Option("--pre", help="Only migrations that must be applied before new code serves.")
    ] = False,
    post: Annotated[
        bool, typer.Option("--post", help="Only migrations that must wait until old code is gone.")
    ] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Change nothing; show what would be applied.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Apply the missing migrations in both databases.

    A deployment runs --pre, switches the code, and runs --post. Without either, all are applied. Afterwards the role
    DATABASE_ROLE can read and write. Safe to run twice and concurrently.
    """
    if pre and post:
        raise CommandError("choose --pre or --post; without either, both are applied", Exit.USAGE)
    phases: tuple[Phase, ...] = ("pre",) if pre else ("post",) if post else PHASES
    with use_stores(settings.load_settings()) as resolved:
        steps: list[MigrationStep] = []
        for name, postgres in databases(resolved).items():
            if plan:
                steps += pending_migrations(name, resolve_conninfo(name, postgres), phases)
                continue
            on_step = None if as_json else _print_step
            steps += migrate(name, resolve_conninfo(name, postgres), phases, on_step, resolved.database_role)
    _report(steps, plan, as_json)


def _print_step(step: MigrationStep) -> None:
    typer.echo(f"applying {_describe(step)}")


def _report(steps: Sequence[MigrationStep], plan: bool, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"planned" if plan else "applied": [asdict(step) for step in steps]}))
    elif plan:
        for step in steps:
            typer.echo(f"would apply {_describe(step)}")
        typer.echo(f"{len(steps)} to apply" if steps else "nothing to apply")
    else:
        typer.echo(f"{len(steps)} applied" if steps else "nothing to apply")


def _describe(step: MigrationStep) -> str:
    return f"{step.database} {step.phase}/{step.name}"

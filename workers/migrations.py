"""Migrations of both databases: pre steps before new code serves, post steps after old code is gone."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from yoyo import read_migrations

from datasources.aurora.migrator import open_migrator
from datasources.aurora.role import grant_access
from datasources.credentials.factory import resolve_conninfo
from datasources.errors import SourceRefused
from datasources.observability.logs import begin_invocation
from workers.lambda_runtime import bootstrap, load_settings

Phase = Literal["pre", "post"]
PHASES: tuple[Phase, ...] = ("pre", "post")


@dataclass(frozen=True, slots=True)
class MigrationStep:
    """One migration that was applied now, or, from `pending`, would be."""

    database: str
    phase: Phase
    name: str


def migrations_folder(database: str, phase: Phase) -> Path:
    """Where the migrations of a database and phase stand."""
    return Path(str(resources.files("datasources.aurora").joinpath("migrations", database, phase)))


def migrate(
    database: str,
    url: str,
    phases: tuple[Phase, ...] = PHASES,
    on_step: Callable[[MigrationStep], None] | None = None,
    role: str | None = None,
) -> list[MigrationStep]:
    """Apply what is missing, each migration in a transaction of its own, one migrator at a time. Blocks.

    `tell` hears of each migration before it is applied. `role` may read and write afterwards: see `let_in`, also for
    its errors. SourceUnavailable if the database can't be reached or another migrator works for longer than a minute;
    SourceRefused, with the migration's name, if one fails.
    """
    applied: list[MigrationStep] = []
    step: MigrationStep | None = None
    try:
        with open_migrator(database, url) as session, session.lock():
            for phase in phases:
                for migration in session.to_apply(read_migrations(str(migrations_folder(database, phase)))):
                    step = MigrationStep(database, phase, migration.id)
                    if on_step is not None:
                        on_step(step)
                    session.apply_one(migration)
                    applied.append(step)
    except SourceRefused as error:
        if step is None:
            raise
        raise SourceRefused(database, f"migration {step.phase}/{step.name}: {error}") from error
    if role is not None:
        grant_access(database, url, role)
    return applied


def pending_migrations(database: str, url: str, phases: tuple[Phase, ...] = PHASES) -> list[MigrationStep]:
    """What `migrate` would apply, in order. Blocks. Errors as `migrate`."""
    with open_migrator(database, url) as session:
        return [
            MigrationStep(database, phase, migration.id)
            for phase in phases
            for migration in session.to_apply(read_migrations(str(migrations_folder(database, phase))))
        ]


def has_case_folding(database: str, url: str) -> bool:
    """Whether letters beyond ASCII are compared whatever their case; false where the server has no collation that knows
    them. Of a migrated database. Blocks. Errors as `migrate`."""
    with open_migrator(database, url) as session:
        # Asked of the function: whatever the collation is made of, this is what counts.
        row = session.execute(r"SELECT folded(U&'\0416') = U&'\0436'").fetchone()
    return bool(row and row[0])


def handler(event: Any, context: Any) -> dict[str, Any]:
    """The AWS Lambda entry for the deploy: both databases' migrations of the phase that CloudFormation's event names,
    and the role of the functions, which can sign in before any of them is asked to.

    What it raises stops the deploy, and the message is shown there. `Applied` is how many were applied.
    """
    begin_invocation(context)
    # The code that goes does not take its tables with it.
    if event["RequestType"] == "Delete":
        return {"Data": {"Applied": 0}}
    phase = event["ResourceProperties"]["Phase"]
    if phase not in PHASES:
        raise ValueError(f"{phase!r} is no phase; ResourceProperties.Phase is one of {', '.join(PHASES)}")
    whole = load_settings()
    main, requirements, *_ = whole.require_stores()
    applied: list[MigrationStep] = []
    for name, postgres in (("main", main), ("requirements", requirements)):
        applied += migrate(name, resolve_conninfo(name, postgres), (phase,), role=whole.database_role)
    return {"Data": {"Applied": len(applied)}}


# Settings are read by the call: a deploy that goes must not fail by them.
bootstrap(__name__)

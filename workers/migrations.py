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
    """One migration that was applied, or, from `pending_migrations`, would be applied."""

    database: str
    phase: Phase
    name: str


def migrations_folder(database: str, phase: Phase) -> Path:
    """Return the folder with the migrations of a database and phase."""
    return Path(str(resources.files("datasources.aurora").joinpath("migrations", database, phase)))


def migrate(
    database: str,
    url: str,
    phases: tuple[Phase, ...] = PHASES,
    on_step: Callable[[MigrationStep], None] | None = None,
    role: str | None = None,
) -> list[MigrationStep]:
    """Apply the missing migrations, each in its own transaction, one migrator at a time. Blocks.

    `on_step` is called before each migration is applied. Afterwards `role` can read and write: see `grant_access`, also
    for its errors. SourceUnavailable if the database cannot be reached or another migrator runs for longer than a
    minute; SourceRefused, with the name of the migration, if one fails.
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
    """Return the migrations that `migrate` would apply, in order. Blocks. Errors as for `migrate`."""
    with open_migrator(database, url) as session:
        return [
            MigrationStep(database, phase, migration.id)
            for phase in phases
            for migration in session.to_apply(read_migrations(str(migrations_folder(database, phase))))
        ]


def has_case_folding(database: str, url: str) -> bool:
    """Whether a migrated database ignores the case of non-ASCII letters; false if no collation supports it.

    Blocks. Errors as for `migrate`.
    """
    with open_migrator(database, url) as session:
        # Test the function itself, because its result is what counts, whatever the collation is.
        row = session.execute(r"SELECT folded(U&'\0416') = U&'\0436'").fetchone()
    return bool(row and row[0])


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Migrate both databases during a deployment, on AWS Lambda.

    Applies the migrations of the phase in the event of CloudFormation, and creates the role of the functions before
    they use it. An exception stops the deployment, which shows its message. `Applied` is the number of migrations.
    """
    begin_invocation(context)
    # The deletion of a stack does not delete the tables.
    if event["RequestType"] == "Delete":
        return {"Data": {"Applied": 0}}
    phase = event["ResourceProperties"]["Phase"]
    if phase not in PHASES:
        raise ValueError(f"{phase!r} is not a phase; ResourceProperties.Phase is one of {', '.join(PHASES)}")
    settings = load_settings()
    main, requirements, *_ = settings.require_stores()
    applied: list[MigrationStep] = []
    for name, postgres in (("main", main), ("requirements", requirements)):
        applied += migrate(name, resolve_conninfo(name, postgres), (phase,), role=settings.database_role)
    return {"Data": {"Applied": len(applied)}}


# The call reads the settings: invalid settings must not fail the deletion of a stack.
bootstrap(__name__)

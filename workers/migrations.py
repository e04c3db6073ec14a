"""Migrations of both databases: pre steps before new code serves, post steps after old code is gone."""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

from yoyo import get_backend, read_migrations

Phase = Literal["pre", "post"]
PHASES: tuple[Phase, ...] = ("pre", "post")


@dataclass(frozen=True, slots=True)
class Applied:
    """One migration that was applied now."""

    database: str
    phase: Phase
    name: str


def folder(database: str, phase: Phase) -> Path:
    """Where the migrations of a database and phase stand."""
    return Path(str(resources.files("datasources.aurora").joinpath("migrations", database, phase)))


def migrate(database: str, url: str, phases: tuple[Phase, ...] = PHASES) -> list[Applied]:
    """Apply what is missing, each migration in a transaction of its own, under the library's lock. Blocks."""
    backend = get_backend(_yoyo_url(url))
    applied: list[Applied] = []
    try:
        for phase in phases:
            migrations = read_migrations(str(folder(database, phase)))
            with backend.lock():
                waiting = backend.to_apply(migrations)
                for migration in waiting:
                    backend.apply_one(migration)
                    applied.append(Applied(database, phase, migration.id))
    finally:
        backend.connection.close()
    return applied


def pending(database: str, url: str) -> list[Applied]:
    """What `migrate` would apply. Blocks."""
    backend = get_backend(_yoyo_url(url))
    try:
        return [
            Applied(database, phase, migration.id)
            for phase in PHASES
            for migration in backend.to_apply(read_migrations(str(folder(database, phase))))
        ]
    finally:
        backend.connection.close()


def _yoyo_url(url: str) -> str:
    return "postgresql+psycopg://" + url.split("://", 1)[1]

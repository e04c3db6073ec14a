"""Named statements of `bench/peers/sql`, and the environment that tells a server its databases."""

import os
from pathlib import Path

SQL = Path(__file__).parents[1] / "sql"
# Connections of each server to the main and to the requirements database.
CONNECTIONS = {"main": 8, "requirements": 4}


def statements(name: str) -> dict[str, str]:
    """Return the statements of a file by their names, in order. Each follows a line `-- name: NAME`."""
    _, *parts = (SQL / f"{name}.sql").read_text().split("-- name: ")
    return {key: text.strip() for key, _, text in (part.partition("\n") for part in parts)}


def url(database: str) -> str:
    """Return the libpq URL of `main` or `requirements`. KeyError if the benchmark did not set it."""
    return os.environ[f"BENCH_{database.upper()}_URL"]

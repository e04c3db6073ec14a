"""Arrows point down: the contracts of import-linter, and the two modules at the top that it cannot walk."""

import ast
import configparser
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("commands", "workers", "demo", "schema", "resolvers", "datasources")
# Who may read settings: the entrances.
ENTRANCES = {"app.py", "commands", "workers", "demo"}


def importers(module: str) -> set[str]:
    """The files of the product that import a top module, by path."""
    found = set()
    for path in [
        ROOT / "app.py",
        *(ROOT / "settings").glob("*.py"),
        *(file for each in FLOORS for file in (ROOT / each).rglob("*.py")),
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if module in {name.split(".")[0] for name in names}:
                found.add(str(path.relative_to(ROOT)))
    return found


def contracts() -> dict[str, str]:
    """The name of each contract by its type."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return {section["name"]: section["type"] for name, section in parser.items() if "contract" in name}


def test_every_contract_is_kept() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"Contracts: {len(contracts())} kept, 0 broken." in done.stdout


def test_the_contracts_are_those_of_the_design() -> None:
    assert sorted(contracts().values()) == ["acyclic_siblings", *["forbidden"] * 6, "layers"]


def test_nothing_imports_the_composition_root() -> None:
    # `stackflow serve` finds it by name, so that a command alone does not load the schema. Tests come from above, and
    # AWS Lambda calls its handler.
    assert importers("app") == set()


def test_only_entrances_read_settings() -> None:
    assert {path.split("/")[0] for path in importers("settings")} - {"settings"} <= ENTRANCES
    assert "app.py" in importers("settings")


@pytest.mark.parametrize("driver", ["psycopg", "psycopg_pool", "redis"])
def test_the_composition_root_knows_no_driver(driver: str) -> None:
    assert [path for path in importers(driver) if path == "app.py" or path.startswith("settings/")] == []

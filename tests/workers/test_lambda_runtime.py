"""What an entry of Lambda makes while it is imported: what its own handler needs, and nothing of the others'."""

import ast
import gc
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.lambda_.runtime import ENTRIES
from workers.lazy_imports import MODULES

ROOT = Path(__file__).parents[2]

STORES = {"DATABASE_URL": "postgresql://h/d", "REQUIREMENTS_URL": "postgresql://h/r", "REDIS_URL": "off"}

# Imported in a function for other reasons: a rebuild of the graph is a command of people, the embedded stores are a
# laptop's, and the last comes with AWS's runtime.
OF_OTHERS = {"datasources/graph/gremlin/bulk", "datasources/embedded"}
OF_THE_RUNTIME = {"snapshot_restore_py"}
# Spans of functions go to X-Ray.
OF_SERVERS = {"datasources.observability.otlp"}
# No function imports files, and the bundle holds no reader of workbooks.
OF_IMPORTS = {"datasources.files.formats.workbooks"}
# The bundle holds no embeddings.
OF_DOCUMENTS = {"tokenizers"}
# Published by the projector, which has no snapshot.
OF_THE_PUBLISHER = {"datasources.language.bedrock.data_source"}

USUAL = gc.get_threshold()[0]

MADE = """
import {entry}, gc, sys
import workers.events
made = sys.modules["app"]._lambda_application.cache_info().currsize if "app" in sys.modules else 0
print(made, workers.events._open_lambda.cache_info().currsize, gc.get_threshold()[0])
"""


def imported(entry: str, **variables: str) -> str:
    """How many applications, then how many workers of events, a process has made that imported an entry; and after
    how many new objects it collects garbage."""
    done = subprocess.run(
        [sys.executable, "-c", MADE.format(entry=entry)], env=STORES | variables, cwd=ROOT, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("entry", "variables", "made"),
    [
        ("app", {}, f"0 0 {USUAL}"),
        ("app", {"_HANDLER": "app.handler"}, "1 0 100000"),
        ("workers.events", {"_HANDLER": "workers.events.handler"}, f"0 1 {USUAL}"),
        ("workers.projection", {"_HANDLER": "workers.projection.handler"}, f"0 0 {USUAL}"),
        ("workers.requirements", {"_HANDLER": "workers.requirements.handler"}, f"0 0 {USUAL}"),
        ("workers.workflows", {"_HANDLER": "workers.workflows.handler"}, f"0 0 {USUAL}"),
        ("workers.migrations", {"_HANDLER": "workers.migrations.handler"}, f"0 0 {USUAL}"),
    ],
)
def test_an_entry_makes_its_own_and_only_in_its_function(entry: str, variables: dict[str, str], made: str) -> None:
    assert imported(entry, **variables) == made


def test_every_entry_is_started_from_the_bundle() -> None:
    with_handler = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "app.py", *(ROOT / "workers").glob("*.py"))
        if any(
            isinstance(node, ast.FunctionDef) and node.name == "handler" for node in ast.parse(path.read_text()).body
        )
    }
    assert with_handler == set(ENTRIES)


def late(path: Path) -> set[str]:
    """The modules that a file imports within its functions."""
    found = set()
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Import):
                    found |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    names = {f"{node.module}.{alias.name}" for alias in node.names}
                    modules = {name for name in names if name.startswith(("resolvers", "datasources")) and _is(name)}
                    found |= modules or {str(node.module)}
    return found


def _is(name: str) -> bool:
    """Whether it is a module and no name of one. Asked of the files: to find it would import what it stands in."""
    return (ROOT / f"{name.replace('.', '/')}.py").is_file()


def test_a_snapshot_is_to_hold_every_late_import() -> None:
    found = {
        name
        for floor in ("schema", "resolvers", "datasources", "workers")
        for path in (ROOT / floor).rglob("*.py")
        if not any(path.is_relative_to(ROOT / each) for each in OF_OTHERS)
        for name in late(path)
    }
    assert found - OF_THE_RUNTIME - OF_SERVERS - OF_IMPORTS - OF_DOCUMENTS - OF_THE_PUBLISHER == set(MODULES)
    assert all(find_spec(name.split(".")[0]) for name in MODULES)

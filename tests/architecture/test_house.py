"""The house rules that a reader can see: sizes, names, first lines, links."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import SLOW_PATHS

ROOT = Path(__file__).parents[2]
FORBIDDEN = {"utils", "helpers", "common", "manager", "service"}
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def tracked(*patterns: str) -> list[Path]:
    """Files that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [ROOT / each for each in listed if (ROOT / each).exists()]


MODULES = tracked("*.py")
PAGES = tracked("*.md")


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_hold() -> None:
    assert len(MODULES) > 60
    assert len(PAGES) > 5


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_module_begins_with_one_line(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, f"{shown(path)} lacks a docstring"
    first = docstring.splitlines()[0]
    assert first.endswith((".", "?", ":")), f"{shown(path)}: the first line is a sentence"


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_file_stays_under_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_no_name_attracts_everything(path: Path) -> None:
    parts = {part.removesuffix(".py") for part in path.relative_to(ROOT).parts}
    assert not parts & FORBIDDEN


@pytest.mark.parametrize("path", PAGES, ids=shown)
def test_links_of_a_page_lead_somewhere(path: Path) -> None:
    dead = [
        target
        for target in LINK.findall(path.read_text())
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert dead == []


def test_slow_paths_exist() -> None:
    assert [each for each in SLOW_PATHS if not each.exists()] == []


# The edge of a field, of a plan, and of the batch that loads the values of fields: whatever is raised becomes an error
# of the response and nulls what it must. The edges of a background loop: a round, and one message, row or run of it.
EDGES = {
    "schema/execution/executor.py", "schema/execution/plans/plans.py", "resolvers/loading/loader.py",
    "datasources/supervisor.py",
}  # fmt: skip


def test_nothing_catches_every_exception() -> None:
    broad = [
        f"{shown(path)}:{node.lineno}"
        for path in MODULES
        if shown(path) not in EDGES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert broad == []


def test_the_index_of_the_pages_has_each_of_them() -> None:
    docs = ROOT / "docs"
    listed = set(LINK.findall((docs / "README.md").read_text()))
    assert {page.name for page in docs.glob("*.md")} - {"README.md", "index.md"} <= listed

"""The page on fault tolerance names a test that exists for each input and fault."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
SECTIONS = ("Values", "Workers", "Requests", "HTTP", "Events and alerts", "Imports", "Access", "Stores")


def rows() -> dict[str, list[list[str]]]:
    """The cells of each table's rows, by its title."""
    tried = PAGE.partition("\n## Robustness tests\n")[2].partition("\n## ")[0]
    found: dict[str, list[list[str]]] = {}
    for part in tried.split("\n### ")[1:]:
        title, _, table = part.partition("\n")
        lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
        found[title] = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return found


def names_in(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def test_each_table_has_rows() -> None:
    found = rows()
    assert tuple(found) == SECTIONS
    assert sum(map(len, found.values())) == 87


def test_each_row_names_tests_that_exist() -> None:
    for tried, gives, named in [row for table in rows().values() for row in table]:
        assert gives, tried
        names = re.findall(r"`([\w/]+\.py)::(test_\w+)`", named)
        assert names, tried
        for path, name in names:
            assert name in names_in(ROOT / "tests" / path), (path, name)

"""The table of facts names tests that exist."""

import ast
from pathlib import Path

from datasources.embedded.neptune_like.known_behaviour import FACTS

HERE = Path(__file__).parent


def defined(file: Path) -> set[str]:
    """The names of the test functions in a file."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.parse(file.read_text()).body if isinstance(node, functions)}


def test_each_fact_names_a_test_that_exists() -> None:
    named = [fact.test.split("::") for fact in FACTS]
    missing = [test for file, test in named if test not in defined(HERE / file) or not test.startswith("test_")]
    assert missing == []


def test_each_fact_is_told_once_and_has_a_source() -> None:
    assert len({fact.text for fact in FACTS}) == len(FACTS) == 24
    assert [fact for fact in FACTS if not fact.source] == []

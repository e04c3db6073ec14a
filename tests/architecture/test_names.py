"""Names are the standard terms of the field: words of a private dialect must not come back."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.test_house import MODULES, ROOT, shown

PRODUCT = {"app", "cdk", "commands", "datasources", "demo", "resolvers", "schema", "settings", "workers"}
# Participles, pronouns and poetic words, as a part of the name of a module, function, class or constant.
FORBIDDEN = frozenset(
    {
        "anew", "asked", "asks", "begun", "beside", "described", "entered", "filled", "freed", "given", "heard", "kept",
        "late", "learned", "led", "listed", "looked", "mend", "nobody", "owed", "seen", "settled", "somebody",
        "taken", "tell", "told", "tried", "understood", "untold", "wanted", "whoever", "whole",
    }
)  # fmt: skip


def words(name: str) -> set[str]:
    """The words of a name in snake case, camel case or capitals."""
    return set(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_"))


def names(path: Path) -> set[str]:
    """Names that a product module gives: its own, and those of its functions, classes and constants."""
    tree = ast.parse(path.read_text())
    found = {path.stem}
    found |= {
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    for node in tree.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        found |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return found


@pytest.mark.parametrize("path", [path for path in MODULES if path.relative_to(ROOT).parts[0] in PRODUCT], ids=shown)
def test_names_are_standard_terms(path: Path) -> None:
    assert {name for name in names(path) if words(name) & FORBIDDEN} == set()


def test_words_of_a_name() -> None:
    assert words("_is_heardOf") == {"", "is", "heard", "of"}
    assert words("MAX_SeenItems") == {"max", "seen", "items"}

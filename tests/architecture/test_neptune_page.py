"""The page about Neptune lists what the double enforces, and each fact's test exists."""

import re
from pathlib import Path

import pytest

from datasources.embedded.neptune_like import FACTS, Fact
from datasources.embedded.neptune_like.known_behaviour import DIFFERENCES
from datasources.graph.gremlin.client.request import TRAVERSAL_ID_NAMESPACE

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "neptune.md"
TESTS = ROOT / "tests" / "datasources" / "embedded" / "neptune_like"


def part(name: str) -> str:
    """What stands between the two marks of a name, without blank lines at its ends."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found.group(1).strip()


def test_the_page_lists_every_fact() -> None:
    lines = ["| fact | stated in | test |", "|---|---|---|"]
    lines += [f"| {fact.text} | {fact.source} | `{fact.test}` |" for fact in FACTS]
    assert part("facts") == "\n".join(lines)


def test_the_page_lists_every_difference() -> None:
    assert part("differences") == "\n".join(f"- {text}" for text in DIFFERENCES)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.text[:40])
def test_the_test_of_a_fact_exists(fact: Fact) -> None:
    file, _, function = fact.test.partition("::")
    assert f"def {function}(" in (TESTS / file).read_text()


def test_the_page_says_how_a_traversal_is_known() -> None:
    assert str(TRAVERSAL_ID_NAMESPACE) in PAGE.read_text()

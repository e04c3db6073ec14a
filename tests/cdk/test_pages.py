"""What docs/aws.md says is so."""

import ast
import json
import re
from pathlib import Path

from cdk.stores.key import KEY_REMOVAL_ACTIONS
from cdk.watch.metrics import SERVICE_METRICS
from tests.cdk.templates import Synth

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "aws.md").read_text()


def section(title: str) -> str:
    found: str = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    return found


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[1:] if "---" not in line]


def written() -> set[str]:
    return {
        node.name
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_each_documented_line_names_tests_that_exist() -> None:
    found = rows(section("The system as documented"))
    assert len(found) == 39
    for line, _, named in found:
        names = re.findall(r"`(test_\w+)`", named)
        assert names, line
        assert set(names) <= written(), line


def test_each_documented_place_exists() -> None:
    for line, where, _ in rows(section("The system as documented")):
        for place in re.findall(r"`(cdk/[\w/.]+)`", where):
            assert (ROOT / place).exists(), line


def test_the_page_shows_the_functions_as_they_are(prod: Synth) -> None:
    shown = {
        (name.strip("`").removeprefix("StackFlowAPI"), handler.strip("`"), int(seconds))
        for name, handler, seconds, _, _ in rows(section("The functions"))
    }
    made = {
        (each["FunctionName"].removeprefix("StackFlowAPI"), each["Handler"], each["Timeout"])
        for each in prod.resources("AWS::Lambda::Function").values()
        if each.get("FunctionName")
    }
    assert shown == made


def test_the_policy_of_the_page_denies_what_the_watch_tells() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", section("The key"), re.DOTALL)
    (statement,) = json.loads(shown)["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", list(KEY_REMOVAL_ACTIONS))


def test_the_page_shows_the_metrics_as_they_are() -> None:
    assert {name.strip("`"): what for name, what in rows(section("Metrics that the service writes"))} == dict(
        SERVICE_METRICS
    )

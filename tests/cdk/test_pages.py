"""What docs/aws.md and docs/aws-cost.md say is so."""

import ast
import re
from pathlib import Path

from cdk.watch.metrics import OWN
from tests.cdk.templates import Synth

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "aws.md").read_text()
COST = (ROOT / "docs" / "aws-cost.md").read_text()
HOURS = 730


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
    assert len(found) == 25
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


def test_the_page_shows_the_metrics_as_they_are() -> None:
    assert {name.strip("`"): what for name, what in rows(section("Metrics that the service writes"))} == dict(OWN)


def test_the_sums_of_the_cost_are_right() -> None:
    *lines, (_, _, _, minimal, production) = rows(COST)
    sums = [sum(int(line[column].rpartition(": ")[2]) for line in lines) for column in (3, 4)]
    assert sums == [int(each.strip("*").replace(",", "")) for each in (minimal, production)]


def test_the_products_of_the_cost_are_right() -> None:
    """Of the lines whose price is for an hour of a unit."""
    seen = 0
    price = 0.0
    for line in rows(COST):
        stated = re.match(r"([\d.]+) USD an (?:ACU|NCU|OCU)-hour", line[1])
        price = float(stated[1]) if stated else price if line[1] == "same" else 0.0
        for cell in line[3:]:
            counted = re.fullmatch(r"(\d+) x ([\d.]+) [ANO]CU: (\d+)", cell)
            if counted and price:
                seen += 1
                assert round(price * int(counted[1]) * float(counted[2]) * HOURS) == int(counted[3]), line[0]
    assert seen == 5

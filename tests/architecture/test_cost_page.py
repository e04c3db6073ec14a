"""The sums of docs/aws-cost.md are those of its lines, and each price that a line names has its source."""

import re
from decimal import Decimal
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "aws-cost.md").read_text()
ROW = re.compile(r"^\| .+ \| .+ \| `([\w.-]+)` \|((?: [\d,]+\.\d\d \|)+)$", re.MULTILINE)
SUM = re.compile(r"^\| \*\*sum\*\* \| \| \|(.+)\|$", re.MULTILINE)


def amounts(text: str) -> list[Decimal]:
    return [Decimal(each.replace(",", "")) for each in re.findall(r"[\d,]+\.\d\d", text)]


def test_the_sums_of_the_page_are_those_of_its_lines() -> None:
    tables = [table for table in PAGE.split("\n\n") if SUM.search(table)]
    assert len(tables) == 4
    for table in tables:
        lines = [amounts(usd) for _, usd in ROW.findall(table)]
        (total,) = map(amounts, SUM.findall(table))
        # Lines are rounded one by one.
        assert all(
            abs(sum(column) - each) <= Decimal("0.02")
            for column, each in zip(zip(*lines, strict=True), total, strict=True)
        )


def test_every_price_that_a_line_names_has_its_source() -> None:
    _, _, prices = PAGE.partition("## Prices")
    assert {name for name, _ in ROW.findall(PAGE)} <= set(re.findall(r"^\| `([\w.-]+)` \|.+\]\(https://", prices, re.M))

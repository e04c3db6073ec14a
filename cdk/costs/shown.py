"""A cost as tables for people and as JSON for programs."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.table import Table

from cdk.costs.lines import Paid
from cdk.costs.prices import Price

# Columns of characters below which the price of one unit is left to --sources.
NARROW = 90


def table(title: str, found: Iterable[Paid], *, total: str, width: int) -> Table:
    """Lines, their price, and the sums at the least and the largest capacity; for a terminal of this width."""
    shown = Table(title=title, title_justify="left", show_footer=True)
    lines, wide = list(found), width >= NARROW
    ranged = any(each.idle != each.busy for each in lines)
    idle, busy = sum(each.idle for each in lines), sum(each.busy for each in lines)
    shown.add_column("what", total)
    shown.add_column("how much")
    if wide:
        shown.add_column("USD", justify="right", no_wrap=True)
        shown.add_column("for one")
    shown.add_column("least" if ranged else "a month", money(idle), justify="right", no_wrap=True)
    if ranged:
        shown.add_column("most", money(busy), justify="right", no_wrap=True)
    for each in lines:
        usd = f"{each.price.usd:g}" if not each.price.steps else f"up to {each.price.usd:g}"
        price = [usd, each.price.unit] if wide else []
        sums = [money(each.idle), money(each.busy)] if ranged else [money(each.idle)]
        shown.add_row(each.line.what, each.line.count, *price, *sums)
    return shown


def sources(found: Iterable[Paid]) -> list[str]:
    """Where each price was found, and when, in the order of the lines."""
    told: dict[str, str] = {}
    for each in found:
        price = each.price
        when = f"of {price.date}" if price.dated == "published" else f"read {price.date}"
        note = f"; {price.note}" if price.note else ""
        told[each.line.price] = f"{each.line.price}: {price.usd:g} USD ({price.unit}), {when}: {price.source}{note}"
    return list(told.values())


def data(found: Iterable[Paid]) -> dict[str, Any]:
    """Lines and their sum, in US dollars a month."""
    lines = list(found)
    return {
        "lines": [
            {
                "what": each.line.what,
                "count": each.line.count,
                "price": each.line.price,
                "least": {"quantity": each.line.idle, "usd": round(each.idle, 2)},
                "most": {"quantity": each.line.busy, "usd": round(each.busy, 2)},
            }
            for each in lines
        ],
        "least_usd": round(sum(each.idle for each in lines), 2),
        "most_usd": round(sum(each.busy for each in lines), 2),
    }


def listed_data(listed: Mapping[str, Price], found: Iterable[Paid]) -> dict[str, Any]:
    """Those prices of the list that lines use."""
    return {
        name: {"usd": price.usd, "unit": price.unit, "date": price.date, "dated": price.dated, "source": price.source}
        for name, price in listed.items()
        if name in {each.line.price for each in found}
    }


def money(usd: float) -> str:
    """Dollars and cents."""
    return f"{usd:,.2f}"

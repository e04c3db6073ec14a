"""An explanation of an answer on the terminal: a tree of its objects, and tables of its statements and walks."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree


def show_explanation(console: Console, plan: Mapping[str, Any]) -> None:
    """Print `extensions.plan` of a response."""
    reason = f", because of: {plan['fallback']}" if plan["fallback"] else ""
    console.print(f"executed by: {plan['executedBy']}{reason}")
    if plan["levels"]:
        console.print(_tree(plan["levels"]))
    _print_calls(console, "statement", plan["statements"], "name")
    _print_calls(console, "traversal", plan["traversals"], "verb")
    for statement in plan["statements"]:
        if "plan" in statement:
            console.print(f"\n{statement['name']}")
            console.print("\n".join(f"  {escape(line)}" for line in statement["plan"]), soft_wrap=True)
    cache = plan["cache"]
    counts = f"{cache['hits']} hits, {cache['misses']} misses, {cache['roundTrips']} round trips"
    console.print(f"cache: {counts}; cost: {plan['cost']}")


def _tree(levels: Sequence[Mapping[str, Any]]) -> Tree:
    """Return the objects by their paths; parents come first."""
    trees: dict[str, Tree] = {}
    for each in levels:
        parent, _, name = each["path"].rpartition(".")
        label = f"{escape(name) or 'query'}: {each['type']} (level {each['level']})"
        tree = trees[parent].add(label) if each["path"] else Tree(label)
        trees[each["path"]] = tree
        if each["columns"]:
            tree.add(f"columns: {escape(', '.join(each['columns']))}")
        for load in each["loads"]:
            loader = f" by {load['loader']}" if "loader" in load else ""
            omitted = f", without {', '.join(load['omitted'])}" if "omitted" in load else ""
            tree.add(f"load: {escape(load['field'])}{loader}{omitted}")
    return trees[""]


def _print_calls(console: Console, kind: str, calls: Sequence[Mapping[str, Any]], name: str) -> None:
    if not calls:
        return
    table = Table(kind, "rows", "ms", box=None)
    for column in table.columns[1:]:
        column.justify = "right"
    for call in calls:
        table.add_row(escape(call[name]), f"{call['rows']:,}", f"{call['milliseconds']:,}")
    console.print(table)

"""Detects cycles: classes whose parents, or steps whose dependencies, lead back to themselves."""

from collections.abc import Iterator, Mapping, Sequence

from psycopg.rows import dict_row

from datasources.aurora.imports.session import Session
from datasources.aurora.imports.tables import ImportTable
from datasources.aurora.statements import statements

# Members of a cycle that a reason names.
MAX_SHOWN_MEMBERS = 8


def find_cycles(above: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components of more than one node, and self-loops (Tarjan 1972, without recursion).

    Takes time in proportion to nodes and edges.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    members: set[str] = set()
    for root in above:
        if root in index:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(above[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        members.add(root)
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in above:
                    continue
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    members.add(other)
                    work.append((other, iter(above[other])))
                    break
                if other in members:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    cycle: list[str] = []
                    while not cycle or cycle[-1] != node:
                        cycle.append(stack.pop())
                        members.discard(cycle[-1])
                    if len(cycle) > 1 or node in above[node]:
                        yield cycle[::-1]


async def reject_cycles(session: Session, table: ImportTable) -> None:
    """Reject planned rows that close a cycle, and classes whose parent is rejected and not stored."""
    cycle_statements = statements("imports/cycles")
    if table.entity not in cycle_statements:
        return
    cursor = session.connection.cursor(row_factory=dict_row)
    rows = await (await cursor.execute(cycle_statements[table.entity].text.encode())).fetchall()
    above = {row["node"]: row["parents"] for row in rows}
    ordinals = {row["node"]: (row["ordinal"], row["stored"]) for row in rows}
    labels = {row["node"]: row["label"] for row in rows}
    reasons: dict[int, str] = {}
    for cycle in find_cycles(above):
        path = " < ".join(
            [
                *(labels[node] for node in cycle[:MAX_SHOWN_MEMBERS]),
                "…" if len(cycle) > MAX_SHOWN_MEMBERS else labels[cycle[0]],
            ]
        )
        for node in cycle:
            ordinal, _ = ordinals[node]
            if ordinal is not None:
                reasons[ordinal] = f"{labels[node]} is part of a cycle: {path}"
    if table.entity == "classes":
        reasons |= _orphans(above, ordinals, reasons)
    if reasons:
        await session.run(cycle_statements["reject"], ordinals=list(reasons), reasons=list(reasons.values()))


def _orphans(
    above: Mapping[str, Sequence[str]], ordinals: Mapping[str, tuple[int | None, bool]], rejected: Mapping[int, str]
) -> dict[int, str]:
    # A class is inserted after its parent; if the parent is rejected and new, so are all its descendants.
    below: dict[str, list[str]] = {}
    for node, parents in above.items():
        for parent in parents:
            below.setdefault(parent, []).append(node)
    missing = {parent for parent in below if parent not in above}
    missing |= {node for node, (ordinal, known) in ordinals.items() if ordinal in rejected and not known}
    reasons: dict[int, str] = {}
    waiting = sorted(missing)
    while waiting:
        parent = waiting.pop()
        for node in below.get(parent, []):
            ordinal, known = ordinals[node]
            if ordinal is not None and ordinal not in rejected and ordinal not in reasons:
                reasons[ordinal] = f"parent class {parent} is not known; its row was rejected"
                if not known:
                    waiting.append(node)
    return reasons

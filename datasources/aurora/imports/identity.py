"""Rows of one section that name the same item: which one wins, and which are repeats or rejected."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from datasources.aurora.imports.session import Session
from datasources.aurora.statements import Statement, statements

RepeatRule = Literal["first", "latest", "reject"]

# Ordinal, line, number of the shared key, and the key's name if it is not the row's own.
Share = tuple[int, int, int, str]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A row that loses to another row of the section, and the key they share if it is not the row's own."""

    ordinal: int
    winner: int
    line: int
    shared: str
    action: Literal["repeat", "reject"]


def resolve_repeats(shares: list[Share], rule: RepeatRule) -> Iterator[Repeat]:
    """Yield the losing rows, given rows in the order in which they win. Each key belongs to the first row that has it.

    The keys of repeats become keys of the winning row; a row with keys of two winners is rejected. Takes time in
    proportion to the shares. Repeating it with the resulting items gives the same result.
    """
    owners: dict[int, tuple[int, int]] = {}
    for ordinal, group in groupby(shares, key=lambda share: share[0]):
        row = list(group)
        claims = {owners[number]: name for _, _, number, name in row if number in owners}
        if not claims:
            owners.update((number, (ordinal, row[0][1])) for _, _, number, _ in row)
            continue
        merged = rule != "reject" and len(claims) == 1
        (winner, line), shared = next(iter(claims.items())) if merged or rule == "reject" else list(claims.items())[1]
        if merged:
            owners.update((number, (winner, line)) for _, _, number, _ in row)
        yield Repeat(ordinal, winner, line, shared, "repeat" if merged else "reject")


async def mark_repeats(session: Session, rule: RepeatRule) -> None:
    """Mark planned items that share a key with a winning row."""
    order = statements("imports/frame")["latest"].text if rule == "latest" else "p.ordinal"
    cursor = await session.run(_named("shared_keys").fill_slots(order=f"{order}, NOT t.own, t.source, t.key"))
    lost = list(resolve_repeats(await cursor.fetchall(), rule))
    if not lost:
        return
    await session.run(_named("make_repeats"))
    async with session.connection.cursor() as target, target.copy(_named("copy_repeats").text.encode()) as copy:
        for repeat in lost:
            await copy.write_row((repeat.ordinal, repeat.winner, repeat.line, repeat.shared, repeat.action))
    for name in ("measure_repeats", "mark_shared", "gain_of_repeats"):
        await session.run(_named(name))


def _named(name: str) -> Statement:
    return statements("imports/landscape")[name]

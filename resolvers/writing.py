"""Writes: a use case in one transaction with its audit entries, its outbox rows and its idempotency key.

A use case is `async def work(write: Write) -> ids`: it locks what it changes, checks the rules of the domain, and
raises `Refused` where one is broken; then nothing is written and the caller is told which. `write()` runs it.
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from datasources.aurora import writing
from datasources.aurora.transaction import Transaction
from datasources.aurora.writing import AuditEntry
from datasources.errors import SourceConflict, SourceRefusedValue
from resolvers.context import Context

# Deadlocks are rare and end at once; more than so many in a row are a fault of the order in which rows are locked.
TRIES = 5


class UserErrorCode(StrEnum):
    """What is wrong with a write, for programs."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    ILLEGAL_STATE = "ILLEGAL_STATE"
    TAKEN = "TAKEN"
    KEY_REUSED = "KEY_REUSED"


@dataclass(frozen=True, slots=True)
class UserError:
    """A broken rule: its code, the input field it is about (None for all of it), and a sentence with the remedy."""

    code: UserErrorCode
    field: str | None
    message: str


# What a database does not store.
UNFIT = UserError(
    UserErrorCode.INVALID,
    None,
    "a value cannot be stored: a number is out of range, or a text has a NUL character; take it out",
)


class Refused(Exception):
    """Rules of the domain are broken; nothing was written. `id` is what a conflict is about, if it is there."""

    def __init__(self, *errors: UserError, id: str | None = None) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors
        self.id = id


@dataclass(frozen=True, slots=True)
class Written:
    """What a write changed, in the order of its input, or why it changed nothing.

    After a conflict `ids` holds what the conflict is about, so that the answer shows it as it is now.
    """

    ids: tuple[str, ...] = ()
    user_errors: tuple[UserError, ...] = ()

    @property
    def id(self) -> str | None:
        return self.ids[0] if self.ids else None


@dataclass(slots=True)
class Write:
    """One write under way: its transaction, and what it will leave beside its rows."""

    context: Context
    action: str
    transaction: Transaction
    entries: list[AuditEntry] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)
    refused: list[UserError] = field(default_factory=list)

    def changed(self, table: str, entity: str, id: str, before: object | None, after: object | None) -> None:
        """Tell what was done to a row of a table; `before` and `after` as JSON-able data, restricted rows without
        what their team alone may read."""
        self.tables.add(table)
        self.entries.append(AuditEntry(entity, id, before, after))

    def refuse(self, errors: Sequence[UserError]) -> None:
        """Tell what of the input was left undone, where the rest of it is done all the same."""
        self.refused.extend(errors)


Work = Callable[[Write], Awaitable[Sequence[str]]]


def caller(context: Context) -> str:
    """Who writes, as a text that is this caller's alone: names may be shared."""
    return f"{context.principal.kind}:{context.principal.subject}"


async def write(
    context: Context, action: str, command: msgspec.Struct, work: Work, idempotency_key: str | None = None
) -> Written:
    """Run a use case in a transaction of the main database. `action` and `command` are what an idempotency key is
    good for. When this returns, no read in any process gives an older value."""
    for number in range(TRIES):
        try:
            return await _once(context, action, command, work, idempotency_key)
        except SourceConflict:
            if number == TRIES - 1:
                raise
            await asyncio.sleep(random.uniform(0, 0.02 * 2**number))  # noqa: S311
    raise AssertionError("unreachable")


async def _once(
    context: Context, action: str, command: msgspec.Struct, work: Work, idempotency_key: str | None
) -> Written:
    principal = caller(context)
    tables: set[str] = set()
    try:
        async with context.sources.main.transaction() as transaction:
            if idempotency_key is not None:
                input = hashlib.sha256(f"{action}\n".encode() + msgspec.json.encode(command)).digest()
                kept = await writing.claim(transaction, principal, idempotency_key, action, input)
                if kept is not None:
                    # Whoever wrote it may have died before it told the cache.
                    await context.sources.cache.doubt()
                    return _again(kept, input)
            under_way = Write(context, action, transaction)
            ids = tuple(await work(under_way))
            if idempotency_key is not None:
                told = [msgspec.to_builtins(each) for each in under_way.refused]
                await writing.keep(transaction, principal, idempotency_key, ids, told)
            number = await writing.sign(transaction, context.call.request_id, principal, action, under_way.entries)
            tables = under_way.tables
    except Refused as refused:
        return Written(() if refused.id is None else (refused.id,), refused.errors)
    except SourceRefusedValue:
        return Written((), (UNFIT,))
    context.call.sees = max(number, context.call.sees or 0)
    await context.sources.cache.invalidate(sorted(tables))
    context.forget()
    return Written(ids, tuple(under_way.refused))


def _again(kept: writing.KeptAnswer, input: bytes) -> Written:
    if kept.input == input:
        return Written(tuple(kept.entity_ids), tuple(msgspec.convert(kept.user_errors, list[UserError])))
    return Written(
        (),
        (
            UserError(
                UserErrorCode.KEY_REUSED,
                "idempotencyKey",
                f"the key was used for {kept.action} with another input; choose a new key for a new call",
            ),
        ),
    )

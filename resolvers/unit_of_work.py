"""Writes: a use case in one transaction with its audit entries, its outbox rows and its idempotency key.

A use case is `async def open_incident(write: Write, command: OpenIncident) -> ids`: it locks what it changes, checks
the rules of the domain, and raises `Refused` where one is broken; then nothing is written and the caller learns which.
`write()` runs it.
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.outbox import bookkeeping as writing
from datasources.aurora.outbox.bookkeeping import AuditEntry
from datasources.errors import SourceConflict, SourceRefusedValue
from datasources.messages import bounded
from resolvers.context import Context
from resolvers.principals.principal import EXECUTE, PrincipalKind

# Deadlocks are rare and end at once; more than so many in a row are a fault of the order in which rows are locked.
TRIES = 5

MAIN = "main"


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", bounded(self.message))


# What a database does not store.
UNFIT = UserError(
    UserErrorCode.INVALID,
    None,
    "a value cannot be stored: a number is out of range, or a text is too long or has a NUL character; change it",
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


def caller(context: Context) -> str:
    """Who writes, as a text that is this caller's alone: names may be shared."""
    return f"{context.principal.kind}:{context.principal.subject}"


# A row by column, as JSON-able data.
Told = Mapping[str, Any]

# By these columns an audit entry says what it is about, so it holds them on both sides.
NAMING = frozenset({"id", "key"})

# Columns that the database has by itself, where a record is written as it was asked for: no part of what changed.
BY_THE_DATABASE = frozenset({"version", "valid_from"})


def told(record: msgspec.Struct, without: Collection[str] = (), **links: Any) -> Told:
    """A record by column for an audit entry, with its links, without some columns."""
    columns = {name: value for name, value in msgspec.structs.asdict(record).items() if name not in without}
    plain: Told = msgspec.to_builtins(columns | links)
    return plain


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON. Python's own equality takes true for 1."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")


def difference(before: Told | None, after: Told | None) -> tuple[Told | None, Told | None]:
    """The columns that differ, as they were and as they are, and those of NAMING; all where one side is None."""
    if before is None or after is None:
        return before, after
    alike = {name for name in before.keys() & after.keys() if same(before[name], after[name])} - NAMING
    was, is_ = ({name: side[name] for name in side if name not in alike} for side in (before, after))
    return was, is_


@dataclass(slots=True)
class Write:
    """One write under way: its transaction, and what it will leave beside its rows."""

    context: Context
    action: str
    transaction: Transaction
    entries: list[AuditEntry] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)
    refused: list[UserError] = field(default_factory=list)

    def changed(self, table: str, entity: str, id: str, before: Told | None, after: Told | None) -> None:
        """Tell what was done to a row of a table: the whole of it, restricted rows without what their team alone may
        read. The audit entry holds what differs."""
        self.tables.add(table)
        who = self.context.call.request_id, caller(self.context), self.action
        self.entries.append(AuditEntry(*who, entity, id, *difference(before, after)))

    def refuse(self, errors: Sequence[UserError]) -> None:
        """Tell what of the input was left undone, where the rest of it is done all the same."""
        self.refused.extend(errors)


C = TypeVar("C")

# A use case: the ids that it wrote, in the order of its command.
UseCase = Callable[[Write, C], Awaitable[Sequence[str]]]
# A use case whose command is bound.
Work = Callable[[Write], Awaitable[Sequence[str]]]


async def write(
    context: Context,
    action: str,
    command: msgspec.Struct,
    work: Work,
    idempotency_key: str | None = None,
    database: str = MAIN,
) -> Written:
    """Run a use case in a transaction of one database, by default the main one; it keeps the audit entries, the outbox
    and the idempotency keys of its own writes. `action` and `command` are what a key is good for. When this returns,
    no read in any process gives an older value."""
    for number in range(TRIES):
        try:
            return await _once(context, action, command, work, idempotency_key, database)
        except SourceConflict:
            if number == TRIES - 1:
                raise
            await asyncio.sleep(random.uniform(0, 0.02 * 2**number))  # noqa: S311
    raise AssertionError("unreachable")


async def _once(
    context: Context, action: str, command: msgspec.Struct, work: Work, idempotency_key: str | None, database: str
) -> Written:
    principal = caller(context)
    tables: set[str] = set()
    try:
        async with context.sources.database(database).transaction() as transaction:
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
                left_out = [msgspec.to_builtins(each) for each in under_way.refused]
                await writing.keep(transaction, principal, idempotency_key, ids, left_out)
            await writing.audit(transaction, under_way.entries)
            number = await _signed(transaction, context, database)
            tables = under_way.tables
    except Refused as refused:
        return Written(() if refused.id is None else (refused.id,), refused.errors)
    except SourceRefusedValue:
        return Written((), (UNFIT,))
    # Only transactions of main are told apart by number. For another database the token has none, or that of an earlier
    # write: it goes past every cache all the same, and rows come from the one server that takes writes.
    context.call.sees = max(number if database == MAIN else 0, context.call.sees or 0)
    await context.sources.cache.invalidate(sorted(tables))
    context.forget()
    return Written(ids, tuple(under_way.refused))


async def _signed(transaction: Transaction, context: Context, database: str) -> int:
    if database != MAIN:
        return await writing.sign(transaction, context.call.request_id)
    return await writing.sign_by(transaction, origin(context))


def origin(context: Context) -> writing.Origin:
    """Where the writes of a context come from. What a request id says of a run counts for executors only."""
    principal, call = context.principal, context.call
    by_executor = principal.kind == PrincipalKind.SERVICE and principal.allows(EXECUTE)
    return writing.Origin(call.request_id, principal.actor, call.cause_run_id, by_executor)


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

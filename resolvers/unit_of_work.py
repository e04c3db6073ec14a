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
from datasources.errors import SourceConflict, SourceInvalidValue
from datasources.messages import truncate_message
from resolvers.context import Context
from resolvers.principals.principal import EXECUTE_WORKFLOWS, PrincipalKind

# Deadlocks are rare and end at once; more than so many in a row are a fault of the order in which rows are locked.
MAX_ATTEMPTS = 5

MAIN_DATABASE = "main"


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
        object.__setattr__(self, "message", truncate_message(self.message))


# What a database does not store.
UNSTORABLE_VALUE = UserError(
    UserErrorCode.INVALID,
    None,
    "a value cannot be stored: a number is out of range, or a text is too long or has a NUL character; change it",
)


class ValidationFailed(Exception):
    """Rules of the domain are broken; nothing was written. `id` is what a conflict is about, if it is there."""

    def __init__(self, *errors: UserError, id: str | None = None) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors
        self.id = id


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write changed, in the order of its input, or why it changed nothing.

    After a conflict `ids` holds what the conflict is about, so that the answer shows it as it is now.
    """

    ids: tuple[str, ...] = ()
    user_errors: tuple[UserError, ...] = ()

    @property
    def id(self) -> str | None:
        return self.ids[0] if self.ids else None


def caller_id(context: Context) -> str:
    """Who writes, as a text that is this caller's alone: names may be shared."""
    return f"{context.principal.kind}:{context.principal.subject}"


# A row by column, as JSON-able data.
AuditSnapshot = Mapping[str, Any]

# By these columns an audit entry says what it is about, so it holds them on both sides.
IDENTIFYING_COLUMNS = frozenset({"id", "key"})

# Columns that the database has by itself, where a record is written as it was asked for: no part of what changed.
GENERATED_COLUMNS = frozenset({"version", "valid_from"})


def audit_snapshot(record: msgspec.Struct, without: Collection[str] = (), **links: Any) -> AuditSnapshot:
    """A record by column for an audit entry, with its links, without some columns."""
    columns = {name: value for name, value in msgspec.structs.asdict(record).items() if name not in without}
    plain: AuditSnapshot = msgspec.to_builtins(columns | links)
    return plain


def is_same_json(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON. Python's own equality takes true for 1."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")


def difference(
    before: AuditSnapshot | None, after: AuditSnapshot | None
) -> tuple[AuditSnapshot | None, AuditSnapshot | None]:
    """The columns that differ, as they were and as they are, and those of NAMING; all where one side is None."""
    if before is None or after is None:
        return before, after
    alike = {
        name for name in before.keys() & after.keys() if is_same_json(before[name], after[name])
    } - IDENTIFYING_COLUMNS
    was, is_ = ({name: side[name] for name in side if name not in alike} for side in (before, after))
    return was, is_


@dataclass(slots=True)
class Write:
    """One write under way: its transaction, and what it will leave beside its rows."""

    context: Context
    action: str
    transaction: Transaction
    audit_entries: list[AuditEntry] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)
    user_errors: list[UserError] = field(default_factory=list)

    def record_change(
        self, table: str, entity: str, id: str, before: AuditSnapshot | None, after: AuditSnapshot | None
    ) -> None:
        """Tell what was done to a row of a table: the whole of it, restricted rows without what their team alone may
        read. The audit entry holds what differs."""
        self.tables.add(table)
        who = self.context.request.request_id, caller_id(self.context), self.action
        self.audit_entries.append(AuditEntry(*who, entity, id, *difference(before, after)))

    def add_user_errors(self, errors: Sequence[UserError]) -> None:
        """Tell what of the input was left undone, where the rest of it is done all the same."""
        self.user_errors.extend(errors)


C = TypeVar("C")

# A use case: the ids that it wrote, in the order of its command.
UseCase = Callable[[Write, C], Awaitable[Sequence[str]]]
# A use case whose command is bound.
BoundUseCase = Callable[[Write], Awaitable[Sequence[str]]]


async def run_write(
    context: Context,
    action: str,
    command: msgspec.Struct,
    work: BoundUseCase,
    idempotency_key: str | None = None,
    database: str = MAIN_DATABASE,
) -> WriteResult:
    """Run a use case in a transaction of one database, by default the main one; it keeps the audit entries, the outbox
    and the idempotency keys of its own writes. `action` and `command` are what a key is good for. When this returns,
    no read in any process gives an older value."""
    for number in range(MAX_ATTEMPTS):
        try:
            return await _attempt_write(context, action, command, work, idempotency_key, database)
        except SourceConflict:
            if number == MAX_ATTEMPTS - 1:
                raise
            await asyncio.sleep(random.uniform(0, 0.02 * 2**number))  # noqa: S311
    raise AssertionError("unreachable")


async def _attempt_write(
    context: Context,
    action: str,
    command: msgspec.Struct,
    work: BoundUseCase,
    idempotency_key: str | None,
    database: str,
) -> WriteResult:
    principal = caller_id(context)
    tables: set[str] = set()
    try:
        async with context.sources.database(database).transaction() as transaction:
            if idempotency_key is not None:
                input = hashlib.sha256(f"{action}\n".encode() + msgspec.json.encode(command)).digest()
                kept = await writing.claim_idempotency_key(transaction, principal, idempotency_key, action, input)
                if kept is not None:
                    # Whoever wrote it may have died before it told the cache.
                    await context.sources.cache.expire_all()
                    return _replay(kept, input)
            under_way = Write(context, action, transaction)
            ids = tuple(await work(under_way))
            if idempotency_key is not None:
                left_out = [msgspec.to_builtins(each) for each in under_way.user_errors]
                await writing.store_response(transaction, principal, idempotency_key, ids, left_out)
            await writing.write_audit_entries(transaction, under_way.audit_entries)
            number = await _sign(transaction, context, database)
            tables = under_way.tables
    except ValidationFailed as refused:
        return WriteResult(() if refused.id is None else (refused.id,), refused.errors)
    except SourceInvalidValue:
        return WriteResult((), (UNSTORABLE_VALUE,))
    # Only transactions of main are told apart by number. For another database the token has none, or that of an earlier
    # write: it goes past every cache all the same, and rows come from the one server that takes writes.
    context.request.min_transaction = max(
        number if database == MAIN_DATABASE else 0, context.request.min_transaction or 0
    )
    await context.sources.cache.invalidate(sorted(tables))
    context.clear_loaders()
    return WriteResult(ids, tuple(under_way.user_errors))


async def _sign(transaction: Transaction, context: Context, database: str) -> int:
    if database != MAIN_DATABASE:
        return await writing.write_request_id(transaction, context.request.request_id)
    return await writing.write_origin(transaction, origin(context))


def origin(context: Context) -> writing.Origin:
    """Where the writes of a context come from. What a request id says of a run counts for executors only."""
    principal, call = context.principal, context.request
    by_executor = principal.kind == PrincipalKind.SERVICE and principal.allows(EXECUTE_WORKFLOWS)
    return writing.Origin(call.request_id, principal.actor, call.cause_run_id, by_executor)


def _replay(kept: writing.IdempotentResponse, input: bytes) -> WriteResult:
    if kept.input == input:
        return WriteResult(tuple(kept.entity_ids), tuple(msgspec.convert(kept.user_errors, list[UserError])))
    return WriteResult(
        (),
        (
            UserError(
                UserErrorCode.KEY_REUSED,
                "idempotencyKey",
                f"the key was used for {kept.action} with another input; choose a new key for a new call",
            ),
        ),
    )

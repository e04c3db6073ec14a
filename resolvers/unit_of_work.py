"""Unit of work: a use case in one transaction with its audit entries, outbox rows and idempotency key.

A use case is `async def open_incident(write: Write, command: OpenIncident) -> ids`: it locks the rows that it changes,
checks the rules of the domain, and raises ValidationFailed if one is violated; then nothing is written and the caller
receives the user errors. `run_write` runs it.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.outbox import bookkeeping
from datasources.aurora.outbox.bookkeeping import AuditEntry
from datasources.errors import SourceConflict, SourceInvalidValue
from datasources.messages import truncate_message
from resolvers.context import Context
from resolvers.principals.principal import EXECUTE_WORKFLOWS, PrincipalKind
from resolvers.retries import retry

MAIN_DATABASE = "main"


class UserErrorCode(StrEnum):
    """The kind of a user error, for programs."""

    INVALID = "INVALID"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    ILLEGAL_STATE = "ILLEGAL_STATE"
    TAKEN = "TAKEN"
    KEY_REUSED = "KEY_REUSED"


@dataclass(frozen=True, slots=True)
class UserError:
    """A violated rule: its code, the input field (None for the whole input), and a sentence with the remedy."""

    code: UserErrorCode
    field: str | None
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", truncate_message(self.message))


# For values that a database cannot store.
UNSTORABLE_VALUE = UserError(
    UserErrorCode.INVALID,
    None,
    "a value cannot be stored: a number is out of range, or a text is too long or contains a NUL character; change it",
)


class ValidationFailed(Exception):
    """Rules of the domain are violated; nothing was written. `id` identifies the record of a conflict, if it exists."""

    def __init__(self, *errors: UserError, id: str | None = None) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors
        self.id = id


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The ids of changed records, in input order, or the reasons why nothing was changed.

    After a conflict `ids` contains the conflicting record, so that the response shows its current state.
    """

    ids: tuple[str, ...] = ()
    user_errors: tuple[UserError, ...] = ()

    @property
    def id(self) -> str | None:
        return self.ids[0] if self.ids else None


def caller_id(context: Context) -> str:
    """Return `kind:subject`, unique for the caller; display names are not."""
    return f"{context.principal.kind}:{context.principal.subject}"


# The columns of a record as JSON-able data.
AuditSnapshot = Mapping[str, Any]

# These columns identify the record, so an audit entry always contains them on both sides.
IDENTIFYING_COLUMNS = frozenset({"id", "key"})

# Columns that the database sets itself: they are not part of a change.
GENERATED_COLUMNS = frozenset({"version", "valid_from"})


def audit_snapshot(record: msgspec.Struct, without: Collection[str] = (), **links: Any) -> AuditSnapshot:
    """Return a record for an audit entry as columns, with its links and without the excluded columns."""
    columns = {name: value for name, value in msgspec.structs.asdict(record).items() if name not in without}
    plain: AuditSnapshot = msgspec.to_builtins(columns | links)
    return plain


def is_same_json(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON. In Python, True equals 1."""
    return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")


def difference(
    before: AuditSnapshot | None, after: AuditSnapshot | None
) -> tuple[AuditSnapshot | None, AuditSnapshot | None]:
    """Return the changed columns before and after, with IDENTIFYING_COLUMNS; all columns if one side is None."""
    if before is None or after is None:
        return before, after
    alike = {
        name for name in before.keys() & after.keys() if is_same_json(before[name], after[name])
    } - IDENTIFYING_COLUMNS
    was, is_ = ({name: side[name] for name in side if name not in alike} for side in (before, after))
    return was, is_


@dataclass(slots=True)
class Write:
    """One write in progress: its transaction, and the audit entries, tables and user errors that it produces."""

    context: Context
    action: str
    transaction: Transaction
    audit_entries: list[AuditEntry] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)
    user_errors: list[UserError] = field(default_factory=list)

    def record_change(
        self, table: str, entity: str, id: str, before: AuditSnapshot | None, after: AuditSnapshot | None
    ) -> None:
        """Record a change of a row. Pass the whole row, but for a restricted record without its confidential columns;
        the audit entry contains only the differences."""
        self.tables.add(table)
        old, new = difference(before, after)
        self.audit_entries.append(
            AuditEntry(
                request_id=self.context.request.request_id, principal=caller_id(self.context), action=self.action,
                entity=entity, entity_id=id, before=old, after=new,
            )
        )  # fmt: skip

    def add_user_errors(self, errors: Sequence[UserError]) -> None:
        """Add the errors of input items that were skipped while the others are written."""
        self.user_errors.extend(errors)


C = TypeVar("C")

# A use case; returns the ids of written records in the order of its command.
UseCase = Callable[[Write, C], Awaitable[Sequence[str]]]
# A use case with a bound command.
BoundUseCase = Callable[[Write], Awaitable[Sequence[str]]]


async def run_write(
    context: Context,
    action: str,
    command: msgspec.Struct,
    work: BoundUseCase,
    idempotency_key: str | None = None,
    database: str = MAIN_DATABASE,
) -> WriteResult:
    """Run a use case in one transaction of a database, by default the main one.

    The same database stores the audit entries, the outbox rows and the idempotency keys of its writes. An idempotency
    key is valid for one `action` and `command`. On return, no read in any process returns an older value.
    """
    return await retry(
        lambda: _attempt_write(context, action, command, work, idempotency_key, database), SourceConflict
    )


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
                stored = await bookkeeping.claim_idempotency_key(transaction, principal, idempotency_key, action, input)
                if stored is not None:
                    # The process that wrote it may have crashed before it invalidated the cache.
                    await context.sources.cache.expire_all()
                    return _replay(stored, input)
            write = Write(context, action, transaction)
            ids = tuple(await work(write))
            if idempotency_key is not None:
                left_out = [msgspec.to_builtins(each) for each in write.user_errors]
                await bookkeeping.store_response(transaction, principal, idempotency_key, ids, left_out)
            await bookkeeping.write_audit_entries(transaction, write.audit_entries)
            number = await _sign(transaction, context, database)
            tables = write.tables
    except ValidationFailed as refused:
        return WriteResult(() if refused.id is None else (refused.id,), refused.errors)
    except SourceInvalidValue:
        return WriteResult((), (UNSTORABLE_VALUE,))
    # Only transactions of the main database have comparable numbers. For another database the token has none, or that
    # of an earlier write: it bypasses every cache anyway, and rows come from the primary server.
    context.request.min_transaction = max(
        number if database == MAIN_DATABASE else 0, context.request.min_transaction or 0
    )
    await context.sources.cache.invalidate(sorted(tables))
    context.clear_loaders()
    return WriteResult(ids, tuple(write.user_errors))


async def _sign(transaction: Transaction, context: Context, database: str) -> int:
    if database != MAIN_DATABASE:
        return await bookkeeping.write_request_id(transaction, context.request.request_id)
    return await bookkeeping.write_origin(transaction, origin(context))


def origin(context: Context) -> bookkeeping.Origin:
    """Return the origin of a context's writes. The run that a request id names counts for executors only."""
    principal, call = context.principal, context.request
    by_executor = principal.kind == PrincipalKind.SERVICE and principal.allows(EXECUTE_WORKFLOWS)
    return bookkeeping.Origin(
        request_id=call.request_id, actor=principal.actor, cause_run_id=call.cause_run_id, by_executor=by_executor
    )


def _replay(stored: bookkeeping.IdempotentResponse, input: bytes) -> WriteResult:
    if stored.input == input:
        return WriteResult(tuple(stored.entity_ids), tuple(msgspec.convert(stored.user_errors, list[UserError])))
    return WriteResult(
        (),
        (
            UserError(
                UserErrorCode.KEY_REUSED,
                "idempotency_key",
                f"the key was used for {stored.action} with another input; choose a new key for a new call",
            ),
        ),
    )

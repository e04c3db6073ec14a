"""What every write leaves beside its rows: a kept answer, audit entries, and the request's name in the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from uuid_utils import uuid7

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements


class IdempotentResponse(NamedTuple):
    """What an idempotency key was used for: the action, the hash of its input, the ids that it changed, and what of
    it was refused, as JSON-able data."""

    action: str
    input: bytes
    entity_ids: list[str]
    user_errors: list[dict[str, str | None]]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who changed what by which request: one entity as it was and as it is now, as JSON-able data; None where it was
    not or is no more."""

    request_id: str
    principal: str
    action: str
    entity: str
    entity_id: str
    before: object | None
    after: object | None


class Origin(NamedTuple):
    """Where a write came from: the request; who stands behind it, as KIND:subject; the run that wrote; and whether an
    executor of steps sent it, whose request id may name the run on whose behalf it was."""

    request_id: str
    actor: str = ""
    cause_run_id: str | None = None
    by_executor: bool = False


async def claim_idempotency_key(
    transaction: Transaction, principal: str, key: str, action: str, input: bytes
) -> IdempotentResponse | None:
    """Take an idempotency key for this transaction; what it was used for before, if it was."""
    bound = {"principal": principal, "key": key, "action": action, "input": input}
    if await transaction.fetch(statements("outbox/bookkeeping")["answer_keeping"], bound, bool):
        return None
    [kept] = await transaction.fetch(statements("outbox/bookkeeping")["answer_kept"], bound, IdempotentResponse)
    return kept


async def store_response(
    transaction: Transaction, principal: str, key: str, entity_ids: Sequence[str], user_errors: Sequence[object] = ()
) -> None:
    """Remember what the call with this key changed, and what of it was refused."""
    bound = {"principal": principal, "key": key, "ids": list(entity_ids), "user_errors": _json(list(user_errors))}
    await transaction.execute(statements("outbox/bookkeeping")["answer_known"], bound)


async def write_audit_entries(transaction: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Write audit entries."""
    await transaction.execute(
        statements("outbox/bookkeeping")["audit"],
        {
            "ids": [str(uuid7()) for _ in entries],
            "request_ids": [entry.request_id for entry in entries],
            "principals": [entry.principal for entry in entries],
            "actions": [entry.action for entry in entries],
            "entities": [entry.entity for entry in entries],
            "entity_ids": [entry.entity_id for entry in entries],
            "befores": [_json(entry.before) for entry in entries],
            "afters": [_json(entry.after) for entry in entries],
        },
    )


async def write_request_id(transaction: Transaction, request_id: str) -> int:
    """Name the one request of this transaction in the outbox. The last thing before a commit. The number of the
    transaction, by which a later call can ask to see it."""
    [number] = await transaction.fetch(
        statements("outbox/bookkeeping")["outbox_signed"], {"request_id": request_id}, int
    )
    return number


async def write_origin(transaction: Transaction, origin: Origin) -> int:
    """As `sign`, for the main database, with all that is known of where the request came from."""
    [number] = await transaction.fetch(statements("outbox/bookkeeping")["outbox_signed_by"], origin._asdict(), int)
    return number


async def write_origins(transaction: Transaction, origins: Mapping[str, Origin]) -> None:
    """Name the requests of this transaction in the outbox, by entity. The last thing before a commit."""
    bound = {
        "entity_ids": list(origins),
        "request_ids": [each.request_id for each in origins.values()],
        "actors": [each.actor for each in origins.values()],
    }
    await transaction.execute(statements("outbox/bookkeeping")["outbox_signed_each"], bound)


async def is_projected(database: Database, number: int) -> bool:
    """Whether the graph holds what a transaction wrote, and what was written before it."""
    [held] = await database.fetch(
        statements("outbox/bookkeeping")["transaction_projected"], {"number": str(number)}, bool
    )
    return held


def _json(value: object | None) -> str | None:
    # Unlike orjson it takes integers of any size, as jsonb does.
    return None if value is None else msgspec.json.encode(value).decode()

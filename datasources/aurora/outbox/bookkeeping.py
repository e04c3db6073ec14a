"""Bookkeeping of a write: the idempotent response, audit entries, and the request id in the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from uuid_utils import uuid7

from datasources.aurora.driver.database import Database
from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements


class IdempotentResponse(NamedTuple):
    """The use of an idempotency key: the action, the hash of its input, the ids of changed entities, and the user
    errors, as JSON-able data."""

    action: str
    input: bytes
    entity_ids: list[str]
    user_errors: list[dict[str, str | None]]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A record of who changed what by which request: one entity before and after, as JSON-able data; None if it did not
    exist."""

    request_id: str
    principal: str
    action: str
    entity: str
    entity_id: str
    before: object | None
    after: object | None


class Origin(NamedTuple):
    """The origin of a write: the request; the principal behind it, as KIND:subject; the workflow run that wrote; and
    whether an executor sent it, whose request id may name the run."""

    request_id: str
    actor: str = ""
    cause_run_id: str | None = None
    by_executor: bool = False


async def claim_idempotency_key(
    transaction: Transaction, principal: str, key: str, action: str, input: bytes
) -> IdempotentResponse | None:
    """Claim an idempotency key for this transaction; return its earlier use, if there was one."""
    bound = {"principal": principal, "key": key, "action": action, "input": input}
    if await transaction.fetch(statements("outbox/bookkeeping")["answer_keeping"], bound, bool):
        return None
    [response] = await transaction.fetch(statements("outbox/bookkeeping")["answer_kept"], bound, IdempotentResponse)
    return response


async def store_response(
    transaction: Transaction, principal: str, key: str, entity_ids: Sequence[str], user_errors: Sequence[object] = ()
) -> None:
    """Store the ids that the call with this key changed, and its user errors."""
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
    """Store the id of this transaction's request in the outbox, as the last statement before the commit.

    Return the number of the transaction, which a later call can require to see."""
    [number] = await transaction.fetch(
        statements("outbox/bookkeeping")["outbox_signed"], {"request_id": request_id}, int
    )
    return number


async def write_origin(transaction: Transaction, origin: Origin) -> int:
    """Store the origin of this transaction in the outbox of the main database, like `write_request_id`."""
    [number] = await transaction.fetch(statements("outbox/bookkeeping")["outbox_signed_by"], origin._asdict(), int)
    return number


async def write_origins(transaction: Transaction, origins: Mapping[str, Origin]) -> None:
    """Store the requests of this transaction in the outbox, by entity, as the last statement before the commit."""
    bound = {
        "entity_ids": list(origins),
        "request_ids": [each.request_id for each in origins.values()],
        "actors": [each.actor for each in origins.values()],
    }
    await transaction.execute(statements("outbox/bookkeeping")["outbox_signed_each"], bound)


async def is_projected(database: Database, number: int) -> bool:
    """Return whether the graph contains the writes of a transaction and of all earlier ones."""
    [is_visible] = await database.fetch(
        statements("outbox/bookkeeping")["transaction_projected"], {"number": str(number)}, bool
    )
    return is_visible


def _json(value: object | None) -> str | None:
    # Unlike orjson, msgspec accepts integers of any size, as jsonb does.
    return None if value is None else msgspec.json.encode(value).decode()

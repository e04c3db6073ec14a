"""The schedule of the run worker: blast radii to compute, and messages to send."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from datasources.aurora.driver.transaction import Transaction
from datasources.aurora.statements import statements

R = TypeVar("R")


class PendingBlastRadius(NamedTuple):
    """A run and the items that failed, in no order."""

    run_id: str
    item_ids: list[str]


class PendingMessage(NamedTuple):
    """A message to send. `wanted` is false if its attempt was cancelled or has failed; `total` and `critical` are None
    for a run without a failure."""

    position: int
    id: str
    group: str
    body: str
    request_id: str
    wanted: bool
    total: int | None
    critical: list[str] | None


async def fail_run(transaction: Transaction, run_id: str, reason: str, now: datetime) -> None:
    """End a run as FAILED together with its open attempts, without reading its contents."""
    bound = {"id": run_id, "reason": reason, "now": now}
    await transaction.execute(statements("workflow_runs/schedule")["run_set_aside"], bound)


async def request_blast_radius(transaction: Transaction, run_id: str) -> None:
    """Request the blast radius of a new run, to be computed by a worker."""
    await transaction.execute(statements("workflow_runs/schedule")["blast_radius_wanted"], {"id": run_id})


async def fetch_pending_blast_radii(transaction: Transaction, most: int) -> list[PendingBlastRadius]:
    """Return runs whose blast radius is not computed yet, the oldest first."""
    return await _fetch(transaction, "blast_radii_due", {"most": most}, PendingBlastRadius)


async def fetch_critical_names(transaction: Transaction, ids: Sequence[str], most: int) -> list[str]:
    """Return the names of the critical items among these, ordered by name."""
    return await _fetch(transaction, "blast_radius_critical", {"ids": list(ids), "most": most}, str)


async def store_blast_radius(
    transaction: Transaction,
    run_id: str,
    reached: Sequence[tuple[str, int]],
    critical: Sequence[str],
    now: datetime,
    *,
    total: int,
    truncated: bool,
) -> bool:
    """Store a blast radius: items with their depths, in order. Return False if it is stored already."""
    bound = {
        "id": run_id, "item_ids": [id for id, _ in reached], "depths": [depth for _, depth in reached],
        "critical": list(critical), "total": total, "truncated": truncated, "now": now,
    }  # fmt: skip
    return bool(await _fetch(transaction, "blast_radius_walked", bound, bool))


async def lock_sending(transaction: Transaction) -> bool:
    """Become the only sender until the transaction ends; return False if another process is."""
    [is_ours] = await _fetch(transaction, "messages_locked", {}, bool)
    return is_ours


async def fetch_pending_messages(transaction: Transaction, queue: str, most: int) -> list[PendingMessage]:
    """Return the messages that wait for a queue, the oldest first."""
    return await _fetch(transaction, "messages_to_send", {"queue": queue, "most": most}, PendingMessage)


async def mark_sent(transaction: Transaction, positions: Sequence[int], now: datetime) -> None:
    """Mark messages that need not be sent any more."""
    await transaction.execute(
        statements("workflow_runs/schedule")["messages_sent"], {"positions": list(positions), "now": now}
    )


async def purge_messages(transaction: Transaction, before: datetime, most: int) -> int:
    """Delete messages that were sent before a time; return how many."""
    return len(await _fetch(transaction, "messages_forgotten", {"before": before, "most": most}, int))


async def _fetch(transaction: Transaction, name: str, bound: dict[str, Any], record: Callable[..., R]) -> list[R]:
    return await transaction.fetch(statements("workflow_runs/schedule")[name], bound, record)

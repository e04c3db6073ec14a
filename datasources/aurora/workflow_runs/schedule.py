"""What the worker of runs finds to do: failures to be walked, and messages to be sent."""

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
    """A message that waits. `wanted` is false once its attempt was called off or has failed; `total` and `critical` are
    None for a run without a failure."""

    position: int
    id: str
    group: str
    body: str
    request_id: str
    wanted: bool
    total: int | None
    critical: list[str] | None


async def fail_run(transaction: Transaction, run_id: str, reason: str, now: datetime) -> None:
    """End a run as FAILED, and what of it is under way, without reading any of it."""
    bound = {"id": run_id, "reason": reason, "now": now}
    await transaction.execute(statements("workflow_runs/schedule")["run_set_aside"], bound)


async def request_blast_radius(transaction: Transaction, run_id: str) -> None:
    """Let a worker walk what the failure of a new run reaches."""
    await transaction.execute(statements("workflow_runs/schedule")["blast_radius_wanted"], {"id": run_id})


async def fetch_pending_blast_radii(transaction: Transaction, most: int) -> list[PendingBlastRadius]:
    """Runs whose failure was not walked yet, the oldest first."""
    return await _fetch(transaction, "blast_radii_due", {"most": most}, PendingBlastRadius)


async def fetch_critical_names(transaction: Transaction, ids: Sequence[str], most: int) -> list[str]:
    """The names of critical items among some, by name."""
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
    """Keep what a failure reaches: items with their hops, in order. False if somebody else has."""
    bound = {
        "id": run_id, "item_ids": [id for id, _ in reached], "depths": [depth for _, depth in reached],
        "critical": list(critical), "total": total, "truncated": truncated, "now": now,
    }  # fmt: skip
    return bool(await _fetch(transaction, "blast_radius_walked", bound, bool))


async def lock_sending(transaction: Transaction) -> bool:
    """Become the one that sends until the transaction ends; False if somebody else does."""
    [is_ours] = await _fetch(transaction, "messages_locked", {}, bool)
    return is_ours


async def fetch_pending_messages(transaction: Transaction, queue: str, most: int) -> list[PendingMessage]:
    """Messages that wait for a queue, the oldest first."""
    return await _fetch(transaction, "messages_to_send", {"queue": queue, "most": most}, PendingMessage)


async def mark_sent(transaction: Transaction, positions: Sequence[int], now: datetime) -> None:
    """These messages need not be sent any more."""
    await transaction.execute(
        statements("workflow_runs/schedule")["messages_sent"], {"positions": list(positions), "now": now}
    )


async def purge_messages(transaction: Transaction, before: datetime, most: int) -> int:
    """Delete messages that were sent before a time; how many."""
    return len(await _fetch(transaction, "messages_forgotten", {"before": before, "most": most}, int))


async def _fetch(transaction: Transaction, name: str, bound: dict[str, Any], record: Callable[..., R]) -> list[R]:
    return await transaction.fetch(statements("workflow_runs/schedule")[name], bound, record)

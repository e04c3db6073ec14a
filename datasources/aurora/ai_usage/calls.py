"""The ledger of calls of language models, and reservations from the budgets of teams."""

from collections.abc import Sequence

from msgspec.structs import asdict

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement, statements
from datasources.records.ai_calls import AiCacheLookup, AiCallReservation, AiCallResult, AiModelSpeed


async def reserve_call(main: Database, call: AiCallReservation, limit_usd: float) -> bool:
    """Begin the row of a call and reserve its cost. False, with nothing written, if the team's limit of the day would
    be exceeded."""
    return bool(await main.fetch(_sql("ai_call_reserve"), asdict(call) | {"limit": limit_usd}, str))


async def finish_call(main: Database, result: AiCallResult) -> None:
    """Complete the row of a call, and replace its reservation by its cost."""
    await main.fetch(_sql("ai_call_finish"), asdict(result), bool)


async def release_expired_calls(main: Database) -> int:
    """Release the reservations of calls whose processes ended; return the number of budgets that gained by it."""
    return len(await main.fetch(_sql("ai_calls_release"), {}, float))


async def fetch_budget_left(main: Database, team: str, limit_usd: float) -> float:
    """Return what a team may still use today (UTC), in USD; below zero if its limit was lowered."""
    [left] = await main.fetch(_sql("ai_budget_left"), {"team": team, "limit": limit_usd}, float)
    return left


async def insert_cache_lookup(main: Database, lookup: AiCacheLookup) -> None:
    """Insert the row of a look-up in the semantic cache."""
    await main.fetch(_sql("ai_cache_insert"), asdict(lookup), bool)


async def update_gate(main: Database, id_: str, accepted: int, rejected: int, *, escalated: bool) -> None:
    """Set how many sentences of a reply were accepted and rejected, and whether another model was asked."""
    bound = {"id": id_, "accepted": accepted, "rejected": rejected, "escalated": escalated}
    await main.fetch(_sql("ai_call_gate"), bound, bool)


async def fetch_speeds(main: Database, models: Sequence[str]) -> dict[str, AiModelSpeed]:
    """Return how fast models were in the last seven days; those without calls are left out."""
    speeds = await main.fetch(_sql("ai_model_speeds"), {"models": list(models)}, AiModelSpeed)
    return {speed.model: speed for speed in speeds}


async def purge_calls(main: Database, days: float, most: int) -> int:
    """Delete at most `most` calls older than so many days; return how many."""
    return len(await main.fetch(_sql("ai_calls_purge"), {"days": days, "most": most}, bool))


async def purge_budgets(main: Database, days: float, most: int) -> int:
    """Delete at most `most` budgets of days longer ago; return how many."""
    return len(await main.fetch(_sql("ai_budgets_purge"), {"days": days, "most": most}, bool))


def _sql(name: str) -> Statement:
    return statements("ai_usage/calls")[name]

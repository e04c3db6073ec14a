"""Totals of the ledger of calls of language models."""

from collections.abc import Mapping
from datetime import datetime

from datasources.aurora.driver.database import Database
from datasources.aurora.statements import Statement, statements
from datasources.records.ai_usage import AiBudgetRecord, AiUsageTotals, AiUsageWindow, AiWeekHour

# Groups by name, as SQL of a row of the ledger. Times are in UTC.
GROUPS: Mapping[str, str] = {
    "MODEL": "a.model",
    "OPERATION": "a.operation",
    "TEAM": "a.team",
    "DAY": "to_char(a.called_at AT TIME ZONE 'utc', 'YYYY-MM-DD')",
    "HOUR": "to_char(a.called_at AT TIME ZONE 'utc', 'YYYY-MM-DD\"T\"HH24:00Z')",
}


async def fetch_totals(main: Database, group: str, start: datetime, end: datetime, limit: int) -> list[AiUsageTotals]:
    """Return the totals of at most `limit` groups, the costliest first, and of all calls, with the key None."""
    bound = {"start": start, "end": end, "limit": limit + 1}
    return await main.fetch(_sql("ai_usage_groups").fill_slots(group=GROUPS[group]), bound, AiUsageTotals)


async def fetch_budgets(main: Database, limit: int) -> list[AiBudgetRecord]:
    """Return what at most `limit` teams have used of their budgets today, by team."""
    return await main.fetch(_sql("ai_usage_budgets"), {"limit": limit}, AiBudgetRecord)


async def fetch_windows(main: Database) -> dict[str, AiUsageWindow]:
    """Return what the last hour, the last day and the seven days before it had, by `hour`, `day` and `week`."""
    return {window.period: window for window in await main.fetch(_sql("ai_usage_windows"), {}, AiUsageWindow)}


async def fetch_week_hours(main: Database, weeks: int) -> list[AiWeekHour]:
    """Return the cost of the last hour, then of the same hour of so many weeks before, the latest first."""
    return await main.fetch(_sql("ai_usage_week_hours"), {"weeks": weeks}, AiWeekHour)


def _sql(name: str) -> Statement:
    return statements("ai_usage/usage")[name]

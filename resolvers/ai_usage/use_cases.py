"""Report what language models were used for, what it cost, what is left of budgets, and what is unusual."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from datasources.aurora.ai_usage import usage as ledger
from datasources.records.ai_usage import AiBudgetRecord, AiUsageTotals
from resolvers.ai_usage.alerts import WEEKS, AiAlert, find_alerts
from resolvers.context import Context
from resolvers.errors import BadUserInput, LimitExceeded

# The ledger is stored as long.
MAX_DAYS = 400
MAX_DAYS_BY_HOUR = 31
MAX_ROWS = 1_000


class AiUsageGroup(StrEnum):
    """What the rows of a report stand for."""

    MODEL = "MODEL"
    OPERATION = "OPERATION"
    TEAM = "TEAM"
    DAY = "DAY"
    HOUR = "HOUR"


@dataclass(frozen=True, slots=True)
class AiUsage:
    """Totals by group, in the order of the key for days and hours, otherwise the costliest first; and of all calls."""

    start: datetime
    end: datetime
    rows: tuple[AiUsageTotals, ...]
    totals: AiUsageTotals


@dataclass(frozen=True, slots=True)
class AiBudget:
    """What a team may use on a day (UTC), in USD; the team '' is that of callers in no team."""

    record: AiBudgetRecord
    limit_usd: float

    @property
    def left_usd(self) -> float:
        """What is left, without what is reserved; 0 if the limit was lowered below."""
        return max(0.0, self.limit_usd - self.record.spent_usd - self.record.reserved_usd)


async def report_usage(
    context: Context, start: datetime, end: datetime | None, group: AiUsageGroup, now: datetime | None = None
) -> AiUsage:
    """Return the totals of calls from `start` until before `end`, by default now. One statement.

    Raises BadUserInput for a range that is empty, and LimitExceeded for one that is too long.
    """
    end = end or now or datetime.now(UTC)
    if end <= start:
        raise BadUserInput("range is empty; give a `to` after `from`", argument="range")
    days = MAX_DAYS_BY_HOUR if group is AiUsageGroup.HOUR else MAX_DAYS
    if end - start > timedelta(days=days):
        message = f"range has more than {days} days, which is the most by {group}; shorten it"
        raise LimitExceeded(message, argument="range", allowed=days)
    found = await ledger.fetch_totals(context.sources.main, group, start, end, MAX_ROWS)
    [totals] = [row for row in found if row.key is None]
    rows = [row for row in found if row.key is not None]
    if group in (AiUsageGroup.DAY, AiUsageGroup.HOUR):
        rows.sort(key=lambda row: row.key or "")
    return AiUsage(start, end, tuple(rows), totals)


async def report_budgets(context: Context) -> list[AiBudget]:
    """Return the budgets of today of the teams that called a model, by team. One statement."""
    limit = context.sources.language_settings.usd_a_day
    return [AiBudget(record, limit) for record in await ledger.fetch_budgets(context.sources.main, MAX_ROWS)]


async def report_alerts(context: Context) -> tuple[AiAlert, ...]:
    """Return what is unusual now. Three statements."""
    main, limit = context.sources.main, context.sources.language_settings.usd_a_day
    weeks, windows, budgets = await asyncio.gather(
        ledger.fetch_week_hours(main, WEEKS), ledger.fetch_windows(main), ledger.fetch_budgets(main, MAX_ROWS)
    )
    return find_alerts(weeks, windows, budgets, limit)

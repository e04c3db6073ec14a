"""Totals of the ledger of calls of language models, and what alerts are computed from."""

from datetime import date

from msgspec import Struct


class AiUsageTotals(Struct, frozen=True, array_like=True):
    """What the calls of one group used: tokens, USD, seconds of calls without a failure, results of gate and cache.

    `key` is the group, null for all of them. Percentiles are null without a call that succeeded.
    """

    key: str | None
    calls: int
    input_tokens: float
    output_tokens: float
    cache_read_tokens: float
    cache_write_tokens: float
    usd: float
    seconds_p50: float | None
    seconds_p95: float | None
    tokens_per_second: float | None
    failures: int
    throttles: int
    escalations: int
    gate_accepted: int
    gate_rejections: int
    cache_hits: int
    cache_misses: int
    cache_guard_refusals: int
    cache_stale: int
    cache_agreements: int
    cache_differences: int
    answers: int


class AiBudgetRecord(Struct, frozen=True, array_like=True):
    """What a team spent and reserved on a day (UTC) and in the last hour, in USD."""

    team: str
    day: date
    spent_usd: float
    reserved_usd: float
    hour_usd: float


class AiUsageWindow(Struct, frozen=True, array_like=True):
    """What calls and look-ups of a period did: the last hour, the last day, or the seven days before."""

    period: str
    calls: int
    throttles: int
    usd: float
    lookups: int
    hits: int
    answers: int


class AiWeekHour(Struct, frozen=True, array_like=True):
    """The USD of the hour that ended so many weeks ago; null if the ledger began after it."""

    weeks: int
    usd: float | None

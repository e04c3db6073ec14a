"""Alerts on the use of language models, computed from the ledger: spend, budgets, throttling, cache, cost an answer."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from datasources.records.ai_usage import AiBudgetRecord, AiUsageWindow, AiWeekHour

# Weeks whose same hour is compared, how many of them there must be, and how far above their median is unusual. A
# multiple of the median absolute deviation, since one costly week does not move it.
WEEKS = 8
MIN_WEEKS = 4
DEVIATIONS = 5.0
# Where every week costs the same, at least this multiple of the median is unusual.
MIN_MULTIPLE = 1.5
# The share of the limit of a day that an hour must exceed to be unusual at all.
MIN_HOUR_SHARE = 0.02
# The share of the limit of a day that an hour may cost. A slow leak becomes usual, but not this.
CEILING_SHARE = 1 / 6
BUDGET_SHARE = 0.8
# The share of throttled calls, and how many calls of an hour make a share.
THROTTLE_SHARE = 0.05
MIN_CALLS = 20
# By how much the hit rate may fall, and an answer may become dearer, from the week before to the last day.
HIT_RATE_SHARE = 0.7
ANSWER_COST_SHARE = 2.0
MIN_LOOKUPS = 20
MIN_ANSWERS = 10


class AiAlertKind(StrEnum):
    """What is unusual."""

    SPEND_ANOMALY = "SPEND_ANOMALY"
    HOURLY_CEILING = "HOURLY_CEILING"
    BUDGET = "BUDGET"
    THROTTLES = "THROTTLES"
    HIT_RATE = "HIT_RATE"
    ANSWER_COST = "ANSWER_COST"


@dataclass(frozen=True, slots=True)
class AiAlert:
    """A value beyond its threshold, in a sentence; `team` if it is about one, otherwise None."""

    kind: AiAlertKind
    message: str
    value: float
    threshold: float
    team: str | None = None


def find_alerts(
    weeks: Sequence[AiWeekHour],
    windows: Mapping[str, AiUsageWindow],
    budgets: Iterable[AiBudgetRecord],
    limit_usd: float,
) -> tuple[AiAlert, ...]:
    """Return the current alerts. `weeks` begins with the last hour; `limit_usd` is that of a team and day."""
    found = [_spend_anomaly(weeks, limit_usd)]
    for budget in budgets:
        found += _budget_alerts(budget, limit_usd)
    found += [
        _throttles(windows["hour"]),
        _hit_rate(windows["day"], windows["week"]),
        _answer_cost(windows["day"], windows["week"]),
    ]
    return tuple(each for each in found if each is not None)


def _spend_anomaly(weeks: Sequence[AiWeekHour], limit_usd: float) -> AiAlert | None:
    now, past = weeks[0].usd or 0.0, [week.usd for week in weeks[1:] if week.usd is not None]
    if len(past) < MIN_WEEKS:
        return None
    middle = median(past)
    usual = middle + DEVIATIONS * median(abs(each - middle) for each in past)
    threshold = max(usual, MIN_MULTIPLE * middle, MIN_HOUR_SHARE * limit_usd)
    if now <= threshold:
        return None
    message = (
        f"The last hour cost {now:.2f} USD; the same hour of the last {len(past)} weeks cost {middle:.2f} USD in the "
        f"median, and up to {threshold:.2f} USD is usual."
    )
    return AiAlert(AiAlertKind.SPEND_ANOMALY, message, now, threshold)


def _budget_alerts(budget: AiBudgetRecord, limit_usd: float) -> Iterator[AiAlert]:
    whose = f"The team {budget.team}" if budget.team else "Callers in no team"
    ceiling, most = CEILING_SHARE * limit_usd, BUDGET_SHARE * limit_usd
    if budget.hour_usd > ceiling:
        message = (
            f"{whose} spent {budget.hour_usd:.2f} USD in the last hour, more than a sixth of the {limit_usd:.2f} USD "
            "of a day."
        )
        yield AiAlert(AiAlertKind.HOURLY_CEILING, message, budget.hour_usd, ceiling, budget.team)
    used = budget.spent_usd + budget.reserved_usd
    if used > most:
        message = f"{whose} used {used:.2f} of {limit_usd:.2f} USD of today (UTC), more than 80%."
        yield AiAlert(AiAlertKind.BUDGET, message, used, most, budget.team)


def _throttles(hour: AiUsageWindow) -> AiAlert | None:
    if hour.calls < MIN_CALLS or hour.throttles <= THROTTLE_SHARE * hour.calls:
        return None
    share = hour.throttles / hour.calls
    message = f"The provider throttled {hour.throttles} of {hour.calls} calls of the last hour, more than 5%."
    return AiAlert(AiAlertKind.THROTTLES, message, share, THROTTLE_SHARE)


def _hit_rate(day: AiUsageWindow, week: AiUsageWindow) -> AiAlert | None:
    if min(day.lookups, week.lookups) < MIN_LOOKUPS:
        return None
    rate, before = day.hits / day.lookups, week.hits / week.lookups
    threshold = HIT_RATE_SHARE * before
    if rate >= threshold:
        return None
    message = (
        f"The semantic cache answered {rate:.0%} of the look-ups of the last day, and {before:.0%} of the week before."
    )
    return AiAlert(AiAlertKind.HIT_RATE, message, rate, threshold)


def _answer_cost(day: AiUsageWindow, week: AiUsageWindow) -> AiAlert | None:
    if min(day.answers, week.answers) < MIN_ANSWERS:
        return None
    cost, before = day.usd / day.answers, week.usd / week.answers
    threshold = ANSWER_COST_SHARE * before
    if cost <= threshold:
        return None
    message = f"An answer cost {cost:.4f} USD in the last day, and {before:.4f} USD in the week before."
    return AiAlert(AiAlertKind.ANSWER_COST, message, cost, threshold)

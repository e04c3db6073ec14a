"""Alerts: each has a value just below its threshold that is silent, and one just above that is reported."""

from dataclasses import replace
from datetime import date
from typing import Any

import msgspec
import pytest

from datasources.records.ai_usage import AiBudgetRecord, AiUsageWindow, AiWeekHour
from resolvers.ai_usage.alerts import AiAlert, AiAlertKind, find_alerts

LIMIT = 6.0
BUDGET = AiBudgetRecord(team="web", day=date(2026, 11, 30), spent_usd=1.0, reserved_usd=0.5, hour_usd=0.5)
HOUR = AiUsageWindow(period="hour", calls=100, throttles=5, usd=0.5, lookups=10, hits=5, answers=5)
DAY = AiUsageWindow(period="day", calls=100, throttles=5, usd=1.0, lookups=100, hits=28, answers=100)
WEEK = AiUsageWindow(period="week", calls=700, throttles=0, usd=3.5, lookups=1_000, hits=400, answers=700)
USUAL = [0.5, 0.4, 0.5, 0.6, 0.5, 0.4, 0.6, 0.5, 0.5]


def alerts(hours: list[float | None] | None = None, **changed: Any) -> tuple[AiAlert, ...]:
    weeks = [AiWeekHour(weeks=number, usd=usd) for number, usd in enumerate(hours or USUAL)]
    windows = {
        name: msgspec.structs.replace(window, **changed.get(name, {}))
        for name, window in {"hour": HOUR, "day": DAY, "week": WEEK}.items()
    }
    return find_alerts(weeks, windows, [msgspec.structs.replace(BUDGET, **changed.get("budget", {}))], LIMIT)


def test_a_usual_day_is_silent() -> None:
    assert alerts() == ()


@pytest.mark.parametrize(
    ("changed", "silent", "kind", "message", "team"),
    [
        (
            {"hour": {"throttles": 6}},
            {"hour": {"calls": 19, "throttles": 19}},
            AiAlertKind.THROTTLES,
            "The provider throttled 6 of 100 calls of the last hour, more than 5%.",
            None,
        ),
        (
            {"budget": {"spent_usd": 4.31}},
            {"budget": {"spent_usd": 4.3}},
            AiAlertKind.BUDGET,
            "The team web used 4.81 of 6.00 USD of today (UTC), more than 80%.",
            "web",
        ),
        (
            {"budget": {"hour_usd": 1.01, "team": ""}},
            {"budget": {"hour_usd": 1.0}},
            AiAlertKind.HOURLY_CEILING,
            "Callers in no team spent 1.01 USD in the last hour, more than a sixth of the 6.00 USD of a day.",
            "",
        ),
        (
            {"day": {"hits": 27}},
            {"day": {"hits": 0, "lookups": 19}},
            AiAlertKind.HIT_RATE,
            "The semantic cache answered 27% of the look-ups of the last day, and 40% of the week before.",
            None,
        ),
        (
            {"day": {"answers": 99, "usd": 1.0}},
            {"day": {"answers": 9}},
            AiAlertKind.ANSWER_COST,
            "An answer cost 0.0101 USD in the last day, and 0.0050 USD in the week before.",
            None,
        ),
    ],
)
def test_a_value_beyond_its_threshold(
    changed: dict[str, Any], silent: dict[str, Any], kind: AiAlertKind, message: str, team: str | None
) -> None:
    assert alerts(**silent) == ()
    [alert] = alerts(**changed)
    assert (alert.kind, alert.message, alert.team) == (kind, message, team)
    assert alert.value < alert.threshold if kind is AiAlertKind.HIT_RATE else alert.value > alert.threshold


def test_an_hour_far_above_the_same_hour_of_other_weeks() -> None:
    # The median is 0.5, the deviations' median 0.05.
    assert alerts([0.7499, *USUAL[1:]]) == ()
    [alert] = alerts([0.76, *USUAL[1:]])
    assert alert.kind is AiAlertKind.SPEND_ANOMALY
    assert alert.threshold == pytest.approx(0.75)
    assert alert.message == (
        "The last hour cost 0.76 USD; the same hour of the last 8 weeks cost 0.50 USD in the median, and up to 0.75 "
        "USD is usual."
    )


def test_one_costly_week_does_not_hide_the_next() -> None:
    assert [each.kind for each in alerts([0.9, 50.0, *USUAL[2:]])] == [AiAlertKind.SPEND_ANOMALY]


def test_weeks_of_the_same_cost() -> None:
    assert alerts([0.75, *[0.5] * 8]) == ()
    assert len(alerts([0.76, *[0.5] * 8])) == 1


def test_a_young_ledger_and_cents_are_no_anomaly() -> None:
    assert alerts([5.0, 0.1, 0.1, 0.1, None, None, None, None, None]) == ()
    assert alerts([0.12, *[0.0] * 8]) == ()
    assert [each.kind for each in alerts([0.13, *[0.0] * 8])] == [AiAlertKind.SPEND_ANOMALY]


def test_all_alerts_at_once() -> None:
    found = alerts(
        [9.0, *USUAL[1:]],
        hour={"throttles": 50},
        budget={"spent_usd": 6.0, "hour_usd": 6.0},
        day={"hits": 0, "usd": 100.0},
    )
    assert [alert.kind for alert in found] == list(AiAlertKind)
    assert all(replace(alert, message="") != alert and alert.message.endswith(".") for alert in found)

"""`aiUsage`: totals by group, budgets and alerts from a ledger with known rows, and what is refused."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.language.port import LanguageFailure, TokenUsage
from datasources.sources import Sources
from resolvers.models.calls import call_model
from resolvers.models.results import record_cache, record_gate
from tests.fixtures.databases import Answered, ask, create_database, person
from tests.fixtures.models import PROMPT, ScriptedLanguage, caller, new_sources, rows, task

READER = person("ai-usage:read")
FIELDS = """key calls inputTokens outputTokens cacheReadTokens cacheWriteTokens usd secondsP50 secondsP95
    tokensPerSecond failures throttles escalations gateAccepted gateRejections cacheHits cacheMisses
    cacheGuardRefusals cacheStale cacheAgreements cacheDifferences answers"""
REPORT = f"""query ($range: AiUsageRangeInput!, $by: AiUsageGroup) {{
    aiUsage(range: $range, groupBy: $by) {{ from to rows {{ {FIELDS} }} totals {{ {FIELDS} }} }}
}}"""
NOW = """{ aiUsage(range: {from: "2026-01-01T00:00:00Z", to: "2026-01-02T00:00:00Z"}) {
    budgets { team day limitUsd spentUsd reservedUsd leftUsd } alerts { kind message team value threshold }
} }"""
NOVEMBER = {"from": "2026-11-01T00:00:00Z", "to": "2026-12-01T00:00:00Z"}
# Two calls of a large model on two days, one of them throttled; a small one in another team; look-ups in the cache.
ROWS = """
INSERT INTO ai_calls (id, request_id, team, actor, operation, model, called_at, input_tokens, output_tokens, usd,
                      seconds, failure, cache, gate_accepted, gate_rejected, escalated) VALUES
    (gen_random_uuid(), 'r', 'web', 'USER:ada', 'ANSWER', 'large', '2026-11-02T23:30Z', 4000000000, 200, 3, 4, '', '',
     3, 1, false),
    (gen_random_uuid(), 'r', 'web', 'USER:ada', 'ANSWER', 'large', '2026-11-03T00:10Z', 100, 100, 1, 2, '', '',
     0, 4, true),
    (gen_random_uuid(), 'r', 'web', 'USER:ada', 'ANSWER', 'large', '2026-11-03T00:20Z', 10, 0, 0, 9, 'THROTTLED', '',
     null, null, false),
    (gen_random_uuid(), 'r', '', 'USER:bob', 'SUMMARY', 'small', '2026-11-03T00:40Z', 50, 60, 0.5, 1, '', '',
     null, null, false),
    (gen_random_uuid(), 'r', '', 'USER:bob', 'ANSWER', '', '2026-11-03T00:40Z', 0, 0, 0, 0, '', 'HIT',
     null, null, false),
    (gen_random_uuid(), 'r', '', 'USER:bob', 'ANSWER', '', '2026-11-03T00:41Z', 0, 0, 0, 0, '', 'STALE',
     null, null, false),
    (gen_random_uuid(), 'r', '', 'USER:bob', 'ANSWER', '', '2026-11-03T00:42Z', 0, 0, 0, 0, '', 'GUARD_REFUSED',
     null, null, false),
    (gen_random_uuid(), 'r', '', 'USER:bob', 'ANSWER', 'small', '2026-12-01T00:00Z', 0, 0, 9, 0, '', '',
     null, null, false)
RETURNING 1
"""

_numbers = itertools.count()


@pytest.fixture
def url(postgres: EmbeddedPostgres) -> str:
    return create_database(postgres, f"ai_usage_{next(_numbers)}")


@pytest.fixture
async def sources(url: str) -> AsyncIterator[Sources]:
    opened = new_sources(url)
    yield opened
    await opened.main.close()


async def report(sources: Sources, by: str | None, range_: dict[str, str] = NOVEMBER) -> Answered:
    variables: dict[str, Any] = {"range": range_} if by is None else {"range": range_, "by": by}
    return await ask(sources, REPORT, READER, **variables)


async def test_totals_of_a_period(sources: Sources, url: str) -> None:
    rows(url, ROWS)
    answered = await report(sources, "MODEL")
    assert (answered.errors, answered.sql) == ([], 1)
    usage = answered.data["aiUsage"]
    assert (usage["from"], usage["to"]) == ("2026-11-01T00:00:00+00:00", "2026-12-01T00:00:00+00:00")
    assert [(row["key"], row["calls"], row["usd"]) for row in usage["rows"]] == [
        ("large", 3, 4.0), ("small", 1, 0.5), ("", 0, 0.0),
    ]  # fmt: skip
    large, lookups = usage["rows"][0], usage["rows"][2]
    assert {name: large[name] for name in ("secondsP50", "secondsP95", "tokensPerSecond")} == {
        "secondsP50": 3.0, "secondsP95": pytest.approx(3.9), "tokensPerSecond": 50.0,
    }  # fmt: skip
    assert (lookups["secondsP50"], lookups["cacheHits"], lookups["answers"]) == (None, 1, 1)
    assert usage["totals"] == {
        "key": None, "calls": 4, "inputTokens": 4_000_000_160.0, "outputTokens": 360.0, "cacheReadTokens": 0.0,
        "cacheWriteTokens": 0.0, "usd": 4.5, "secondsP50": 2.0, "secondsP95": pytest.approx(3.8),
        "tokensPerSecond": 50.0, "failures": 1, "throttles": 1, "escalations": 1, "gateAccepted": 3,
        "gateRejections": 5, "cacheHits": 1, "cacheMisses": 0, "cacheGuardRefusals": 1, "cacheStale": 1,
        "cacheAgreements": 0, "cacheDifferences": 0, "answers": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("OPERATION", [("ANSWER", 4.0), ("SUMMARY", 0.5)]),
        ("TEAM", [("web", 4.0), ("", 0.5)]),
        ("DAY", [("2026-11-02", 3.0), ("2026-11-03", 1.5)]),
        ("HOUR", [("2026-11-02T23:00Z", 3.0), ("2026-11-03T00:00Z", 1.5)]),
        (None, [("2026-11-02", 3.0), ("2026-11-03", 1.5)]),
    ],
)
async def test_groups(sources: Sources, url: str, by: str | None, groups: list[tuple[str, float]]) -> None:
    rows(url, ROWS)
    answered = await report(sources, by)
    assert [(row["key"], row["usd"]) for row in answered.data["aiUsage"]["rows"]] == groups


async def test_nothing_was_called(sources: Sources) -> None:
    answered = await report(sources, "DAY")
    assert answered.data["aiUsage"]["rows"] == []
    assert answered.data["aiUsage"]["totals"]["usd"] == 0.0
    assert (await ask(sources, NOW, READER)).data["aiUsage"] == {"budgets": [], "alerts": []}


async def test_budgets_and_alerts_of_calls(sources: Sources, url: str) -> None:
    context = caller(sources, "web")
    await record_cache(context, "MISS")
    usage = TokenUsage(6_000, 300)
    language = ScriptedLanguage([*[LanguageFailure.THROTTLED] * 2, usage])
    result = await call_model(context, task(output_tokens=300), lambda call: language.draft(PROMPT, call))
    await record_gate(context, result.calls[-1], 2, 0, escalated=False)
    rows(url, "UPDATE ai_budgets SET spent_usd = 4.5 RETURNING 1")
    rows(url, "UPDATE ai_calls SET usd = 0.9 WHERE failure = '' AND model <> '' RETURNING 1")
    answered = await ask(sources, NOW, READER)
    assert answered.sql == 5
    [budget] = answered.data["aiUsage"]["budgets"]
    day = rows(url, "SELECT to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD')")[0][0]
    assert budget == {
        "team": "web", "day": day, "limitUsd": 5.0, "spentUsd": 4.5, "reservedUsd": 0.0, "leftUsd": 0.5,
    }  # fmt: skip
    ceiling, used = answered.data["aiUsage"]["alerts"]
    assert (ceiling["kind"], ceiling["team"], ceiling["threshold"]) == ("HOURLY_CEILING", "web", pytest.approx(5 / 6))
    assert used["message"] == "The team web used 4.50 of 5.00 USD of today (UTC), more than 80%."


async def test_an_anomaly_is_seen_in_the_ledger(sources: Sources, url: str) -> None:
    """Each week cost 0.2 at this hour, and 3 half an hour before; the last hour costs 0.6."""
    insert = """
        INSERT INTO ai_calls (id, request_id, team, actor, operation, model, called_at, usd)
        SELECT gen_random_uuid(), 'r', '', 'USER:ada', 'ANSWER', 'm', now() - n * interval '7 days' - %s::interval, %s
        FROM generate_series(%s::int, %s::int) n RETURNING 1
    """
    rows(url, insert, "30 minutes", 0.2, 1, 6)
    rows(url, insert, "90 minutes", 3.0, 1, 6)
    rows(url, insert, "30 minutes", 0.6, 0, 0)
    [alert] = (await ask(sources, NOW, READER)).data["aiUsage"]["alerts"]
    assert alert == {
        "kind": "SPEND_ANOMALY", "team": None, "value": 0.6, "threshold": pytest.approx(0.3),
        "message": "The last hour cost 0.60 USD; the same hour of the last 6 weeks cost 0.20 USD in the median, and up "
        "to 0.30 USD is usual.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("range_", "by", "code", "message"),
    [
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-02T00:00:00Z"}, "DAY", "BAD_USER_INPUT", "range is empty"),
        ({"from": "2999-11-02T00:00:00Z"}, "DAY", "BAD_USER_INPUT", "range is empty"),
        ({"from": "2025-01-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}, "DAY", "LIMIT_EXCEEDED", "more than 400 days"),
        (
            {"from": "2026-10-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"}, "HOUR", "LIMIT_EXCEEDED",
            "range has more than 31 days, which is the most by HOUR; shorten it",
        ),
    ],
)  # fmt: skip
async def test_a_range_that_is_refused(
    sources: Sources, range_: dict[str, str], by: str, code: str, message: str
) -> None:
    answered = await report(sources, by, range_)
    assert (answered.codes, answered.errors[0]["extensions"]["argument"]) == ([code], "range")
    assert message in answered.errors[0]["message"]


@pytest.mark.parametrize("field", ["from", "to"])
async def test_a_time_without_a_zone_is_named_as_it_was_written(sources: Sources, field: str) -> None:
    answered = await report(sources, "DAY", NOVEMBER | {field: "2026-11-02T00:00:00"})
    assert answered.codes == ["BAD_USER_INPUT"]
    assert answered.errors[0]["message"] == (
        f"range.{field} has no time zone; end it with Z or an offset such as +02:00"
    )
    assert answered.errors[0]["extensions"]["argument"] == f"range.{field}"


async def test_the_permission_is_needed(sources: Sources) -> None:
    answered = await ask(sources, NOW, person("incidents:read"))
    assert (answered.codes, answered.data) == (["FORBIDDEN"], {"aiUsage": None})
    assert answered.errors[0]["extensions"]["permission"] == "ai-usage:read"

"""Calls: routed, reserved, recorded; the next model after a failure; nothing of a question in the ledger."""

import asyncio
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from datasources.config import LanguageSettings
from datasources.language.port import Call, Draft, LanguageFailure, TaskKind, TokenUsage
from datasources.request import use_request
from datasources.sources import Sources
from resolvers.context import Context
from resolvers.models.calls import ModelResult, call_model, create_task, max_tokens
from resolvers.models.pool import model_pool
from resolvers.models.results import record_cache, record_gate
from resolvers.models.router import Task
from tests.fixtures.models import PROMPT, ScriptedLanguage, caller, new_sources, rows, task

SMALL, LARGE = "us.test.small", "us.test.large"
LEDGER = "SELECT model, failure, usd::float8, reserved_usd::float8 FROM ai_calls ORDER BY id"
BUDGETS = "SELECT team, spent_usd::float8, reserved_usd::float8 FROM ai_budgets ORDER BY team"


async def draft(context: Context, language: ScriptedLanguage, work: Task) -> ModelResult[Draft]:
    return await call_model(context, work, lambda call: language.draft(PROMPT, call))


async def test_a_call_leaves_a_row_with_what_it_used_and_cost(sources: Sources, url: str) -> None:
    language = ScriptedLanguage([TokenUsage(4_000, 200, 1_000, 500)])
    context = caller(sources, "payments", "billing")
    result = await draft(context, language, task())
    assert result.value is not None
    assert (result.model, result.decision.fallbacks) == (SMALL, (LARGE,))
    usd = (4_000 * 1 + 200 * 5 + 1_000 * 0.1 + 500 * 1) / 1e6
    assert result.usd == pytest.approx(usd)
    [row] = rows(
        url,
        "SELECT id::text, request_id, team, actor, operation, model, reserved_usd, expires_at, input_tokens, "
        "output_tokens, cache_read_tokens, cache_write_tokens, estimated, usd, price_as_of, seconds, "
        "first_token_seconds, reason, failure, provider_request_id, cache FROM ai_calls",
    )
    assert row == (
        result.calls[0], "r-1", "billing", "USER:ada", "ANSWER", SMALL, 0, None, 4_000, 200, 1_000, 500, False,
        Decimal("0.005600000"), date(2026, 11, 1), 2.5, 0.5, result.decision.reason, "", "aws-1", "",
    )  # fmt: skip
    assert rows(url, BUDGETS) == [("billing", pytest.approx(usd), 0.0)]
    [call] = language.calls
    assert (call.model, call.max_tokens, call.metadata) == (
        SMALL, 300, {"requestId": "r-1", "operation": "ANSWER", "team": "billing"},
    )  # fmt: skip
    assert 0 < call.timeout_seconds <= 60


async def test_statements_of_a_call(sources: Sources) -> None:
    for statements in (4, 3):
        context = caller(sources)
        with use_request(context.request):
            await draft(context, ScriptedLanguage(), task())
        # Speeds only once a minute; what is left of the budget, the reservation, and the result.
        assert context.request.usage.sql == statements


@pytest.mark.parametrize("failure", [LanguageFailure.THROTTLED, LanguageFailure.UNAVAILABLE, LanguageFailure.TIMEOUT])
async def test_the_next_model_is_called_after_a_failure(sources: Sources, url: str, failure: LanguageFailure) -> None:
    result = await draft(caller(sources), ScriptedLanguage([failure]), task())
    assert (result.model, len(result.calls)) == (LARGE, 2)
    failed = 100 * 1 / 1e6
    assert rows(url, LEDGER) == [
        (SMALL, failure.value, pytest.approx(failed), 0.0),
        (LARGE, "", pytest.approx(0.06), 0.0),
    ]
    assert result.usd == pytest.approx(0.06 + failed)
    assert rows(url, "SELECT estimated, provider_request_id FROM ai_calls ORDER BY id")[0] == (True, "aws-failed")


async def test_a_quota_opens_the_breaker_and_the_next_model_answers(sources: Sources) -> None:
    await draft(caller(sources), ScriptedLanguage([LanguageFailure.QUOTA]), task())
    result = await draft(caller(sources), ScriptedLanguage(), task())
    assert (result.model, result.decision.refusals) == (LARGE, {SMALL: ("its breaker is open",)})


async def test_a_refusal_asks_no_other_model(sources: Sources, url: str) -> None:
    result = await draft(caller(sources), ScriptedLanguage([LanguageFailure.REFUSED]), task())
    assert (result.value, result.model, result.reason) == (None, None, f"{SMALL}: REFUSED")
    assert [row[:2] for row in rows(url, LEDGER)] == [(SMALL, "REFUSED")]


async def test_no_money_is_left_for_the_next_model(sources: Sources, url: str) -> None:
    work = task(budget_usd=0.075)
    result = await draft(caller(sources), ScriptedLanguage([LanguageFailure.TIMEOUT]), work)
    assert result.value is None
    assert result.reason == f"{SMALL}: TIMEOUT; {LARGE}: up to 0.0750 USD exceed the request's 0.0749"
    assert len(rows(url, LEDGER)) == 1


async def test_no_time_is_left_for_the_next_model(sources: Sources) -> None:
    context = caller(sources)
    context.request.deadline = asyncio.get_running_loop().time() + 4.3
    language = ScriptedLanguage([LanguageFailure.TIMEOUT], seconds=0.5)
    result = await draft(context, language, task())
    assert re.fullmatch(
        f"{SMALL}: TIMEOUT; {LARGE}: 4.0 s for 19 of 20 calls exceed the 3.\\d s that are left", result.reason
    )
    assert language.calls[0].timeout_seconds <= 4.3


async def test_no_model_is_an_answer_with_its_reasons(sources: Sources, url: str) -> None:
    result = await draft(caller(sources), ScriptedLanguage(), task(latency_seconds=0.1))
    assert (result.value, result.calls, result.usd) == (None, (), 0.0)
    assert result.reason.startswith("No model meets all constraints. us.test.small: 4.0 s for 19 of 20 calls exceed")
    assert rows(url, LEDGER) == []


async def test_the_result_is_recorded_after_the_deadline(sources: Sources, url: str) -> None:
    context = caller(sources)
    context.request.deadline = asyncio.get_running_loop().time() + 4.2
    language = ScriptedLanguage()

    async def send(call: Call) -> Draft:
        context.request.deadline = asyncio.get_running_loop().time()
        return await language.draft(PROMPT, call)

    with use_request(context.request):
        result = await call_model(context, task(), send)
    assert result.value is not None
    assert rows(url, BUDGETS) == [("", pytest.approx(0.006), 0.0)]


async def test_a_cancelled_call_costs_what_was_reserved(sources: Sources, url: str) -> None:
    language = ScriptedLanguage(seconds=30)
    calling = asyncio.create_task(draft(caller(sources), language, task()))
    # The call, and not only its reservation, is under way.
    while not language.calls:
        await asyncio.sleep(0.01)
    assert rows(url, BUDGETS) == [("", 0.0, 0.0075)]
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert rows(url, LEDGER) == [(SMALL, "CANCELLED", 0.0075, 0.0)]
    assert rows(url, BUDGETS) == [("", 0.0075, 0.0)]
    assert rows(url, "SELECT input_tokens, output_tokens, estimated FROM ai_calls") == [(6_000, 300, True)]


async def test_a_trial_that_is_cancelled_leaves_room_for_another(sources: Sources) -> None:
    breaker = model_pool(sources).breakers[SMALL]
    for _ in range(3):
        assert breaker.try_acquire()
        breaker.record(LanguageFailure.THROTTLED)
    breaker._open_until = 0.0
    calling = asyncio.create_task(draft(caller(sources), ScriptedLanguage(seconds=30), task()))
    while not breaker.is_open:
        await asyncio.sleep(0.01)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert not breaker.is_open


@pytest.mark.parametrize(("teams", "team"), [((), ""), (("web",), "web"), (("web", "db", "os"), "db")])
async def test_whose_budget_is_used(sources: Sources, url: str, teams: tuple[str, ...], team: str) -> None:
    await draft(caller(sources, *teams), ScriptedLanguage(), task())
    assert [row[0] for row in rows(url, BUDGETS)] == [team]


async def test_fifty_askers_at_once_never_exceed_the_budget(url: str, settings: LanguageSettings) -> None:
    """Of a budget for 13 calls at their most: whatever the calls cost in the end, it is never exceeded."""
    limit = 0.1
    sources = new_sources(url, replace(settings, usd_a_day=limit))
    highest = 0.0
    stop = asyncio.Event()

    async def watch() -> None:
        nonlocal highest
        while not stop.is_set():
            total = rows(url, "SELECT coalesce(max(spent_usd + reserved_usd), 0)::float8 FROM ai_budgets")[0][0]
            highest = max(highest, total)
            await asyncio.sleep(0.005)

    async def ask(number: int) -> bool:
        usage = TokenUsage(6_000 if number % 2 else 3_000, 300)
        script: list[LanguageFailure | TokenUsage] = [LanguageFailure.TIMEOUT] if number % 7 == 0 else []
        language = ScriptedLanguage([*script, usage, usage], seconds=0.02 * (number % 3))
        context = caller(sources, "web", request_id=f"r-{number}")
        return (await draft(context, language, task())).value is not None

    watching = asyncio.create_task(watch())
    replies = [each for _ in range(2) for each in await asyncio.gather(*(ask(number) for number in range(50)))]
    stop.set()
    await watching
    assert 13 <= sum(replies) < 40
    while await ask(1):
        pass
    [(_, spent, reserved)] = rows(url, BUDGETS)
    assert (spent <= limit, reserved, highest <= limit) == (True, 0.0, True)
    # Less than one more call fits.
    assert spent > limit - 0.0075
    assert rows(url, "SELECT sum(usd)::float8, sum(reserved_usd)::float8 FROM ai_calls") == [
        (pytest.approx(spent), 0.0)
    ]
    await sources.main.close()


async def test_two_processes_share_a_budget(url: str, settings: LanguageSettings) -> None:
    both = [new_sources(url, replace(settings, usd_a_day=0.0375)) for _ in range(2)]
    asking = (
        draft(caller(both[number % 2]), ScriptedLanguage([TokenUsage(6_000, 300)], 0.05), task())
        for number in range(20)
    )
    replies = await asyncio.gather(*asking)
    assert sum(each.value is not None for each in replies) == 5
    assert rows(url, BUDGETS) == [("", pytest.approx(0.0375), 0.0)]
    for each in both:
        await each.main.close()


async def test_a_reservation_of_a_process_that_died_is_released(url: str, settings: LanguageSettings) -> None:
    sources = new_sources(url, replace(settings, usd_a_day=0.008))
    await draft(caller(sources), ScriptedLanguage([TokenUsage(0, 0)]), task())
    # As if the process had died in the middle of it.
    rows(url, "UPDATE ai_budgets SET reserved_usd = 0.0075 RETURNING 1")
    rows(url, "UPDATE ai_calls SET reserved_usd = 0.0075, expires_at = now() + interval '1 minute' RETURNING 1")
    refused = await draft(caller(sources), ScriptedLanguage(), task())
    assert refused.value is None
    assert f"{SMALL}: up to 0.0075 USD exceed the team's 0.0005" in refused.reason
    rows(url, "UPDATE ai_calls SET expires_at = now() - interval '1 second' RETURNING 1")
    assert (await draft(caller(sources), ScriptedLanguage(), task())).value is not None
    assert rows(url, LEDGER)[0] == (SMALL, "LOST", 0.0, 0.0)
    assert rows(url, BUDGETS) == [("", pytest.approx(0.006), 0.0)]
    await sources.main.close()


async def test_results_of_the_cache_and_of_the_gate_are_recorded(sources: Sources, url: str) -> None:
    context = caller(sources, "web")
    await record_cache(context, "MISS")
    result = await draft(context, ScriptedLanguage(), task())
    await record_gate(context, result.calls[-1], 3, 2, escalated=True)
    recorded = "SELECT team, model, cache, gate_accepted, gate_rejected, escalated FROM ai_calls ORDER BY id"
    assert rows(url, recorded) == [
        ("web", "", "MISS", None, None, False), ("web", SMALL, "", 3, 2, True),
    ]  # fmt: skip
    with pytest.raises(ValueError, match="PERHAPS"):
        await record_cache(context, "PERHAPS")


async def test_no_question_is_in_the_ledger(sources: Sources, url: str) -> None:
    await draft(caller(sources), ScriptedLanguage(), task(question="Where is the secretpassphrase?"))
    assert "secretpassphrase" not in rows(url, "SELECT string_agg(c::text, ' ') FROM ai_calls c")[0][0]


async def test_a_task_has_the_limits_of_the_settings(sources: Sources) -> None:
    made = create_task(caller(sources), TaskKind.SUMMARY, "Redis", 100, 50, min_tier=2)
    assert (made.latency_seconds, made.budget_usd, made.min_tier) == (20.0, 0.25, 2)


def test_a_bound_of_tokens() -> None:
    assert [max_tokens(text) for text in ("", "word", "ö" * 10, "語" * 10)] == [1, 3, 11, 16]

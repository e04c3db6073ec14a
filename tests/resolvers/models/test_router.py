"""Laws of the router: every model is chosen or refused with a reason, and constraints hold."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasources.language.port import TaskKind
from resolvers.models.catalog import FirstToken, Model, Price, Speed, TokenRate, load_catalog
from resolvers.models.complexity import rate_complexity
from resolvers.models.router import Task, route

CATALOG = load_catalog().models
HAIKU, OLD_HAIKU, SONNET, OLD_SONNET, OPUS, OLD_OPUS = (model.id for model in CATALOG)

prices = st.builds(
    Price,
    input=st.floats(0, 10),
    output=st.floats(0, 50),
    cache_read=st.floats(0, 1),
    cache_write=st.floats(0, 12),
)
speeds = st.builds(
    Speed,
    first_token_seconds=st.builds(FirstToken, p50=st.floats(0.1, 1), p95=st.floats(1, 5)),
    tokens_per_second=st.builds(TokenRate, p50=st.floats(50, 200), p5=st.floats(10, 50)),
)
models = st.lists(
    st.builds(
        Model,
        id=st.sampled_from([f"us.a.m{number}" for number in range(8)]),
        tier=st.integers(1, 3),
        context_tokens=st.sampled_from([8_000, 200_000, 1_000_000]),
        output_tokens=st.sampled_from([500, 8_000]),
        prices=prices.map(lambda price: (price,)),
        speed=speeds,
    ),
    unique_by=lambda model: model.id,
    max_size=6,
)
tasks = st.builds(
    Task,
    kind=st.sampled_from(TaskKind),
    question=st.sampled_from(
        ["restart redis", "why did redis-01 and web-07 fail, and what differs?", "compare a-1, b-2; why? and then?"]
    ),
    context_tokens=st.integers(0, 300_000),
    output_tokens=st.integers(1, 2_000),
    latency_seconds=st.floats(0, 100),
    budget_usd=st.floats(0, 3),
    team_budget_usd=st.floats(-1, 3),
    min_tier=st.integers(1, 4),
)
open_ids = st.frozensets(st.sampled_from([f"us.a.m{number}" for number in range(8)]))


@given(tasks, models, open_ids)
def test_every_model_is_chosen_or_refused_with_a_reason(task: Task, some: list[Model], opened: frozenset[str]) -> None:
    decision = route(task, some, opened.__contains__)
    accepted = [decision.model, *decision.fallbacks] if decision.model else []
    assert sorted([*accepted, *decision.refusals]) == sorted(model.id for model in some)
    assert all(decision.refusals.values())
    assert decision.reason.endswith(".")


@given(tasks, models, open_ids)
def test_what_is_chosen_meets_all_constraints_and_is_cheapest(
    task: Task, some: list[Model], opened: frozenset[str]
) -> None:
    decision = route(task, some, opened.__contains__)
    by_id = {model.id: model for model in some}
    accepted = [by_id[each] for each in (decision.model, *decision.fallbacks) if each]
    for model in accepted:
        cost = model.worst_cost(task.context_tokens, task.output_tokens)
        assert cost <= min(task.budget_usd, task.team_budget_usd)
        assert model.tier >= decision.tier
        assert task.context_tokens + task.output_tokens <= model.context_tokens
        assert task.output_tokens <= model.output_tokens
        assert model.worst_seconds(task.output_tokens) <= task.latency_seconds
        assert model.id not in opened
    order = [
        (each.worst_cost(task.context_tokens, task.output_tokens), each.worst_seconds(task.output_tokens), each.id)
        for each in accepted
    ]
    assert order == sorted(order)


@given(tasks, models, open_ids, st.floats(0, 1), st.integers(0, 3), st.integers(0, 7))
def test_a_tighter_constraint_never_makes_the_choice_larger_or_cheaper(
    task: Task, some: list[Model], opened: frozenset[str], share: float, tiers: int, another: int
) -> None:
    loose = route(task, some, opened.__contains__)
    tighter = replace(
        task,
        latency_seconds=task.latency_seconds * share,
        budget_usd=task.budget_usd * share,
        team_budget_usd=min(task.team_budget_usd, task.team_budget_usd * share),
        min_tier=task.min_tier + tiers,
    )
    tight = route(tighter, some, {*opened, f"us.a.m{another}"}.__contains__)
    assert set(loose.refusals) <= set(tight.refusals)
    if tight.model is not None:
        costs = {each.id: each.worst_cost(task.context_tokens, task.output_tokens) for each in some}
        assert loose.model is not None
        assert costs[loose.model] <= costs[tight.model]


TASK = Task(TaskKind.ANSWER, "How do I restart the replica?", 6_000, 300, 8.0, 0.02, 5.0)


@pytest.mark.parametrize(
    ("task", "model", "tier"),
    [
        (TASK, HAIKU, 1),
        (replace(TASK, min_tier=2, latency_seconds=20, budget_usd=1), SONNET, 2),
        (
            replace(
                TASK,
                question="Why did INC-42 happen after CHG-88 on web-07 and api-11, compared with last week?",
                latency_seconds=20,
                budget_usd=1,
            ),
            OPUS,
            3,
        ),
        (replace(TASK, min_tier=9, latency_seconds=20, budget_usd=1), OPUS, 3),
        (replace(TASK, context_tokens=600_000, latency_seconds=20, budget_usd=1), HAIKU, 1),
        (replace(TASK, latency_seconds=1), None, 1),
        (replace(TASK, budget_usd=0.0001), None, 1),
    ],
)
def test_examples(task: Task, model: str | None, tier: int) -> None:
    decision = route(task, CATALOG, lambda _: False)
    assert (decision.model, decision.tier) == (model, tier)


def test_refusals_say_what_is_exceeded() -> None:
    decision = route(replace(TASK, budget_usd=0.01), CATALOG, lambda model: model == HAIKU)
    assert decision.model == OLD_HAIKU
    assert decision.refusals[HAIKU] == ("its breaker is open",)
    assert decision.refusals[OPUS] == (
        "15.5 s for 19 of 20 calls exceed the 8.0 s that are left",
        "up to 0.0396 USD exceed the request's 0.0100",
    )
    assert decision.reason == "The cheapest of 1 of 6 models, of tier 1 or more."
    nothing = route(replace(TASK, team_budget_usd=0.0), CATALOG, lambda _: False)
    assert nothing.reason.startswith(f"No model meets all constraints. {HAIKU}: up to 0.0010 USD exceed the team's 0.0")


@given(st.integers(0, 10_000_000), st.sampled_from(TaskKind))
def test_a_long_context_alone_never_raises_the_tier(tokens: int, kind: TaskKind) -> None:
    assert route(replace(TASK, kind=kind, context_tokens=tokens), CATALOG, lambda _: False).tier == 1


def test_a_long_question_alone_never_raises_the_tier() -> None:
    assert rate_complexity(TaskKind.ANSWER, "restart the replica " * 100).tier == 1


def test_items_and_reasoning_raise_the_tier() -> None:
    assert rate_complexity(TaskKind.ANSWER, "Why is redis-01 slow?").tier == 1
    assert rate_complexity(TaskKind.ANSWER, "Why are they slow?", items=3).tier == 2
    features = rate_complexity(TaskKind.ANSWER, "Explain why redis-01 and redis-02 differ, and compare web-1.").features
    assert features == {"words": 12, "clauses": 3, "reasoning": 3, "items": 2}

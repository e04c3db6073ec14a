"""Expressions are compiled and evaluated in threads; a run that works too much has failed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasources.embedded.postgres import EmbeddedPostgres
from resolvers.workflow_runs import scheduler as rounds
from resolvers.workflows.expressions.expression import (
    MAX_WORK,
    Expression,
    InvalidExpression,
    SharedBudget,
    compile_expression,
)
from resolvers.workflows.expressions.thread import run_in_thread
from tests.fixtures.profiles import examples
from tests.fixtures.runs import Runs, runs_opened, step

DEAR = "string(inputs.l.all(x, !inputs.s.matches('(a|b)*a(a|b){300}c')))"


@pytest.fixture(scope="module")
async def runs(postgres: EmbeddedPostgres) -> AsyncIterator[Runs]:
    async with runs_opened(postgres, "workflow_threads") as opened:
        yield opened


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Of each evaluation whether it was on the thread of the loop."""
    found: list[bool] = []
    evaluate = Expression.evaluate

    def watched(self: Expression, values: Mapping[str, Any], allowance: SharedBudget | None = None) -> Any:
        found.append(threading.current_thread() is threading.main_thread())
        return evaluate(self, values, allowance)

    monkeypatch.setattr(Expression, "evaluate", watched)
    return found


async def test_the_loop_goes_on_while_an_expression_is_evaluated() -> None:
    started, go_on = threading.Event(), threading.Event()

    def evaluated() -> Any:
        started.set()
        go_on.wait()
        return compile_expression("1 + 1").evaluate({})

    task = asyncio.create_task(run_in_thread(evaluated))
    ticks = 0
    while ticks < 100:
        await asyncio.sleep(0)
        ticks += started.is_set()
    assert not task.done()
    go_on.set()
    assert await task == 2


async def test_a_run_that_works_too_much_has_failed_and_is_not_tried_again(runs: Runs, threads: list[bool]) -> None:
    id = runs.publish(
        step("wait", "WAIT", seconds=1),
        step("tell", "NOTIFICATION", "wait", channel="c", message=DEAR, retry={"attempts": 3}),
        inputs=[{"name": "s"}, {"name": "l"}],
    )
    run = await runs.start(id, inputs={"s": "ab" * 2_048, "l": [0] * 40})
    later = runs.started(run) + timedelta(seconds=5)
    assert await rounds.advance_due(runs.operations.sources, later) == 1
    assert threads == [False]
    reason = "it takes too much work; use fewer items, or less data of each"
    assert runs.rows("SELECT state, reason FROM workflow_runs WHERE id = %s", run) == [
        ("FAILED", f"step tell failed: the expression of message has no value: {reason}")
    ]
    # Nothing of it is due any more, for this worker or for one that starts.
    assert await rounds.advance_due(runs.operations.sources, later + timedelta(days=1)) == 0
    assert runs.steps(run) == [("wait", 1, "SUCCEEDED"), ("tell", 1, "FAILED")]
    assert threads == [False]


async def test_the_steps_that_begin_together_share_their_work(runs: Runs) -> None:
    half = f"string([{','.join(['1'] * 300)}].all(x, inputs.s.size() + x + x + x + x + x + x + x + x > 0))"
    steps = [step(f"s{n}", "NOTIFICATION", channel="c", message=half) for n in range(20)]
    run = await runs.start(runs.publish(*steps, inputs=[{"name": "s"}]), inputs={"s": "a"})
    states = [state for _, _, state in runs.steps(run)]
    assert states.count("FAILED") == 1
    assert 5 < states.count("SUCCEEDED") < 19


LEAVES = st.sampled_from(["inputs.l", "inputs.s", "inputs.n", "inputs.t", "1", "'ab'", "x", "[1, 2, 3]", "{'a': 1}"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from("+*/<"), inner).map(lambda three: f"({three[0]} {three[1]} {three[2]})"),
        two.map(lambda pair: f"({pair[0]} == {pair[1]})"),
        two.map(lambda pair: f"({pair[0]} in {pair[1]})"),
        two.map(lambda pair: f"{pair[0]}.map(x, {pair[1]})"),
        two.map(lambda pair: f"{pair[0]}.exists(x, {pair[1]})"),
        two.map(lambda pair: f"{pair[0]}.all(x, !({pair[1]}))"),
        two.map(lambda pair: f"string({pair[0]}).matches(string({pair[1]}))"),
        two.map(lambda pair: f"{pair[0]}.contains({pair[1]})"),
        inner.map(lambda one: f"size({one})"),
        inner.map(lambda one: f"int({one})"),
        inner.map(lambda one: f"[{one}, {one}]"),
    )


@given(st.recursive(LEAVES, _grown, max_leaves=8), st.integers(0, 3_000))
@settings(max_examples=examples(100))
def test_any_expression_ends_within_its_work(text: str, size: int) -> None:
    values = {"inputs": {"l": list(range(size)), "s": "ab" * size, "n": size, "t": [{"a": "b" * size}] * (size // 9)}}
    allowance = SharedBudget(3 * MAX_WORK)
    try:
        compile_expression(text).evaluate(values, allowance)
    except InvalidExpression as error:
        # The clock is for what is not charged; the work ends everything before.
        assert "too much time" not in str(error)  # noqa: PT017
    assert 2 * MAX_WORK <= allowance.left < 3 * MAX_WORK or allowance.left == 3 * MAX_WORK

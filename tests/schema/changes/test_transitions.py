"""The life of a change against a plain model: legal steps land, illegal ones change nothing and name the legal."""

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from datasources.embedded.postgres import EmbeddedPostgres
from tests.fixtures.operations import opened
from tests.fixtures.writing import ADA, BOB, Writer, item

# By state, written down a second time and by hand: what is allowed, and where it leads. Work ends in two ways.
WORDS = {"updateChange": "PROPOSED", "linkChangeItems": "PROPOSED", "unlinkChangeItems": "PROPOSED"}
ALLOWED: dict[str, dict[str, str]] = {
    "PROPOSED": WORDS | {"approveChange": "APPROVED", "cancelChange": "CANCELLED"},
    "APPROVED": {"scheduleChange": "SCHEDULED", "startChange": "IN_PROGRESS", "cancelChange": "CANCELLED"},
    "SCHEDULED": {"scheduleChange": "SCHEDULED", "startChange": "IN_PROGRESS", "cancelChange": "CANCELLED"},
    "IN_PROGRESS": {"finishChange": "COMPLETED", "finishChange in vain": "FAILED"},
    "COMPLETED": {},
    "FAILED": {},
    "CANCELLED": {},
}
PLAN = {"plannedStart": "2026-05-01T08:00:00Z", "plannedEnd": "2026-05-01T09:00:00Z"}
STEPS: dict[str, dict[str, Any]] = {
    "updateChange": {"risk": "LOW"},
    "linkChangeItems": {"configurationItemIds": [item(1)]},
    "unlinkChangeItems": {"configurationItemIds": []},
    "approveChange": {},
    "scheduleChange": PLAN,
    "startChange": {},
    "finishChange": {"outcome": "COMPLETED"},
    "finishChange in vain": {"outcome": "FAILED"},
    "cancelChange": {},
}
TIMES = {
    "scheduleChange": "plannedStart", "startChange": "actualStart", "finishChange": "actualEnd",
    "finishChange in vain": "actualEnd",
}  # fmt: skip


def refusal(state: str, step: str) -> str:
    """What is said of a step that is not allowed."""
    names = sorted({each.removesuffix(" in vain") for each in ALLOWED[state]})
    return f"{step.removesuffix(' in vain')} is not allowed in state {state}; allowed: " + (", ".join(names) or "none")


# One life that meets what a random walk may miss.
WHOLE = (
    "updateChange", "linkChangeItems", "approveChange", "scheduleChange", "scheduleChange", "startChange",
    "finishChange in vain",
)  # fmt: skip


class Life(RuleBasedStateMachine):
    """One change, taken through steps at random, and what a plain model says of it. Ada proposes and Bob approves."""

    runner: ClassVar[asyncio.Runner]
    writing: ClassVar[Writer]

    def __init__(self) -> None:
        super().__init__()
        self.shown = self.do("proposeChange", title="A life").shown
        self.id: str = self.shown["id"]
        self.state, self.version = "PROPOSED", 1
        self.times: dict[str, bool] = dict.fromkeys(TIMES.values(), False)

    def do(self, step: str, **input: Any) -> Any:
        field = step.removesuffix(" in vain")
        return self.runner.run(self.writing.do(field, BOB if field == "approveChange" else ADA, **input))

    @rule(nth=st.integers(0, 11))
    def legal_step(self, nth: int) -> None:
        """Where any step is as likely as another, few walks go far."""
        if steps := sorted(ALLOWED[self.state]):
            self.take(steps[nth % len(steps)])

    @rule(step=st.sampled_from(sorted(STEPS)))
    def any_step(self, step: str) -> None:
        self.take(step)

    def take(self, step: str) -> None:
        done = self.do(step, id=self.id, expectedVersion=self.version, **STEPS[step])
        if step not in ALLOWED[self.state]:
            assert (done.codes, done.messages) == ([("ILLEGAL_STATE", None)], [refusal(self.state, step)])
        else:
            assert done.errors == []
            self.state, self.version = ALLOWED[self.state][step], self.version + 1
            if step in TIMES:
                self.times[TIMES[step]] = True
            self.shown = done.shown
            assert done.shown["state"] == self.state
        self.check()

    @rule(step=st.sampled_from(sorted(STEPS)), off=st.sampled_from([-1, 1]))
    def step_of_another_version(self, step: str, off: int) -> None:
        done = self.do(step, id=self.id, expectedVersion=self.version + off, **STEPS[step])
        assert done.codes == [("CONFLICT", "expectedVersion")]
        assert done.shown == self.shown
        self.check()

    def check(self) -> None:
        assert {name: self.shown[name] is not None for name in self.times} == self.times
        audit, outbox = self.writing.left(self.id)
        rows = self.writing.rows("SELECT state, version FROM changes WHERE id = %s", self.id[4:])
        assert rows == [(self.state, self.version)]
        assert [len(audit), len(outbox)] == [self.version] * 2
        assert self.writing.told(self.id)["state"] == self.state


@pytest.fixture
def life(postgres: EmbeddedPostgres) -> Iterator[None]:
    # Its own loop: the rules of a state machine are not coroutines, and pytest's loop is running.
    with asyncio.Runner() as runner:
        context = opened(postgres, "change_steps")
        operations = runner.run(context.__aenter__())
        Life.runner, Life.writing = runner, Writer(operations.sources, operations.url)
        yield
        runner.run(context.__aexit__(None, None, None))


def test_changes_live_by_the_table(life: None) -> None:
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=10, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
    life_of_one = Life()
    for each in WHOLE:
        life_of_one.take(each)
    assert life_of_one.version == len(WHOLE) + 1
    every_pair(Life.writing)


def every_pair(writing: Writer) -> None:
    """Every step from every state, once: the walk above may miss one."""
    for state, allowed in ALLOWED.items():
        for step, input in STEPS.items():
            life = Life()
            with psycopg.connect(writing.url, autocommit=True) as connection:
                connection.execute("UPDATE changes SET state = %s WHERE id = %s", (state, life.id[4:]))
            before = writing.everything()
            done = life.do(step, id=life.id, expectedVersion=1, **input)
            if step in allowed:
                assert (done.errors, done.shown["state"]) == ([], allowed[step])
            else:
                assert (done.codes, done.messages) == ([("ILLEGAL_STATE", None)], [refusal(state, step)])
                assert writing.everything() == before

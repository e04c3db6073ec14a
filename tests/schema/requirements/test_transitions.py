"""The life of a requirement against a plain model: legal steps land, illegal ones change nothing and name the legal."""

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from datasources.embedded.postgres import EmbeddedPostgres
from datasources.records.requirements import RequirementState
from tests.fixtures.operations import opened
from tests.fixtures.writing import ADA, Writer, item

TRACES = ("requirements", "requirement_configuration_items", "outbox", "audit_entries")

# By state, written down a second time and by hand: what is allowed, and where it leads.
ALLOWED: dict[str, dict[str, str]] = {
    "PROPOSED": {
        "updateRequirement": "PROPOSED", "linkRequirementItems": "PROPOSED", "unlinkRequirementItems": "PROPOSED",
        "acceptRequirement": "ACCEPTED", "rejectRequirement": "REJECTED", "withdrawRequirement": "WITHDRAWN",
    },
    "ACCEPTED": {
        "updateRequirement": "ACCEPTED", "linkRequirementItems": "ACCEPTED", "unlinkRequirementItems": "ACCEPTED",
        "meetRequirement": "MET", "withdrawRequirement": "WITHDRAWN",
    },
    "MET": {"unlinkRequirementItems": "MET", "reopenRequirement": "ACCEPTED", "withdrawRequirement": "WITHDRAWN"},
    "REJECTED": {"reconsiderRequirement": "PROPOSED"},
    "WITHDRAWN": {"reconsiderRequirement": "PROPOSED"},
}  # fmt: skip
STEPS: dict[str, dict[str, Any]] = {
    "updateRequirement": {"priority": "LOW"},
    "linkRequirementItems": {"configurationItemIds": [item(1)]},
    "unlinkRequirementItems": {"configurationItemIds": []},
    "acceptRequirement": {},
    "rejectRequirement": {},
    "meetRequirement": {},
    "reopenRequirement": {},
    "withdrawRequirement": {},
    "reconsiderRequirement": {},
}

# One life that meets every state and every step.
WHOLE = (
    "updateRequirement", "rejectRequirement", "reconsiderRequirement", "linkRequirementItems", "acceptRequirement",
    "meetRequirement", "reopenRequirement", "meetRequirement", "unlinkRequirementItems", "withdrawRequirement",
    "reconsiderRequirement",
)  # fmt: skip


def refusal(state: str, step: str) -> str:
    """What is said of a step that is not allowed."""
    return f"{step} is not allowed in state {state}; allowed: {', '.join(sorted(ALLOWED[state]))}"


class Life(RuleBasedStateMachine):
    """One requirement, taken through steps at random, and what a plain model says of it."""

    runner: ClassVar[asyncio.Runner]
    writing: ClassVar[Writer]

    def __init__(self) -> None:
        super().__init__()
        self.shown = self.do("createRequirement", key=f"life-{uuid4()}", title="A life").shown
        self.id: str = self.shown["id"]
        self.state, self.version = "PROPOSED", 1

    def do(self, step: str, **input: Any) -> Any:
        return self.runner.run(self.writing.do(step, ADA, **input))

    @rule(nth=st.integers(0, 11))
    def legal_step(self, nth: int) -> None:
        """Where any step is as likely as another, few walks go far."""
        steps = sorted(ALLOWED[self.state])
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
            self.shown = done.shown
        self.check()

    @rule(step=st.sampled_from(sorted(STEPS)), off=st.sampled_from([-1, 1]))
    def step_of_another_version(self, step: str, off: int) -> None:
        done = self.do(step, id=self.id, expectedVersion=self.version + off, **STEPS[step])
        assert done.codes == [("CONFLICT", "expectedVersion")]
        assert done.shown == self.shown
        self.check()

    def check(self) -> None:
        """Version 1 and one more with each write; an audit entry and a row of the outbox with each."""
        assert (self.shown["state"], self.shown["version"]) == (self.state, self.version)
        rows = self.writing.rows("SELECT state, version FROM requirements WHERE id = %s", self.id[4:])
        assert rows == [(self.state, self.version)]
        assert [len(each) for each in self.writing.left(self.id)] == [self.version] * 2
        told = self.writing.told(self.id)
        assert (told["state"], told["version"]) == (self.state, self.version)


@pytest.fixture
def life(postgres: EmbeddedPostgres) -> Iterator[None]:
    # Its own loop: the rules of a state machine are not coroutines, and pytest's loop is running.
    with asyncio.Runner() as runner:
        context = opened(postgres, "requirement_steps")
        operations = runner.run(context.__aenter__())
        Life.runner, Life.writing = runner, Writer(operations.sources, operations.requirements_url, TRACES)
        yield
        runner.run(context.__aexit__(None, None, None))


def test_requirements_live_by_the_table(life: None) -> None:
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
    assert set(ALLOWED) == set(RequirementState)
    for state, allowed in ALLOWED.items():
        for step, input in STEPS.items():
            life = Life()
            writing.rows("UPDATE requirements SET state = %s WHERE id = %s", state, life.id[4:])
            before = writing.everything()
            done = life.do(step, id=life.id, expectedVersion=1, **input)
            if step in allowed:
                assert (done.errors, done.shown["state"]) == ([], allowed[step])
            else:
                assert (done.codes, done.messages) == ([("ILLEGAL_STATE", None)], [refusal(state, step)])
                assert writing.everything() == before

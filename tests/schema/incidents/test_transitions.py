"""The life of an incident against a plain model: legal steps land, illegal ones change nothing and name the legal."""

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
from tests.fixtures.writing import ADA, Writer, item, team

# By state, written down a second time and by hand: what is allowed, and where it leads.
ALLOWED: dict[str, dict[str, str]] = {
    "NEW": {"startIncident": "IN_PROGRESS", "cancelIncident": "CANCELLED"},
    "IN_PROGRESS": {"holdIncident": "ON_HOLD", "resolveIncident": "RESOLVED", "cancelIncident": "CANCELLED"},
    "ON_HOLD": {"resumeIncident": "IN_PROGRESS", "resolveIncident": "RESOLVED", "cancelIncident": "CANCELLED"},
    "RESOLVED": {"reopenIncident": "IN_PROGRESS", "closeIncident": "CLOSED"},
    "CLOSED": {},
    "CANCELLED": {},
}
for state, steps in ALLOWED.items():
    steps["addIncidentNote"] = state
    if state not in {"CLOSED", "CANCELLED"}:
        steps.update(dict.fromkeys(("updateIncident", "linkIncidentItems", "unlinkIncidentItems"), state))
    if state in {"NEW", "IN_PROGRESS", "ON_HOLD"}:
        steps["assignIncident"] = state

KINDS = {
    "startIncident": "Started", "holdIncident": "Held", "resumeIncident": "Resumed", "resolveIncident": "Resolved",
    "reopenIncident": "Reopened", "closeIncident": "Closed", "cancelIncident": "Cancelled",
    "updateIncident": "Updated", "assignIncident": "Assigned", "addIncidentNote": "Note",
    "linkIncidentItems": "Items linked", "unlinkIncidentItems": "Items unlinked",
}  # fmt: skip

ITEMS = {"role": "AFFECTED", "configurationItemIds": []}
INPUTS: dict[str, dict[str, Any]] = {
    "resolveIncident": {"resolutionCode": "FIXED", "resolution": "Restarted."},
    "updateIncident": {"category": "web"},
    "assignIncident": {"teamId": team(1)},
    "addIncidentNote": {"note": "noted"},
    "linkIncidentItems": ITEMS | {"configurationItemIds": [item(1)]},
    "unlinkIncidentItems": ITEMS,
}
TIMES = {"reopenIncident": "reopenedAt", "resolveIncident": "resolvedAt", "closeIncident": "closedAt"}


# One life that meets what a random walk may miss.
WHOLE = (
    "startIncident", "holdIncident", "resumeIncident", "resolveIncident", "reopenIncident", "holdIncident",
    "resolveIncident", "closeIncident", "addIncidentNote",
)  # fmt: skip


class Life(RuleBasedStateMachine):
    """One incident, taken through steps at random, and what a plain model says of it."""

    runner: ClassVar[asyncio.Runner]
    writing: ClassVar[Writer]

    def __init__(self) -> None:
        super().__init__()
        shown = self.do("openIncident", title="A life").shown
        self.id, self.shown = shown["id"], shown
        self.state, self.version = "NEW", 1
        self.kinds = ["Opened"]
        self.times: dict[str, bool] = dict.fromkeys(TIMES.values(), False)

    def do(self, field: str, **input: Any) -> Any:
        return self.runner.run(self.writing.do(field, ADA, **input))

    @rule(nth=st.integers(0, 11))
    def legal_step(self, nth: int) -> None:
        """Where any step is as likely as another, few walks go far."""
        if steps := sorted(ALLOWED[self.state]):
            self.take(steps[nth % len(steps)])

    @rule(step=st.sampled_from(sorted(KINDS)))
    def any_step(self, step: str) -> None:
        self.take(step)

    def take(self, step: str) -> None:
        done = self.do(step, id=self.id, expectedVersion=self.version, **INPUTS.get(step, {}))
        if step not in ALLOWED[self.state]:
            assert done.codes == [("ILLEGAL_STATE", None)]
            allowed = ", ".join(sorted(ALLOWED[self.state]))
            assert done.messages == [f"{step} is not allowed in state {self.state}; allowed: {allowed}"]
        else:
            assert done.errors == []
            self.state, self.version = ALLOWED[self.state][step], self.version + 1
            self.kinds.append(KINDS[step])
            if step in TIMES:
                self.times[TIMES[step]] = True
            if step == "reopenIncident":
                self.times["resolvedAt"] = False
            self.shown = done.shown
            assert done.shown["state"] == self.state
        self.check()

    @rule(step=st.sampled_from(sorted(KINDS)), off=st.sampled_from([-1, 1]))
    def step_of_another_version(self, step: str, off: int) -> None:
        done = self.do(step, id=self.id, expectedVersion=self.version + off, **INPUTS.get(step, {}))
        assert done.codes == [("CONFLICT", "expectedVersion")]
        assert done.shown == self.shown
        self.check()

    def check(self) -> None:
        assert [each["kind"] for each in self.shown["activities"]] == self.kinds
        assert {name: self.shown[name] is not None for name in self.times} == self.times
        assert (self.shown["resolutionCode"] == "FIXED") == self.times["resolvedAt"]
        audit, outbox = self.writing.left(self.id)
        rows = self.writing.rows("SELECT state, version FROM incidents WHERE id = %s", self.id[4:])
        assert rows == [(self.state, self.version)]
        assert [len(audit), len(outbox), len(self.kinds)] == [self.version] * 3
        assert self.writing.told(self.id)["state"] == self.state


@pytest.fixture
def life(postgres: EmbeddedPostgres) -> Iterator[None]:
    # Its own loop: the rules of a state machine are not coroutines, and pytest's loop is running.
    with asyncio.Runner() as runner:
        context = opened(postgres, "incident_steps")
        operations = runner.run(context.__aenter__())
        Life.runner, Life.writing = runner, Writer(operations.sources, operations.url)
        yield
        runner.run(context.__aexit__(None, None, None))


def test_incidents_live_by_the_table(life: None) -> None:
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
        for step in KINDS:
            life = Life()
            with psycopg.connect(writing.url, autocommit=True) as connection:
                connection.execute("UPDATE incidents SET state = %s WHERE id = %s", (state, life.id[4:]))
            before = writing.everything()
            done = life.do(step, id=life.id, expectedVersion=1, **INPUTS.get(step, {}))
            if step in allowed:
                assert (done.errors, done.shown["state"]) == ([], allowed[step])
            else:
                assert done.codes == [("ILLEGAL_STATE", None)]
                assert done.messages[0].endswith(f"allowed: {', '.join(sorted(allowed))}")
                assert writing.everything() == before

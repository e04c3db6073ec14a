"""The laws of the machine by Hypothesis: a run led by chance, compared with a plain reading of what it must do."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert
from msgspec.structs import replace

from datasources.records.workflow_runs import (
    LockedRunRecord,
    WorkflowRunState,
    WorkflowStepRunRecord,
    WorkflowStepRunState,
)
from datasources.records.workflows import WorkflowStepKind
from resolvers.workflow_runs.state_machine import (
    FORWARD_STATES,
    LIVE_STATES,
    STARTED_STATES,
    Attempts,
    ExpressionFailed,
    RunStateMachine,
    retry_delay,
    topological_order,
)
from resolvers.workflows.definition import CONFIGURATIONS, Definition, Step, Trigger
from tests.fixtures.profiles import examples
from tests.oracles.runs import Oracle

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINIMAL: dict[str, dict[str, Any]] = {
    "MANUAL": {}, "APPROVAL": {}, "REMEDIATION": {"action": "mend"}, "NOTIFICATION": {"channel": "#ops"},
    "WAIT": {"seconds": 60},
}  # fmt: skip


class Said:
    """Values of expressions, as a test says them: a `when` is the text true, false or bad."""

    def is_condition_met(self, step: Step, before: Attempts) -> bool:
        if step.configuration.when == "bad":
            raise ExpressionFailed("there is no x")
        return step.configuration.when != "false"

    def content(self, step: Step, before: Attempts) -> Any:
        return sorted(before)


def made(*steps: Mapping[str, Any]) -> Definition:
    """A definition of steps, each `key kind after configuration`."""
    return Definition(
        id="w", key="w", revision=1, name="W", trigger=Trigger(), inputs=(),
        steps=tuple(
            Step(
                id=f"id-{each['key']}", key=each["key"], position=nth, name=each["key"],
                kind=WorkflowStepKind(each["kind"]), depends_on=tuple(each.get("after", ())),
                configuration=convert(
                    MINIMAL[each["kind"]] | each.get("configuration", {}),
                    CONFIGURATIONS[WorkflowStepKind(each["kind"])],
                ),
            )
            for nth, each in enumerate(steps)
        ),
    )  # fmt: skip


class Led:
    """A run in memory that is written after each move, as the engine does it."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.now = BEGIN
        self.run = LockedRunRecord(
            id="r", number="RUN1", workflow_id="w", incident_id=None, configuration_item_id=None,
            state=WorkflowRunState.RUNNING, started_by_id=None, started_at=BEGIN, finished_at=None, version=1,
            requested_by="USER:ada", cause_run_id=None, priority=None, inputs={}, reason="", ending=None, request_id="",
        )  # fmt: skip
        self.attempts: dict[str, WorkflowStepRunRecord] = {}
        self.begun: list[tuple[str, int]] = []
        self.ids = count()
        self.move(lambda _: None)

    def course(self) -> RunStateMachine:
        return RunStateMachine(
            self.definition, self.run, list(self.attempts.values()), self.now, Said(), lambda: f"a{next(self.ids):05}"
        )

    def move(self, fact: Any) -> None:
        """Something happens, and what follows is written."""
        course = self.course()
        fact(course)
        course.advance()
        self.attempts |= course.changed
        self.run = course.run
        self.begun += [(each.step.key, each.attempt.attempt) for each in course.started]

    def open(self) -> list[WorkflowStepRunRecord]:
        return sorted(
            (each for each in self.attempts.values() if each.state in STARTED_STATES), key=lambda each: each.id
        )

    def at_work(self, key: str) -> WorkflowStepRunRecord:
        [found] = [each for each in self.open() if each.step_id == f"id-{key}"]
        return found

    def later(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)
        self.move(lambda _: None)

    def done(self, key: str, **outcome: Any) -> None:
        self.move(lambda course: course.succeed(self.at_work(key), outcome))

    def lost(self, key: str, reason: str = "no luck") -> None:
        self.move(lambda course: course.fail(self.at_work(key), reason))

    def states(self) -> list[tuple[str, int, str]]:
        """Attempts in order of steps, then attempts."""
        places = {step.id: nth for nth, step in enumerate(self.definition.steps)}
        return [
            (each.step_id.removeprefix("id-"), each.attempt, each.state.value)
            for each in sorted(self.attempts.values(), key=lambda each: (places[each.step_id], each.attempt))
        ]


KEYS = "abcdef"


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    steps: list[dict[str, Any]] = []
    for nth, key in enumerate(KEYS[: draw(st.integers(1, 6))]):
        after = draw(st.lists(st.sampled_from(KEYS[:nth]), unique=True, max_size=2)) if nth else []
        configuration: dict[str, Any] = {"retry": {"attempts": draw(st.integers(1, 3)), "backoff": 10.0}}
        if draw(st.integers(0, 3)) == 0:
            configuration["when"] = draw(st.sampled_from(["true", "false", "bad"]))
        if draw(st.booleans()):
            configuration["timeout"] = 300
        steps.append(
            {"key": key, "kind": draw(st.sampled_from(sorted(MINIMAL))), "after": after, "configuration": configuration}
        )
    forward = [each["key"] for each in steps]
    for key in draw(st.lists(st.sampled_from(forward), unique=True, max_size=3)):
        steps.append(
            {
                "key": f"undo-{key}", "kind": draw(st.sampled_from(["MANUAL", "REMEDIATION", "NOTIFICATION"])),
                "configuration": {"compensates": key, "retry": {"attempts": draw(st.integers(1, 2)), "backoff": 1.0}},
            }
        )  # fmt: skip
    # Where a step is listed says nothing about when it begins.
    return made(*draw(st.permutations(steps)))


@settings(max_examples=examples(40))
@given(definitions(), st.data())
def test_a_run_led_by_chance_goes_as_the_oracle_says(definition: Definition, data: st.DataObject) -> None:
    led, oracle = Led(definition), Oracle(definition, BEGIN)
    for _ in range(120):
        assert (led.run.state.value, led.states()) == (oracle.state, oracle.states())
        assert led.begun == oracle.begun
        if led.run.state not in LIVE_STATES:
            break
        chosen = led.open()
        moves = [
            "later",
            *(["done", "lost"] if chosen else []),
            *(["cancel"] if led.run.state in FORWARD_STATES else []),
        ]
        match data.draw(st.sampled_from(moves)):
            case "later":
                seconds = data.draw(st.sampled_from([1, 15, 90, 400]))
                led.later(seconds)
                oracle.later(seconds)
            case "cancel":
                led.move(lambda course: course.cancel("enough"))
                oracle.cancel()
            case move:
                each = data.draw(st.sampled_from(chosen))
                key = each.step_id.removeprefix("id-")
                # No two people say something in the same moment.
                led.now = oracle.now = led.now + timedelta(milliseconds=1)
                if move == "done":
                    led.done(key)
                    oracle.done(key)
                else:
                    led.lost(key)
                    oracle.lost(key)


@settings(max_examples=examples(40))
@given(definitions(), st.randoms(use_true_random=False))
def test_every_run_ends_once_every_open_step_is_answered(definition: Definition, chance: Any) -> None:
    led = Led(definition)
    # Each step is tried three times at most, and each answer ends an attempt.
    for _ in range(3 * len(definition.steps) * 4):
        if led.run.state not in LIVE_STATES:
            break
        if led.open():
            each = chance.choice(led.open())
            key = each.step_id.removeprefix("id-")
            (led.done if chance.random() < 0.7 else led.lost)(key)
        else:
            led.later(3_600)
    assert led.run.state not in LIVE_STATES
    assert led.run.finished_at is not None
    assert all(each.finished_at is not None and each.due_at is None for each in led.attempts.values())
    assert len(set(led.begun)) == len(led.begun)


@settings(max_examples=examples(40))
@given(definitions(), st.randoms(use_true_random=False))
def test_a_run_read_anew_after_each_move_goes_the_same_way(definition: Definition, chance: Any) -> None:
    """Nothing that matters is in memory only: a second look at the same rows at the same time changes nothing."""
    led = Led(definition)
    for _ in range(30):
        again = led.course()
        again.advance()
        assert (again.run, again.changed, again.started) == (led.run, {}, [])
        if led.run.state not in LIVE_STATES:
            return
        if led.open() and chance.random() < 0.6:
            key = chance.choice(led.open()).step_id.removeprefix("id-")
            (led.done if chance.random() < 0.7 else led.lost)(key)
        else:
            led.later(chance.choice([5, 60, 600]))


def test_what_is_undone_is_what_succeeded_latest_first() -> None:
    led = Led(
        made(
            {"key": "a", "kind": "REMEDIATION"},
            {"key": "b", "kind": "REMEDIATION"},
            {"key": "announce", "kind": "NOTIFICATION", "after": ["b"]},
            {"key": "c", "kind": "REMEDIATION", "after": ["a"]},
            {"key": "undo-a", "kind": "REMEDIATION", "configuration": {"compensates": "a"}},
            {"key": "undo-b", "kind": "REMEDIATION", "configuration": {"compensates": "b", "retry": {"attempts": 2}}},
            {"key": "untell", "kind": "NOTIFICATION", "configuration": {"compensates": "announce"}},
            {"key": "undo-c", "kind": "REMEDIATION", "configuration": {"compensates": "c"}},
        )
    )
    led.done("a")
    led.later(1)
    led.done("b")
    led.lost("c", "disk is full")
    assert (led.run.state, led.run.ending) == (WorkflowRunState.COMPENSATING, WorkflowRunState.FAILED)
    # `announce` ended in the moment of b, and comes after it: it is undone first.
    assert led.begun[-2:] == [("untell", 1), ("undo-b", 1)]
    led.lost("undo-b")
    led.later(4)
    assert [each.step_id for each in led.open()] == []
    led.later(1)
    led.lost("undo-b", "still no luck")
    assert led.begun[-2:] == [("undo-b", 2), ("undo-a", 1)]
    led.done("undo-a")
    assert led.run.state is WorkflowRunState.FAILED
    assert led.run.reason == "step c failed: disk is full; not undone, undo-b failed: still no luck"
    assert ("undo-c", 1) not in led.begun


def test_what_depends_on_a_skipped_step_goes_on() -> None:
    led = Led(
        made(
            {"key": "a", "kind": "MANUAL", "configuration": {"when": "false"}},
            {"key": "b", "kind": "WAIT", "after": ["a"]},
        )
    )
    assert led.states() == [("a", 1, "SKIPPED"), ("b", 1, "RUNNING")]
    led.later(59.9)
    assert led.run.state is WorkflowRunState.RUNNING
    led.later(0.1)
    assert (led.run.state, led.run.finished_at) == (WorkflowRunState.SUCCEEDED, BEGIN + timedelta(seconds=60))


def test_attempts_wait_longer_each_time_and_time_out() -> None:
    led = Led(
        made(
            {
                "key": "a", "kind": "REMEDIATION",
                "configuration": {"timeout": 30, "retry": {"attempts": 3, "backoff": 10}},
            }
        )
    )  # fmt: skip
    led.later(30)
    assert led.states() == [("a", 1, "FAILED"), ("a", 2, "PENDING")]
    assert led.attempts["a00001"].due_at == BEGIN + timedelta(seconds=40)
    led.later(10)
    led.lost("a")
    assert led.attempts["a00002"].due_at == BEGIN + timedelta(seconds=60)
    led.later(20)
    led.later(30)
    assert led.run.state is WorkflowRunState.FAILED
    assert led.run.reason == "step a failed: timed out after 30 s"
    assert led.begun == [("a", 1), ("a", 2), ("a", 3)]


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 5), (2, 10), (3, 20), (10, 2_560), (11, 3_600), (5_000, 3_600)])
def test_pauses_double_up_to_an_hour(attempt: int, seconds: int) -> None:
    assert retry_delay(5, attempt) == timedelta(seconds=seconds)


def test_a_bad_expression_fails_its_step_and_is_not_tried_again() -> None:
    led = Led(made({"key": "a", "kind": "MANUAL", "configuration": {"when": "bad", "retry": {"attempts": 3}}}))
    assert led.states() == [("a", 1, "FAILED")]
    assert (led.run.state, led.run.reason) == (WorkflowRunState.FAILED, "step a failed: there is no x")


def test_a_run_waits_for_people_only_if_nothing_else_is_open() -> None:
    led = Led(made({"key": "a", "kind": "MANUAL"}, {"key": "b", "kind": "WAIT"}))
    before = led.run.state
    led.later(60)
    assert (before, led.run.state) == (WorkflowRunState.RUNNING, WorkflowRunState.WAITING)


def test_steps_that_wait_for_each_other_end_the_run() -> None:
    led = Led(made({"key": "a", "kind": "MANUAL", "after": ["b"]}, {"key": "b", "kind": "MANUAL", "after": ["a"]}))
    assert led.run.state is WorkflowRunState.FAILED
    assert led.run.reason == "no step can begin: those that are left wait for each other"
    assert topological_order(led.definition.steps) == ["a", "b"]


def test_a_step_knows_those_that_it_comes_after() -> None:
    definition = made(
        {"key": "a", "kind": "MANUAL"},
        {"key": "b", "kind": "MANUAL", "after": ["a"]},
        {"key": "c", "kind": "REMEDIATION", "after": ["b"]},
        {"key": "x", "kind": "MANUAL"},
        {"key": "undo", "kind": "REMEDIATION", "configuration": {"compensates": "c"}},
    )
    led = Led(definition)
    contents: dict[str, Any] = {}

    def step(key: str) -> None:
        course = led.course()
        course.succeed(led.at_work(key), {})
        course.advance()
        led.attempts |= course.changed
        led.run = course.run
        contents.update({each.step.key: each.content for each in course.started})

    step("a")
    step("b")
    step("c")
    course = led.course()
    course.cancel("enough")
    course.advance()
    contents.update({each.step.key: each.content for each in course.started})
    assert contents == {"b": ["a"], "c": ["a", "b"], "undo": ["a", "b", "c"]}


def test_an_imported_run_uses_the_rows_that_it_has() -> None:
    led = Led(made({"key": "a", "kind": "MANUAL"}, {"key": "b", "kind": "APPROVAL", "after": ["a"]}))
    waiting = WorkflowStepRunRecord(
        id="p", run_id="r", step_id="id-b", state=WorkflowStepRunState.PENDING, attempt=1, started_at=None,
        finished_at=None, outcome={}, due_at=None, reason="",
    )  # fmt: skip
    led.attempts["p"] = waiting
    led.done("a")
    assert led.attempts["p"] == replace(waiting, state=WorkflowStepRunState.WAITING, started_at=BEGIN)

"""Publishing tells everything that is wrong with a definition, where it is, and what to do."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resolvers.workflows.checking.definitions import find_problems, forward_dependencies
from resolvers.workflows.dependencies import find_cycles
from tests.fixtures.profiles import examples
from tests.oracles.order import left_over
from tests.resolvers.workflows.definitions import definition, step

OPENED = {"event": "incident.opened"}


def found(*steps: dict[str, Any], **given: Any) -> list[tuple[str | None, str]]:
    return [(each.field, each.message) for each in find_problems(definition(*steps, **given))]


def test_nothing_is_wrong() -> None:
    assert found(
        step("agree", kind="APPROVAL", approvals=2, users=["ada", "ben"], when="incident.priority == 1"),
        step("drain-node", "agree", kind="REMEDIATION", action="drain", timeout=60,
             inputs={"node": "items[0].name", "size": "inputs.size"}, retry={"attempts": 3, "backoff": 0.5}),
        step("pause", "drain-node", kind="WAIT", seconds=5),
        step("tell", "pause", kind="NOTIFICATION", channel="#ops",
             message="'Done: ' + steps['drain-node'].outcome.text + run.number"),
        step("refill", kind="REMEDIATION", action="fill", compensates="drain-node",
             inputs={"was": "steps['drain-node'].outcome.was", "by": "steps.agree.state"}),
        trigger=OPENED | {"class": "service", "environment": ["PRODUCTION"], "labels": {"tier": "1"},
                          "priority": [1, 2], "category": "availability",
                          "when": "!incident.restricted && size(items) > 0"},
        inputs=[{"name": "size", "default": 3}],
    ) == []  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "given", "expected"),
    [
        ([], {}, [("steps", "there are no steps")]),
        ([step("a")], {"key": "Mend It"}, [("key", "'Mend It' is not a valid key")]),
        ([step("a")], {"name": " "}, [("name", "name is empty")]),
        ([step("a"), step("a")], {}, [("steps.0.key", "2 steps have the key a"), ("steps.1.key", "2 steps have")]),
        ([step("A")], {}, [("steps.0.key", "'A' is not a valid key")]),
        ([step("a") | {"name": ""}], {}, [("steps.0.name", "name is empty")]),
        ([step("a", "b")], {}, [("steps.0.depends_on", "there is no step b; use one of a")]),
        ([step("a", "a")], {}, [("steps.0.depends_on", "steps wait for each other: a -> a;")]),
        (
            [step("a", "b"), step("b", "c"), step("c", "a"), step("d", "c"), step("e", "d"), step("f")],
            {},
            [
                ("steps.0.depends_on", "steps wait for each other: a -> b -> c -> a;"),
                ("steps.3.depends_on", "it can never start: it waits for a, which waits for itself"),
                ("steps.4.depends_on", "it can never start: it waits for a, which waits for itself"),
            ],
        ),
        (
            [step("a", "b"), step("b", "a"), step("c", "d"), step("d", "c")],
            {},
            [
                ("steps.0.depends_on", "steps wait for each other: a -> b -> a;"),
                ("steps.2.depends_on", "steps wait for each other: c -> d -> c;"),
            ],
        ),
        (
            [step("a"), step("undo", compensates="a"), step("b", "undo")],
            {},
            [("steps.2.depends_on", "it can never start: undo compensates")],
        ),
        ([step("a", compensates="b")], {}, [("steps.0.compensates", "there is no step b")]),
        ([step("a", compensates="a")], {}, [("steps.0.compensates", "a step cannot compensate itself")]),
        (
            [step("a"), step("b", compensates="a"), step("c", compensates="b")],
            {},
            [("steps.2.compensates", "b compensates another step")],
        ),
        ([step("a"), step("b", "a", compensates="a")], {}, [("steps.1.depends_on", "a compensating step runs")]),
        ([step("a", retry={"attempts": 11})], {}, [("steps.0.retry.attempts", "attempts must be from 1 to 10")]),
        ([step("a", retry={"backoff": 3601})], {}, [("steps.0.retry.backoff", "backoff must be from 0 to 3600")]),
        ([step("a", timeout=0)], {}, [("steps.0.timeout", "timeout must be from 1 to 2592000")]),
        ([step("a", kind="WAIT", seconds=2_592_001)], {}, [("steps.0.wait.seconds", "seconds must be from 1")]),
        ([step("a", kind="WAIT", seconds=5, timeout=5)], {}, [("steps.0.timeout", "the step would time out")]),
        ([step("a", kind="APPROVAL", approvals=0)], {}, [("steps.0.approval.approvals", "approvals must be")]),
        (
            [step("a", kind="APPROVAL", approvals=2, users=["ada", "ada"])],
            {},
            [("steps.0.approval.approvals", "2 approvals are required from 1 people")],
        ),
        ([step("a", kind="REMEDIATION", action=" ")], {}, [("steps.0.remediation.action", "action is empty")]),
        ([step("a", kind="NOTIFICATION", channel="")], {}, [("steps.0.notification.channel", "channel is empty")]),
        ([step("a")], {"trigger": OPENED | {"priority": [0, 1, 6]}},
         [("trigger.priority.0", "priority must be"), ("trigger.priority.2", "priority must be")]),
        ([step("a")], {"trigger": OPENED | {"environment": ["TEST", "production"]}},
         [("trigger.environment.1", "there is no environment production; use one of PRODUCTION, STAGING")]),
        ([step("a")], {"trigger": {"class": "service", "when": "true"}},
         [("trigger.class", "class cannot be used with manual"), ("trigger.when", "when cannot be used with manual")]),
        ([step("a")], {"trigger": {"event": "configuration-item.changed", "priority": [1]}},
         [("trigger.priority", "priority cannot be used with configuration-item.changed")]),
        ([step("a")], {"trigger": {"event": "workflow-run.finished"}},
         [("trigger.workflows", "workflows is empty")]),
        ([step("a")], {"trigger": {"event": "workflow-run.finished", "workflows": ["other", "mend"]}},
         [("trigger.workflows.1", "it would start itself: mend -> mend")]),
        ([step("a")], {"inputs": [{"name": "a b"}, {"name": "x"}, {"name": "x"}]},
         [("inputs.0.name", "'a b' is not a valid name"),
          ("inputs.1.name", "there are 2 inputs x"), ("inputs.2.name", "there a")]),
        ([step("a")], {"inputs": [{"name": "x"}], "trigger": OPENED},
         [("inputs.0.default", "the input x has no default, and a trigger passes no inputs")]),
        ([step("a", when="1 +")], {}, [("steps.0.when", "it is not a CEL expression")]),
        ([step("a", when="inputs.size > 1")], {"inputs": [{"name": "sizes"}]},
         [("steps.0.when", "there is no input size; declare it, or use one of sizes")]),
        ([step("a"), step("b", when="steps.a.state == 'SUCCEEDED'")], {},
         [("steps.1.when", "the step a has not ended by then; add it to dependsOn, or use one of none")]),
        ([step("a"), step("b", "a"), step("c", "b", when="has(steps.a.outcome.x) && steps.d.state == ''")], {},
         [("steps.2.when", "the step d has not ended by then; add it to dependsOn, or use one of a, b")]),
        ([step("a"), step("b", "a", when="steps['a'].result == 1")], {},
         [("steps.1.when", "a step has no result; its members are outcome, state")]),
        ([step("a", when="size(steps) == 1")], {}, [("steps.0.when", "the step is missing")]),
        ([step("a", kind="NOTIFICATION", channel="c", message="incident.title")], {},
         [("steps.0.notification.message", "incident has no title; its members are number, priority")]),
        ([step("a", kind="REMEDIATION", action="x", inputs={"n": "item.name", "m": "run.cause.key"})], {},
         [("steps.0.remediation.inputs.n", "there is no item here; an expression can use inputs, steps"),
          ("steps.0.remediation.inputs.m", "cause has no key; its members are workflow, number, state")]),
        ([step("a")], {"trigger": OPENED | {"when": "inputs.x"}},
         [("trigger.when", "there is no inputs here; an expression can use incident, items")]),
        ([step("a")], {"trigger": {"event": "configuration-item.created", "when": "incident.priority == 1"}},
         [("trigger.when", "there is no incident here; an expression can use items")]),
        ([step("a"), step("b", "a"), step("u", compensates="a", when="steps.b.state == ''")], {},
         [("steps.2.when", "the step b has not ended by then; add it to dependsOn, or use one of a")]),
    ],
)  # fmt: skip
def test_problem(steps: list[dict[str, Any]], given: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    told = found(*steps, **given)
    assert [field for field, _ in told] == [field for field, _ in expected]
    for (_, message), (_, beginning) in zip(told, expected, strict=True):
        assert message.startswith(beginning)


def test_all_at_once() -> None:
    told = found(
        step("a", "b", when="nowhere"), step("b", "a", timeout=-1), step("b", kind="WAIT", seconds=0),
        trigger=OPENED | {"priority": [9], "workflows": ["x"]}, inputs=[{"name": "y"}],
    )  # fmt: skip
    assert [field for field, _ in told] == [
        "inputs.0.default", "trigger.workflows", "trigger.priority.0", "steps.1.key", "steps.2.key", "steps.1.timeout",
        "steps.2.wait.seconds", "steps.0.depends_on", "steps.0.when",
    ]  # fmt: skip


def test_sizes() -> None:
    many = [step(f"s{n}") for n in range(101)]
    assert found(*many) == [("steps", "there are 101 steps; at most 100 are allowed, so split it")]
    assert found(*many[:100]) == []
    assert found(step("a"), inputs=[{"name": f"i{n}"} for n in range(51)]) == [
        ("inputs", "there are 51 inputs; at most 50 are allowed")
    ]


KEYS = st.sampled_from("abcdef")


@given(st.dictionaries(KEYS, st.sets(KEYS, max_size=3), max_size=6))
@settings(max_examples=examples(100))
def test_cycles_are_those_that_an_oracle_finds(edges: dict[str, set[str]]) -> None:
    edges = {key: waits & edges.keys() for key, waits in edges.items()}
    named = find_cycles(edges)
    left = left_over(edges)
    assert bool(named) == bool(left)
    for cycle in named:
        assert cycle[0] == cycle[-1]
        assert all(after in edges[before] for before, after in pairwise(cycle))
        assert len(set(cycle)) == len(cycle) - 1
    # With one edge of each cycle taken away again and again, the oracle finds nothing any more.
    while named:
        for before, after, *_ in named:
            edges[before] -= {after}
        named = find_cycles(edges)
    assert left_over(edges) == set()


@given(st.data())
@settings(max_examples=examples(100))
def test_a_step_that_can_never_begin_is_told(data: st.DataObject) -> None:
    keys = data.draw(st.lists(KEYS, unique=True, min_size=1))
    steps = [step(key, *sorted(data.draw(st.sets(st.sampled_from(keys), max_size=2)))) for key in keys]
    made = definition(*steps)
    told = {each.field for each in find_problems(made)}
    left = left_over(forward_dependencies(made))
    cyclic = {key for cycle in find_cycles(forward_dependencies(made)) for key in cycle}
    for nth, key in enumerate(keys):
        if key in left and key not in cyclic:
            # Either it is on a cycle that another step of the same knot is named for, or it is told.
            on_one = key in {
                each
                for each in left
                if key in _reach(forward_dependencies(made), each) and each in _reach(forward_dependencies(made), key)
            }
            assert on_one or f"steps.{nth}.depends_on" in told
        if key not in left:
            assert f"steps.{nth}.depends_on" not in told
    assert bool(told) == bool(left)


def _reach(edges: dict[str, list[str]], start: str) -> set[str]:
    found: set[str] = set()
    for _ in edges:
        found |= {after for before in found | {start} for after in edges[before]}
    return found

"""The page on state machines is what the tables say, and each step of a table is a mutation of its name."""

import re
from pathlib import Path

import pytest

from datasources.records.changes import ChangeState
from datasources.records.incidents import IncidentState
from datasources.records.requirements import RequirementState
from resolvers.changes.use_cases import STATE_MACHINE as CHANGES
from resolvers.incidents.state_machine import PRIORITY_MATRIX
from resolvers.incidents.state_machine import STATE_MACHINE as INCIDENTS
from resolvers.requirements.use_cases import STATE_MACHINE as REQUIREMENTS
from resolvers.state_machine import StateMachine, Transition, define_state_machine
from resolvers.unit_of_work import UserErrorCode, ValidationFailed

PAGE = (Path(__file__).parents[2] / "docs" / "state-machines.md").read_text()


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def row(step: Transition) -> tuple[str, str, str, str]:
    """A step as the page tells it."""
    times = [f"{verb} {', '.join(names)}" for verb, names in (("sets", step.stamps), ("clears", step.clears)) if names]
    return step.name, ", ".join(step.origins), ", ".join(step.targets) or "as before", ", ".join(times)


@pytest.mark.parametrize(
    ("title", "life"), [("Incidents", INCIDENTS), ("Changes", CHANGES), ("Requirements", REQUIREMENTS)]
)
def test_the_page_tells_every_step(title: str, life: StateMachine) -> None:
    told = re.findall(r"^\| `(\w+)` \| ([^|]*?) \| ([^|]*?) \| ([^|]*?) ?\|$", section(title), re.MULTILINE)
    assert told == [row(step) for step in life.transitions.values()]


def test_the_page_tells_the_matrix() -> None:
    told = re.findall(r"^\| (\d) \| (\d) \| (\d) \| (\d) \| (\d) \| (\d) \|$", section("Priority"), re.MULTILINE)
    assert [tuple(map(int, each)) for each in told] == [(n, *each) for n, each in enumerate(PRIORITY_MATRIX, 1)]


@pytest.mark.parametrize(
    ("life", "states"), [(INCIDENTS, IncidentState), (CHANGES, ChangeState), (REQUIREMENTS, RequirementState)]
)
def test_every_state_is_reached_from_the_first(
    life: StateMachine, states: type[IncidentState] | type[ChangeState] | type[RequirementState]
) -> None:
    first, *_ = states
    reached: set[str] = {first}
    for _ in states:
        reached |= {
            target for step in life.transitions.values() if reached & set(step.origins) for target in step.targets
        }
    assert reached == set(states)


def test_a_refusal_names_what_is_allowed() -> None:
    life = define_state_machine(
        Transition("open", ("SHUT",), ("OPEN",)),
        Transition("knock", ("SHUT",)),
        Transition("shut", ("OPEN",), ("SHUT",)),
    )
    assert life.allowed_transitions("SHUT") == ["knock", "open"]
    with pytest.raises(ValidationFailed) as refused:
        life.require_transition("shut", "SHUT")
    [error] = refused.value.errors
    assert (error.code, error.field) == (UserErrorCode.ILLEGAL_STATE, None)
    assert error.message == "shut is not allowed in state SHUT; allowed: knock, open"
    with pytest.raises(ValidationFailed, match="allowed: none"):
        life.require_transition("open", "GONE")

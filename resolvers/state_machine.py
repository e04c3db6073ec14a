"""Lives of records as data: which step leads from which states to which, and what it leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass

from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed


@dataclass(frozen=True, slots=True)
class Transition:
    """A step, named as the mutation that takes it. Without `targets` the state stays as it is.

    `stamps` names times that the step sets to now, `clears` those that it empties; `kind` is what the step is called
    among the activities of the record, if it has any.
    """

    name: str
    origins: tuple[str, ...]
    targets: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    activity_kind: str = ""


@dataclass(frozen=True, slots=True)
class StateMachine:
    """All steps of one kind of record, by name."""

    transitions: Mapping[str, Transition]

    def allowed_transitions(self, state: str) -> list[str]:
        """The names of the steps that lead from a state, sorted."""
        return sorted(name for name, step in self.transitions.items() if state in step.origins)

    def require_transition(self, name: str, state: str) -> Transition:
        """The step of this name. Refused if it does not lead from this state; the message names those that do."""
        step = self.transitions[name]
        if state not in step.origins:
            allowed = ", ".join(self.allowed_transitions(state)) or "no step at all"
            raise ValidationFailed(
                UserError(UserErrorCode.ILLEGAL_STATE, None, f"in state {state} there is no {name}; allowed: {allowed}")
            )
        return step


def define_state_machine(*steps: Transition) -> StateMachine:
    """A life of these steps."""
    return StateMachine({step.name: step for step in steps})

"""State machines as data: the transitions of a record, their states, and the columns that they set or clear."""

from collections.abc import Mapping
from dataclasses import dataclass

from resolvers.unit_of_work import UserError, UserErrorCode, ValidationFailed


@dataclass(frozen=True, slots=True)
class Transition:
    """A transition, named after its mutation. Without `targets` the state does not change.

    `stamps` names the timestamps that it sets to now, `clears` those that it empties; `activity_kind` is its name in
    the activities of the record, if it has any.
    """

    name: str
    origins: tuple[str, ...]
    targets: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    activity_kind: str = ""


@dataclass(frozen=True, slots=True)
class StateMachine:
    """All transitions of one kind of record, by name."""

    transitions: Mapping[str, Transition]

    def allowed_transitions(self, state: str) -> list[str]:
        """Return the sorted names of the transitions that a state allows."""
        return sorted(name for name, step in self.transitions.items() if state in step.origins)

    def require_transition(self, name: str, state: str) -> Transition:
        """Return the transition `name`. Refused if the state does not allow it; the message names the allowed ones."""
        step = self.transitions[name]
        if state not in step.origins:
            allowed = ", ".join(self.allowed_transitions(state)) or "none"
            raise ValidationFailed(
                UserError(
                    UserErrorCode.ILLEGAL_STATE, None, f"{name} is not allowed in state {state}; allowed: {allowed}"
                )
            )
        return step


def define_state_machine(*steps: Transition) -> StateMachine:
    """Return a state machine with these transitions."""
    return StateMachine({step.name: step for step in steps})

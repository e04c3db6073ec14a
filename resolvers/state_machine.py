"""Lives of records as data: which step leads from which states to which, and what it leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass

from resolvers.unit_of_work import Refused, UserError, UserErrorCode


@dataclass(frozen=True, slots=True)
class Step:
    """A step, named as the mutation that takes it. Without `targets` the state stays as it is.

    `stamps` names times that the step sets to now, `clears` those that it empties; `kind` is what the step is called
    among the activities of the record, if it has any.
    """

    name: str
    origins: tuple[str, ...]
    targets: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """All steps of one kind of record, by name."""

    steps: Mapping[str, Step]

    def legal(self, state: str) -> list[str]:
        """The names of the steps that lead from a state, sorted."""
        return sorted(name for name, step in self.steps.items() if state in step.origins)

    def step(self, name: str, state: str) -> Step:
        """The step of this name. Refused if it does not lead from this state; the message names those that do."""
        step = self.steps[name]
        if state not in step.origins:
            allowed = ", ".join(self.legal(state)) or "no step at all"
            raise Refused(
                UserError(UserErrorCode.ILLEGAL_STATE, None, f"in state {state} there is no {name}; allowed: {allowed}")
            )
        return step


def lifecycle(*steps: Step) -> Lifecycle:
    """A life of these steps."""
    return Lifecycle({step.name: step for step in steps})

"""Apply transitions of incidents according to their state machine."""

from collections.abc import Sequence

from msgspec import Struct, structs

from datasources.records.incidents import IncidentState
from resolvers import validation
from resolvers.incidents.use_cases import lock_for_transition, write_transition
from resolvers.unit_of_work import Write


class IncidentTransition(Struct, frozen=True, kw_only=True):
    """A transition with an optional note."""

    id: str
    expected_version: int
    note: str = ""


class StartIncident(IncidentTransition, frozen=True, kw_only=True):
    """Start work on the incident."""


class HoldIncident(IncidentTransition, frozen=True, kw_only=True):
    """Put work on hold."""


class ResumeIncident(IncidentTransition, frozen=True, kw_only=True):
    """Resume work."""


class ReopenIncident(IncidentTransition, frozen=True, kw_only=True):
    """Reopen an incident that was not really resolved."""


class CloseIncident(IncidentTransition, frozen=True, kw_only=True):
    """Close the incident; no work remains."""


class CancelIncident(IncidentTransition, frozen=True, kw_only=True):
    """Cancel an incident that was opened by mistake."""


class ResolveIncident(Struct, frozen=True, kw_only=True):
    """Resolve the incident."""

    id: str
    expected_version: int
    resolution_code: str
    resolution: str


async def transition(write: Write, command: IncidentTransition, *, name: str) -> Sequence[str]:
    """Apply the transition `name`, a mutation. The resolution is cleared when the incident is reopened."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, name)
    [target] = step.targets
    after = structs.replace(before, state=IncidentState(target))
    if "resolved_at" in step.clears:
        after = structs.replace(after, resolution_code="", resolution="")
    return await write_transition(write, before, after, step, body=command.note)


async def resolve(write: Write, command: ResolveIncident) -> Sequence[str]:
    """Resolve the incident; the activity keeps the resolution even after a reopening."""
    code = validation.require_text(command.resolution_code, "resolution_code")
    resolution = validation.require_text(command.resolution, "resolution")
    before, step = await lock_for_transition(write, command.id, command.expected_version, "resolveIncident")
    after = structs.replace(before, state=IncidentState.RESOLVED, resolution_code=code, resolution=resolution)
    return await write_transition(write, before, after, step, body=resolution)

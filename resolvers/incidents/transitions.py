"""Incidents taken from state to state, along the life in incident_life."""

from collections.abc import Sequence

from msgspec import Struct, structs

from datasources.records.incidents import IncidentState
from resolvers import validation as rules
from resolvers.incidents.use_cases import lock_for_transition, write_transition
from resolvers.unit_of_work import Write


class IncidentTransition(Struct, frozen=True, kw_only=True):
    """A step without more to say than a note."""

    id: str
    expected_version: int
    note: str = ""


class StartIncident(IncidentTransition, frozen=True, kw_only=True):
    """Somebody works on it."""


class HoldIncident(IncidentTransition, frozen=True, kw_only=True):
    """Work waits."""


class ResumeIncident(IncidentTransition, frozen=True, kw_only=True):
    """Work goes on."""


class ReopenIncident(IncidentTransition, frozen=True, kw_only=True):
    """It was not solved after all."""


class CloseIncident(IncidentTransition, frozen=True, kw_only=True):
    """Nothing more is to be done."""


class CancelIncident(IncidentTransition, frozen=True, kw_only=True):
    """It was no incident."""


class ResolveIncident(Struct, frozen=True, kw_only=True):
    """It is solved."""

    id: str
    expected_version: int
    resolution_code: str
    resolution: str


async def transition(write: Write, command: IncidentTransition, *, name: str) -> Sequence[str]:
    """The incident after the step `name`, a mutation's. What was said of the solution holds only while it is solved."""
    before, step = await lock_for_transition(write, command.id, command.expected_version, name)
    [target] = step.targets
    after = structs.replace(before, state=IncidentState(target))
    if "resolved_at" in step.clears:
        after = structs.replace(after, resolution_code="", resolution="")
    return await write_transition(write, before, after, step, body=command.note)


async def resolve(write: Write, command: ResolveIncident) -> Sequence[str]:
    """The incident solved; how is told by the incident and, after a reopening, by the activity."""
    code = rules.require_text(command.resolution_code, "resolutionCode")
    resolution = rules.require_text(command.resolution, "resolution")
    before, step = await lock_for_transition(write, command.id, command.expected_version, "resolveIncident")
    after = structs.replace(before, state=IncidentState.RESOLVED, resolution_code=code, resolution=resolution)
    return await write_transition(write, before, after, step, body=resolution)

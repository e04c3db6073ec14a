"""Apply transitions of incidents according to their state machine."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, structs

from datasources.records.incidents import IncidentState
from resolvers import validation
from resolvers.incidents.use_cases import IncidentCommand, lock_for_transition, write_transition
from resolvers.unit_of_work import Write


class IncidentTransition(IncidentCommand, frozen=True, kw_only=True):
    """A transition with an optional note."""

    note: Annotated[str, Meta(description="The reason, for the activities of the incident.")] = ""


class ResolveIncident(IncidentCommand, frozen=True, kw_only=True):
    """The incident to resolve, and its resolution."""

    resolution_code: Annotated[str, Meta(description="How it was solved, as a code, for example `WORKAROUND`.")]
    resolution: Annotated[str, Meta(description="How it was solved.")]


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

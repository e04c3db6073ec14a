"""Mutations of the state of incidents."""

from functools import partial

import strawberry

from resolvers.incidents import transitions
from schema.declarations.mutations import MutationDeclaration, VersionedInput, mutation
from schema.incidents.mutations import ID_PREFIXES, WRITE_PERMISSION, IncidentPayload


@strawberry.input
class NotedStepInput(VersionedInput):
    """The fields that the inputs of simple transitions share."""

    note: str = strawberry.field(default="", description="The reason, for the activities of the incident.")


@strawberry.input(description="The incident to start.")
class StartIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident to put on hold.")
class HoldIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident to resume.")
class ResumeIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident to resolve, and its resolution.")
class ResolveIncidentInput(VersionedInput):
    resolution_code: str = strawberry.field(description="How it was solved, as a code, for example `WORKAROUND`.")
    resolution: str = strawberry.field(description="How it was solved.")


@strawberry.input(description="The resolved incident to reopen.")
class ReopenIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident to close.")
class CloseIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident to cancel.")
class CancelIncidentInput(NotedStepInput):
    pass


@strawberry.type(description="The started incident, or why it was not started.")
class StartIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident on hold, or why it was not put on hold.")
class HoldIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The resumed incident, or why it was not resumed.")
class ResumeIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The resolved incident, or why it was not resolved.")
class ResolveIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The reopened incident, or why it was not reopened.")
class ReopenIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The closed incident, or why it was not closed.")
class CloseIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The cancelled incident, or why it was not cancelled.")
class CancelIncidentPayload(IncidentPayload):
    pass


@strawberry.type
class IncidentStepMutations:
    start_incident: StartIncidentPayload | None = mutation(
        MutationDeclaration(
            transitions.StartIncident, partial(transitions.transition, name="startIncident"), ID_PREFIXES
        ),
        StartIncidentInput,
        "Start the work on a new incident.",
        needs=WRITE_PERMISSION,
    )
    hold_incident: HoldIncidentPayload | None = mutation(
        MutationDeclaration(
            transitions.HoldIncident, partial(transitions.transition, name="holdIncident"), ID_PREFIXES
        ),
        HoldIncidentInput,
        "Put an incident in progress on hold: it waits for something outside the team.",
        needs=WRITE_PERMISSION,
    )
    resume_incident: ResumeIncidentPayload | None = mutation(
        MutationDeclaration(
            transitions.ResumeIncident, partial(transitions.transition, name="resumeIncident"), ID_PREFIXES
        ),
        ResumeIncidentInput,
        "Resume the work on an incident on hold.",
        needs=WRITE_PERMISSION,
    )
    resolve_incident: ResolveIncidentPayload | None = mutation(
        MutationDeclaration(transitions.ResolveIncident, transitions.resolve, ID_PREFIXES),
        ResolveIncidentInput,
        "Resolve an incident in progress or on hold.",
        needs=WRITE_PERMISSION,
    )
    reopen_incident: ReopenIncidentPayload | None = mutation(
        MutationDeclaration(
            transitions.ReopenIncident, partial(transitions.transition, name="reopenIncident"), ID_PREFIXES
        ),
        ReopenIncidentInput,
        "Reopen a resolved incident. Its resolution remains only in its activities.",
        needs=WRITE_PERMISSION,
    )
    close_incident: CloseIncidentPayload | None = mutation(
        MutationDeclaration(
            transitions.CloseIncident, partial(transitions.transition, name="closeIncident"), ID_PREFIXES
        ),
        CloseIncidentInput,
        "Close a resolved incident. A closed incident cannot be reopened.",
        needs=WRITE_PERMISSION,
    )
    cancel_incident: CancelIncidentPayload | None = mutation(
        MutationDeclaration(
            transitions.CancelIncident, partial(transitions.transition, name="cancelIncident"), ID_PREFIXES
        ),
        CancelIncidentInput,
        "Cancel an incident that is not resolved. A cancelled incident cannot be reopened.",
        needs=WRITE_PERMISSION,
    )

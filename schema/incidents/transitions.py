"""Incidents taken from state to state by clients."""

from functools import partial

import strawberry

from resolvers.incidents import transitions as use_cases
from schema.declarations.mutations import MutationDeclaration, VersionedInput, mutation
from schema.incidents.mutations import ID_PREFIXES, WRITE_PERMISSION, IncidentPayload


@strawberry.input
class NotedStepInput(VersionedInput):
    """What the steps without an input of their own share."""

    note: str = strawberry.field(default="", description="Why, for the activities of the incident.")


@strawberry.input(description="The incident that somebody works on.")
class StartIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident that waits.")
class HoldIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident that is worked on again.")
class ResumeIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident that is solved, and how.")
class ResolveIncidentInput(VersionedInput):
    resolution_code: str = strawberry.field(description="How it was solved, as a code, for example `WORKAROUND`.")
    resolution: str = strawberry.field(description="How it was solved.")


@strawberry.input(description="The incident that is not solved after all.")
class ReopenIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident that is over.")
class CloseIncidentInput(NotedStepInput):
    pass


@strawberry.input(description="The incident that is called off.")
class CancelIncidentInput(NotedStepInput):
    pass


@strawberry.type(description="The incident, or why it was not started.")
class StartIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why it was not put on hold.")
class HoldIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why it was not resumed.")
class ResumeIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why it was not resolved.")
class ResolveIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why it was not reopened.")
class ReopenIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why it was not closed.")
class CloseIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why it was not cancelled.")
class CancelIncidentPayload(IncidentPayload):
    pass


@strawberry.type
class IncidentStepMutations:
    start_incident: StartIncidentPayload | None = mutation(
        MutationDeclaration(use_cases.StartIncident, partial(use_cases.transition, name="startIncident"), ID_PREFIXES),
        StartIncidentInput,
        "Begin to work on a new incident.",
        needs=WRITE_PERMISSION,
    )
    hold_incident: HoldIncidentPayload | None = mutation(
        MutationDeclaration(use_cases.HoldIncident, partial(use_cases.transition, name="holdIncident"), ID_PREFIXES),
        HoldIncidentInput,
        "Let an incident in progress wait for something outside the team.",
        needs=WRITE_PERMISSION,
    )
    resume_incident: ResumeIncidentPayload | None = mutation(
        MutationDeclaration(
            use_cases.ResumeIncident, partial(use_cases.transition, name="resumeIncident"), ID_PREFIXES
        ),
        ResumeIncidentInput,
        "Go on with an incident on hold.",
        needs=WRITE_PERMISSION,
    )
    resolve_incident: ResolveIncidentPayload | None = mutation(
        MutationDeclaration(use_cases.ResolveIncident, use_cases.resolve, ID_PREFIXES),
        ResolveIncidentInput,
        "Tell that an incident in progress or on hold is solved, and how.",
        needs=WRITE_PERMISSION,
    )
    reopen_incident: ReopenIncidentPayload | None = mutation(
        MutationDeclaration(
            use_cases.ReopenIncident, partial(use_cases.transition, name="reopenIncident"), ID_PREFIXES
        ),
        ReopenIncidentInput,
        "Go on with a resolved incident. Its resolution stays among its activities only.",
        needs=WRITE_PERMISSION,
    )
    close_incident: CloseIncidentPayload | None = mutation(
        MutationDeclaration(use_cases.CloseIncident, partial(use_cases.transition, name="closeIncident"), ID_PREFIXES),
        CloseIncidentInput,
        "Close a resolved incident for good.",
        needs=WRITE_PERMISSION,
    )
    cancel_incident: CancelIncidentPayload | None = mutation(
        MutationDeclaration(
            use_cases.CancelIncident, partial(use_cases.transition, name="cancelIncident"), ID_PREFIXES
        ),
        CancelIncidentInput,
        "Call off an incident that is not resolved, for good.",
        needs=WRITE_PERMISSION,
    )

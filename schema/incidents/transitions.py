"""Mutations of the state of incidents."""

from functools import partial

import strawberry

from resolvers.incidents import transitions
from schema.declarations.mutations import MutationDeclaration, VersionedInput
from schema.incidents.mutations import ID_PREFIXES, incident_mutation


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


@strawberry.type
class IncidentStepMutations:
    start_incident = incident_mutation(
        MutationDeclaration(
            transitions.StartIncident, partial(transitions.transition, name="startIncident"), ID_PREFIXES
        ),
        StartIncidentInput,
        "Start the work on a new incident.",
        "The started incident, or why it was not started.",
    )
    hold_incident = incident_mutation(
        MutationDeclaration(
            transitions.HoldIncident, partial(transitions.transition, name="holdIncident"), ID_PREFIXES
        ),
        HoldIncidentInput,
        "Put an incident in progress on hold: it waits for something outside the team.",
        "The incident on hold, or why it was not put on hold.",
    )
    resume_incident = incident_mutation(
        MutationDeclaration(
            transitions.ResumeIncident, partial(transitions.transition, name="resumeIncident"), ID_PREFIXES
        ),
        ResumeIncidentInput,
        "Resume the work on an incident on hold.",
        "The resumed incident, or why it was not resumed.",
    )
    resolve_incident = incident_mutation(
        MutationDeclaration(transitions.ResolveIncident, transitions.resolve, ID_PREFIXES),
        ResolveIncidentInput,
        "Resolve an incident in progress or on hold.",
        "The resolved incident, or why it was not resolved.",
    )
    reopen_incident = incident_mutation(
        MutationDeclaration(
            transitions.ReopenIncident, partial(transitions.transition, name="reopenIncident"), ID_PREFIXES
        ),
        ReopenIncidentInput,
        "Reopen a resolved incident. Its resolution remains only in its activities.",
        "The reopened incident, or why it was not reopened.",
    )
    close_incident = incident_mutation(
        MutationDeclaration(
            transitions.CloseIncident, partial(transitions.transition, name="closeIncident"), ID_PREFIXES
        ),
        CloseIncidentInput,
        "Close a resolved incident. A closed incident cannot be reopened.",
        "The closed incident, or why it was not closed.",
    )
    cancel_incident = incident_mutation(
        MutationDeclaration(
            transitions.CancelIncident, partial(transitions.transition, name="cancelIncident"), ID_PREFIXES
        ),
        CancelIncidentInput,
        "Cancel an incident that is not resolved. A cancelled incident cannot be reopened.",
        "The cancelled incident, or why it was not cancelled.",
    )

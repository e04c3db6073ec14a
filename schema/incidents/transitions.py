"""Mutations of the state of incidents."""

from functools import partial

import strawberry

from resolvers.incidents import transitions
from schema.declarations.mutations import transition
from schema.incidents.mutations import incident_mutation

incident_transition = partial(transition, incident_mutation, transitions.IncidentTransition, transitions.transition)


@strawberry.type
class IncidentStepMutations:
    start_incident = incident_transition(
        "startIncident",
        "The incident to start.",
        "Start the work on a new incident.",
        "The started incident, or why it was not started.",
    )
    hold_incident = incident_transition(
        "holdIncident",
        "The incident to put on hold.",
        "Put an incident in progress on hold: it waits for something outside the team.",
        "The incident on hold, or why it was not put on hold.",
    )
    resume_incident = incident_transition(
        "resumeIncident",
        "The incident to resume.",
        "Resume the work on an incident on hold.",
        "The resumed incident, or why it was not resumed.",
    )
    resolve_incident = incident_mutation(
        transitions.ResolveIncident,
        transitions.resolve,
        "Resolve an incident in progress or on hold.",
        "The resolved incident, or why it was not resolved.",
    )
    reopen_incident = incident_transition(
        "reopenIncident",
        "The resolved incident to reopen.",
        "Reopen a resolved incident. Its resolution remains only in its activities.",
        "The reopened incident, or why it was not reopened.",
    )
    close_incident = incident_transition(
        "closeIncident",
        "The incident to close.",
        "Close a resolved incident. A closed incident cannot be reopened.",
        "The closed incident, or why it was not closed.",
    )
    cancel_incident = incident_transition(
        "cancelIncident",
        "The incident to cancel.",
        "Cancel an incident that is not resolved. A cancelled incident cannot be reopened.",
        "The cancelled incident, or why it was not cancelled.",
    )

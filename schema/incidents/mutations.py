"""Mutations of incidents: open, update, assign, add notes, and link items."""

from functools import partial

import strawberry

from resolvers.incidents import use_cases
from resolvers.incidents.loaders import IncidentById
from schema.declarations.fields import link
from schema.declarations.mutations import mutation
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.incidents.types import Incident

WRITE_PERMISSION = "incidents:write"


@strawberry.type
class IncidentPayload:
    """The fields that all payloads with one incident share."""

    incident: Incident | None = link(IncidentById, "The incident as it is now.", key="id", needs="incidents:read")
    user_errors: list[UserErrorType] = user_errors()


incident_mutation = partial(mutation, payload=IncidentPayload, needs=WRITE_PERMISSION)


@strawberry.type
class IncidentMutations:
    open_incident = incident_mutation(
        use_cases.OpenIncident,
        use_cases.open_incident,
        "Open an incident. It gets the next free number.",
        "The new incident, or why there is none.",
    )
    update_incident = incident_mutation(
        use_cases.UpdateIncident,
        use_cases.update,
        "Update an incident. A new impact or urgency changes its priority.",
        "The updated incident, or why it was not updated.",
    )
    assign_incident = incident_mutation(
        use_cases.AssignIncident,
        use_cases.assign,
        "Assign an incident to a team or a person.",
        "The assigned incident, or why it was not assigned.",
    )
    add_incident_note = incident_mutation(
        use_cases.AddIncidentNote,
        use_cases.add_note,
        "Add a note to the activities of an incident, also to a closed one.",
        "The incident, or why no note was added.",
    )
    link_incident_items = incident_mutation(
        use_cases.LinkIncidentItems,
        use_cases.link_items,
        "Link configuration items to an incident. Items that are already linked stay linked.",
        "The incident, or why nothing was linked.",
    )
    unlink_incident_items = incident_mutation(
        use_cases.UnlinkIncidentItems,
        use_cases.unlink_items,
        "Unlink configuration items from an incident.",
        "The incident, or why nothing was unlinked.",
    )

"""Mutations of incidents: open, update, assign, add notes, and link items."""

from functools import partial

import strawberry
from strawberry.types.unset import UNSET

from datasources.records.incidents import IncidentRole
from resolvers.incidents import use_cases
from resolvers.incidents.loaders import IncidentById
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    VersionedInput,
    mutation,
)
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.incidents.types import Incident

WRITE_PERMISSION = "incidents:write"
ID_PREFIXES = {"id": "inc"}
ITEM_PREFIXES = ID_PREFIXES | {"configuration_item_ids": "ci"}


@strawberry.input(description="A new incident. Its priority is computed from impact and urgency.")
class OpenIncidentInput:
    title: str = strawberry.field(description="What is wrong, in one line.")
    description: str = strawberry.field(default="", description="What is wrong, in detail.")
    impact: int = strawberry.field(default=3, description="Its impact, from 1 (highest) to 5.")
    urgency: int = strawberry.field(default=3, description="Its urgency, from 1 (highest) to 5.")
    category: str = strawberry.field(default="", description="Its category, for example `network`.")
    team_id: strawberry.ID | None = strawberry.field(default=None, description="The team that will work on it.")
    assignee_id: strawberry.ID | None = strawberry.field(
        default=None, description="The person who will work on it; a member of the team, if one is given."
    )
    restricted_team_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The only team that can see the restricted incident; a team whose restricted incidents you can "
        "see.",
    )
    affected_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that it affects, at most 500."
    )
    cause_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that cause it, at most 500."
    )
    change_id: strawberry.ID | None = strawberry.field(default=None, description="The change it is related to.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="New values of an incident. Omitted fields stay unchanged.")
class UpdateIncidentInput(VersionedInput):
    title: str | None = strawberry.field(default=UNSET, description="What is wrong, in one line.")
    description: str | None = strawberry.field(default=UNSET, description="What is wrong, in detail.")
    impact: int | None = strawberry.field(default=UNSET, description="Its impact, from 1 (highest) to 5.")
    urgency: int | None = strawberry.field(default=UNSET, description="Its urgency, from 1 (highest) to 5.")
    category: str | None = strawberry.field(default=UNSET, description="Its category, for example `network`.")


@strawberry.input(
    description="The assignment of an incident. Omitted fields stay unchanged; null removes the assignment."
)
class AssignIncidentInput(VersionedInput):
    team_id: strawberry.ID | None = strawberry.field(default=UNSET, description="The team.")
    assignee_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The person; a member of the team, if there is one."
    )


@strawberry.input(description="A note about an incident.")
class AddIncidentNoteInput(VersionedInput):
    note: str = strawberry.field(description="The text of the note.")


@strawberry.input(description="Configuration items to link to an incident in a role.")
class LinkIncidentItemsInput(VersionedInput):
    role: IncidentRole = strawberry.field(description="Their role: AFFECTED or CAUSE.")
    configuration_item_ids: list[strawberry.ID] = strawberry.field(description="The items, at most 500.")


@strawberry.input(description="Configuration items to unlink from an incident in a role.")
class UnlinkIncidentItemsInput(LinkIncidentItemsInput):
    pass


@strawberry.type
class IncidentPayload:
    """The fields that all payloads with one incident share."""

    incident: Incident | None = link(IncidentById, "The incident as it is now.", key="id", needs="incidents:read")
    user_errors: list[UserErrorType] = user_errors()


incident_mutation = partial(mutation, payload=IncidentPayload, needs=WRITE_PERMISSION)


@strawberry.type
class IncidentMutations:
    open_incident = incident_mutation(
        MutationDeclaration(
            use_cases.OpenIncident,
            use_cases.open_incident,
            {
                "team_id": "team",
                "assignee_id": "user",
                "restricted_team_id": "team",
                "affected_ids": "ci",
                "cause_ids": "ci",
                "change_id": "chg",
            },
        ),
        OpenIncidentInput,
        "Open an incident. It gets the next free number.",
        "The new incident, or why there is none.",
    )
    update_incident = incident_mutation(
        MutationDeclaration(use_cases.UpdateIncident, use_cases.update, ID_PREFIXES),
        UpdateIncidentInput,
        "Update an incident. A new impact or urgency changes its priority.",
        "The updated incident, or why it was not updated.",
    )
    assign_incident = incident_mutation(
        MutationDeclaration(
            use_cases.AssignIncident, use_cases.assign, ID_PREFIXES | {"team_id": "team", "assignee_id": "user"}
        ),
        AssignIncidentInput,
        "Assign an incident to a team or a person.",
        "The assigned incident, or why it was not assigned.",
    )
    add_incident_note = incident_mutation(
        MutationDeclaration(use_cases.AddIncidentNote, use_cases.add_note, ID_PREFIXES),
        AddIncidentNoteInput,
        "Add a note to the activities of an incident, also to a closed one.",
        "The incident, or why no note was added.",
    )
    link_incident_items = incident_mutation(
        MutationDeclaration(use_cases.LinkIncidentItems, use_cases.link_items, ITEM_PREFIXES),
        LinkIncidentItemsInput,
        "Link configuration items to an incident. Items that are already linked stay linked.",
        "The incident, or why nothing was linked.",
    )
    unlink_incident_items = incident_mutation(
        MutationDeclaration(use_cases.UnlinkIncidentItems, use_cases.unlink_items, ITEM_PREFIXES),
        UnlinkIncidentItemsInput,
        "Unlink configuration items from an incident.",
        "The incident, or why nothing was unlinked.",
    )

"""Incidents written by clients: opened, described anew, assigned, noted upon and linked."""

import strawberry
from strawberry.types.unset import UNSET

from datasources.records.incidents import IncidentRole
from resolvers.incidents import use_cases
from resolvers.incidents.loaders import IncidentById
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    UserErrorType,
    VersionedInput,
    mutation,
    user_errors,
)
from schema.incidents.types import Incident

WRITE_PERMISSION = "incidents:write"
ID_PREFIXES = {"id": "inc"}
ITEM_PREFIXES = ID_PREFIXES | {"configuration_item_ids": "ci"}


@strawberry.input(description="A new incident. Its priority comes of impact and urgency.")
class OpenIncidentInput:
    title: str = strawberry.field(description="What is wrong, in a line.")
    description: str = strawberry.field(default="", description="What is wrong, at length.")
    impact: int = strawberry.field(default=3, description="How far it reaches, from 1, the gravest, to 5.")
    urgency: int = strawberry.field(default=3, description="How soon it must be solved, from 1, at once, to 5.")
    category: str = strawberry.field(default="", description="Its category, for example `network`.")
    team_id: strawberry.ID | None = strawberry.field(default=None, description="The team that is to work on it.")
    assignee_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who is to work on it; somebody of the team, if one is given."
    )
    restricted_team_id: strawberry.ID | None = strawberry.field(
        default=None, description="The only team that may see it; one whose restricted incidents you see."
    )
    affected_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that it affects, at most 500."
    )
    cause_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that cause it, at most 500."
    )
    change_id: strawberry.ID | None = strawberry.field(default=None, description="The change it is related to.")
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="What is said of an incident. What is left out stays.")
class UpdateIncidentInput(VersionedInput):
    title: str | None = strawberry.field(default=UNSET, description="What is wrong, in a line.")
    description: str | None = strawberry.field(default=UNSET, description="What is wrong, at length.")
    impact: int | None = strawberry.field(default=UNSET, description="How far it reaches, from 1, the gravest, to 5.")
    urgency: int | None = strawberry.field(default=UNSET, description="How soon it must be solved, from 1 to 5.")
    category: str | None = strawberry.field(default=UNSET, description="Its category, for example `network`.")


@strawberry.input(description="Who works on an incident. What is left out stays; null is nobody.")
class AssignIncidentInput(VersionedInput):
    team_id: strawberry.ID | None = strawberry.field(default=UNSET, description="The team.")
    assignee_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The person; somebody of the team, if there is one."
    )


@strawberry.input(description="Something to remember about an incident.")
class AddIncidentNoteInput(VersionedInput):
    note: str = strawberry.field(description="What is to be remembered.")


@strawberry.input(description="Configuration items in a role of an incident.")
class LinkIncidentItemsInput(VersionedInput):
    role: IncidentRole = strawberry.field(description="What they are to it: AFFECTED or CAUSE.")
    configuration_item_ids: list[strawberry.ID] = strawberry.field(description="The items, at most 500.")


@strawberry.input(description="Configuration items that lose a role of an incident.")
class UnlinkIncidentItemsInput(LinkIncidentItemsInput):
    pass


@strawberry.type
class IncidentPayload:
    """What every payload about one incident holds."""

    incident: Incident | None = link(IncidentById, "The incident as it is now.", key="id", needs="incidents:read")
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The new incident, or why there is none.")
class OpenIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why nothing was written.")
class UpdateIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why nobody was assigned.")
class AssignIncidentPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why nothing was noted.")
class AddIncidentNotePayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why nothing was linked.")
class LinkIncidentItemsPayload(IncidentPayload):
    pass


@strawberry.type(description="The incident, or why nothing was unlinked.")
class UnlinkIncidentItemsPayload(IncidentPayload):
    pass


@strawberry.type
class IncidentMutations:
    open_incident: OpenIncidentPayload | None = mutation(
        MutationDeclaration(
            use_cases.OpenIncident,
            use_cases.open_incident,
            {
                "team_id": "team", "assignee_id": "user", "restricted_team_id": "team", "affected_ids": "ci",
                "cause_ids": "ci", "change_id": "chg",
            },
        ),
        OpenIncidentInput,
        "Tell that something is broken. It gets the next free number.",
        needs=WRITE_PERMISSION,
    )  # fmt: skip
    update_incident: UpdateIncidentPayload | None = mutation(
        MutationDeclaration(use_cases.UpdateIncident, use_cases.update, ID_PREFIXES),
        UpdateIncidentInput,
        "Describe or judge an incident anew. Its priority follows a given impact or urgency.",
        needs=WRITE_PERMISSION,
    )
    assign_incident: AssignIncidentPayload | None = mutation(
        MutationDeclaration(
            use_cases.AssignIncident, use_cases.assign, ID_PREFIXES | {"team_id": "team", "assignee_id": "user"}
        ),
        AssignIncidentInput,
        "Say who works on an incident.",
        needs=WRITE_PERMISSION,
    )
    add_incident_note: AddIncidentNotePayload | None = mutation(
        MutationDeclaration(use_cases.AddIncidentNote, use_cases.add_note, ID_PREFIXES),
        AddIncidentNoteInput,
        "Add a note to the activities of an incident, also of a closed one.",
        needs=WRITE_PERMISSION,
    )
    link_incident_items: LinkIncidentItemsPayload | None = mutation(
        MutationDeclaration(use_cases.LinkIncidentItems, use_cases.link_items, ITEM_PREFIXES),
        LinkIncidentItemsInput,
        "Link configuration items to an incident. Those that are linked already stay so.",
        needs=WRITE_PERMISSION,
    )
    unlink_incident_items: UnlinkIncidentItemsPayload | None = mutation(
        MutationDeclaration(use_cases.UnlinkIncidentItems, use_cases.unlink_items, ITEM_PREFIXES),
        UnlinkIncidentItemsInput,
        "Take links between configuration items and an incident away.",
        needs=WRITE_PERMISSION,
    )

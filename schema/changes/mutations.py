"""Mutations of changes."""

from datetime import datetime
from functools import partial

import strawberry
from strawberry.types.unset import UNSET

from datasources.records.changes import ChangeRisk, ChangeType
from resolvers.changes import use_cases
from resolvers.changes.loaders import ChangeById
from schema.changes.types import Change
from schema.declarations.enums import register_enum
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    VersionedInput,
    mutation,
)
from schema.declarations.user_errors import UserErrorType, user_errors

WRITE_PERMISSION = "changes:write"
ID_PREFIXES = {"id": "chg"}
ASSIGNMENT_PREFIXES = {"team_id": "team", "assignee_id": "user"}
ITEM_PREFIXES = {"configuration_item_ids": "ci"}

register_enum(
    use_cases.ChangeOutcome,
    "How a change ended.",
    COMPLETED="The work achieved its purpose.",
    FAILED="The work did not achieve its purpose.",
)


@strawberry.input(description="A new change.")
class ProposeChangeInput:
    title: str = strawberry.field(description="What will be done, in one line.")
    description: str = strawberry.field(default="", description="What will be done, in detail.")
    type: ChangeType = strawberry.field(default=ChangeType.NORMAL, description="How much approval it needs.")
    risk: ChangeRisk = strawberry.field(default=ChangeRisk.UNKNOWN, description="How likely it is to cause harm.")
    team_id: strawberry.ID | None = strawberry.field(default=None, description="The team that will do the work.")
    assignee_id: strawberry.ID | None = strawberry.field(
        default=None, description="The person who will do the work; a member of the team, if one is given."
    )
    configuration_item_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that it modifies, at most 500."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="New values of a proposed change. Omitted fields stay unchanged.")
class UpdateChangeInput(VersionedInput):
    title: str | None = strawberry.field(default=UNSET, description="What will be done, in one line.")
    description: str | None = strawberry.field(default=UNSET, description="What will be done, in detail.")
    type: ChangeType | None = strawberry.field(default=UNSET, description="How much approval it needs.")
    risk: ChangeRisk | None = strawberry.field(default=UNSET, description="How likely it is to cause harm.")
    team_id: strawberry.ID | None = strawberry.field(default=UNSET, description="The team; null for none.")
    assignee_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The person; a member of the team, if there is one; null for none."
    )


@strawberry.input(description="The change to approve.")
class ApproveChangeInput(VersionedInput):
    pass


@strawberry.input(description="The planned time of a change.")
class ScheduleChangeInput(VersionedInput):
    planned_start: datetime = strawberry.field(
        description="When the work will begin, with a time zone, for example `2026-05-01T08:00Z`."
    )
    planned_end: datetime = strawberry.field(description="When the work will end; later than the start.")


@strawberry.input(description="The change to start.")
class StartChangeInput(VersionedInput):
    pass


@strawberry.input(description="The change to finish, and its outcome.")
class FinishChangeInput(VersionedInput):
    outcome: use_cases.ChangeOutcome = strawberry.field(description="How it ended: COMPLETED or FAILED.")


@strawberry.input(description="The change to cancel.")
class CancelChangeInput(VersionedInput):
    pass


@strawberry.input(description="Configuration items to link to a change.")
class LinkChangeItemsInput(VersionedInput):
    configuration_item_ids: list[strawberry.ID] = strawberry.field(description="The items, at most 500.")


@strawberry.input(description="Configuration items to unlink from a change.")
class UnlinkChangeItemsInput(LinkChangeItemsInput):
    pass


@strawberry.type
class ChangePayload:
    """The fields that all payloads with one change share."""

    change: Change | None = link(ChangeById, "The change as it is now.", key="id", needs="changes:read")
    user_errors: list[UserErrorType] = user_errors()


change_mutation = partial(mutation, payload=ChangePayload, needs=WRITE_PERMISSION)


@strawberry.type
class ChangeMutations:
    propose_change = change_mutation(
        MutationDeclaration(use_cases.ProposeChange, use_cases.propose, ASSIGNMENT_PREFIXES | ITEM_PREFIXES),
        ProposeChangeInput,
        "Propose a change. It gets the next free number.",
        "The new change, or why there is none.",
    )
    update_change = change_mutation(
        MutationDeclaration(use_cases.UpdateChange, use_cases.update, ID_PREFIXES | ASSIGNMENT_PREFIXES),
        UpdateChangeInput,
        "Update a change while it is proposed. Its editors cannot approve it.",
        "The updated change, or why it was not updated.",
    )
    approve_change = change_mutation(
        MutationDeclaration(use_cases.ApproveChange, use_cases.approve, ID_PREFIXES),
        ApproveChangeInput,
        "Approve a proposed change. Callers who proposed or edited it cannot approve it.",
        "The approved change, or why it was not approved.",
    )
    schedule_change = change_mutation(
        MutationDeclaration(use_cases.ScheduleChange, use_cases.schedule, ID_PREFIXES),
        ScheduleChangeInput,
        "Set the planned time of an approved change, or another time of a scheduled one.",
        "The scheduled change, or why it was not scheduled.",
    )
    start_change = change_mutation(
        MutationDeclaration(use_cases.StartChange, partial(use_cases.transition, name="startChange"), ID_PREFIXES),
        StartChangeInput,
        "Start the work of an approved or scheduled change.",
        "The started change, or why it was not started.",
    )
    finish_change = change_mutation(
        MutationDeclaration(use_cases.FinishChange, use_cases.finish, ID_PREFIXES),
        FinishChangeInput,
        "Record the outcome of a change whose work is in progress.",
        "The finished change, or why it was not finished.",
    )
    cancel_change = change_mutation(
        MutationDeclaration(use_cases.CancelChange, partial(use_cases.transition, name="cancelChange"), ID_PREFIXES),
        CancelChangeInput,
        "Cancel a change whose work has not begun. A cancelled change cannot be reopened.",
        "The cancelled change, or why it was not cancelled.",
    )
    link_change_items = change_mutation(
        MutationDeclaration(use_cases.LinkChangeItems, use_cases.link_items, ID_PREFIXES | ITEM_PREFIXES),
        LinkChangeItemsInput,
        "Link configuration items to a proposed change. Its editors cannot approve it.",
        "The change, or why nothing was linked.",
    )
    unlink_change_items = change_mutation(
        MutationDeclaration(use_cases.UnlinkChangeItems, use_cases.unlink_items, ID_PREFIXES | ITEM_PREFIXES),
        UnlinkChangeItemsInput,
        "Unlink configuration items from a proposed change. Its editors cannot approve it.",
        "The change, or why nothing was unlinked.",
    )

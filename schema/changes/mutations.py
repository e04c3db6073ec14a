"""Changes written by clients."""

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
    UserErrorType,
    VersionedInput,
    mutation,
    user_errors,
)

WRITE_PERMISSION = "changes:write"
ID_PREFIXES = {"id": "chg"}
ASSIGNMENT_PREFIXES = {"team_id": "team", "assignee_id": "user"}
ITEM_PREFIXES = {"configuration_item_ids": "ci"}

register_enum(
    use_cases.ChangeOutcome,
    "How a change ended.",
    COMPLETED="It did what it was for.",
    FAILED="It did not do what it was for.",
)


@strawberry.input(description="A new change.")
class ProposeChangeInput:
    title: str = strawberry.field(description="What is to be done, in a line.")
    description: str = strawberry.field(default="", description="What is to be done, at length.")
    type: ChangeType = strawberry.field(default=ChangeType.NORMAL, description="How much approval it takes.")
    risk: ChangeRisk = strawberry.field(default=ChangeRisk.UNKNOWN, description="How likely it does harm.")
    team_id: strawberry.ID | None = strawberry.field(default=None, description="The team that is to do the work.")
    assignee_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who is to do the work; somebody of the team, if one is given."
    )
    configuration_item_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that it works on, at most 500."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="What is proposed. What is left out stays.")
class UpdateChangeInput(VersionedInput):
    title: str | None = strawberry.field(default=UNSET, description="What is to be done, in a line.")
    description: str | None = strawberry.field(default=UNSET, description="What is to be done, at length.")
    type: ChangeType | None = strawberry.field(default=UNSET, description="How much approval it takes.")
    risk: ChangeRisk | None = strawberry.field(default=UNSET, description="How likely it does harm.")
    team_id: strawberry.ID | None = strawberry.field(default=UNSET, description="The team; null is none.")
    assignee_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The person; somebody of the team, if there is one; null is nobody."
    )


@strawberry.input(description="The change that may be done.")
class ApproveChangeInput(VersionedInput):
    pass


@strawberry.input(description="When a change is to be done.")
class ScheduleChangeInput(VersionedInput):
    planned_start: datetime = strawberry.field(
        description="When work is to begin, with its time zone, for example `2026-05-01T08:00Z`."
    )
    planned_end: datetime = strawberry.field(description="When work is to end; after its start.")


@strawberry.input(description="The change that is begun.")
class StartChangeInput(VersionedInput):
    pass


@strawberry.input(description="The change that is over, and how it ended.")
class FinishChangeInput(VersionedInput):
    outcome: use_cases.ChangeOutcome = strawberry.field(description="How it ended: COMPLETED or FAILED.")


@strawberry.input(description="The change that is called off.")
class CancelChangeInput(VersionedInput):
    pass


@strawberry.input(description="Configuration items that a change works on.")
class LinkChangeItemsInput(VersionedInput):
    configuration_item_ids: list[strawberry.ID] = strawberry.field(description="The items, at most 500.")


@strawberry.input(description="Configuration items that a change does not work on.")
class UnlinkChangeItemsInput(LinkChangeItemsInput):
    pass


@strawberry.type
class ChangePayload:
    """What every payload about one change holds."""

    change: Change | None = link(ChangeById, "The change as it is now.", key="id", needs="changes:read")
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The new change, or why there is none.")
class ProposeChangePayload(ChangePayload):
    pass


@strawberry.type(description="The change, or why nothing was written.")
class UpdateChangePayload(ChangePayload):
    pass


@strawberry.type(description="The change, or why it was not approved.")
class ApproveChangePayload(ChangePayload):
    pass


@strawberry.type(description="The change, or why it was not scheduled.")
class ScheduleChangePayload(ChangePayload):
    pass


@strawberry.type(description="The change, or why it was not started.")
class StartChangePayload(ChangePayload):
    pass


@strawberry.type(description="The change, or why it was not finished.")
class FinishChangePayload(ChangePayload):
    pass


@strawberry.type(description="The change, or why it was not cancelled.")
class CancelChangePayload(ChangePayload):
    pass


@strawberry.type(description="The change, or why nothing was linked.")
class LinkChangeItemsPayload(ChangePayload):
    pass


@strawberry.type(description="The change, or why nothing was unlinked.")
class UnlinkChangeItemsPayload(ChangePayload):
    pass


@strawberry.type
class ChangeMutations:
    propose_change: ProposeChangePayload | None = mutation(
        MutationDeclaration(use_cases.ProposeChange, use_cases.propose, ASSIGNMENT_PREFIXES | ITEM_PREFIXES),
        ProposeChangeInput,
        "Ask for a change. It gets the next free number.",
        needs=WRITE_PERMISSION,
    )
    update_change: UpdateChangePayload | None = mutation(
        MutationDeclaration(use_cases.UpdateChange, use_cases.update, ID_PREFIXES | ASSIGNMENT_PREFIXES),
        UpdateChangeInput,
        "Rewrite a change while it is proposed. Who does may not approve it.",
        needs=WRITE_PERMISSION,
    )
    approve_change: ApproveChangePayload | None = mutation(
        MutationDeclaration(use_cases.ApproveChange, use_cases.approve, ID_PREFIXES),
        ApproveChangeInput,
        "Say that a proposed change may be done. Not for who had a hand in the proposal.",
        needs=WRITE_PERMISSION,
    )
    schedule_change: ScheduleChangePayload | None = mutation(
        MutationDeclaration(use_cases.ScheduleChange, use_cases.schedule, ID_PREFIXES),
        ScheduleChangeInput,
        "Give an approved change its time, or a scheduled one another.",
        needs=WRITE_PERMISSION,
    )
    start_change: StartChangePayload | None = mutation(
        MutationDeclaration(use_cases.StartChange, partial(use_cases.transition, name="startChange"), ID_PREFIXES),
        StartChangeInput,
        "Begin the work of an approved or scheduled change.",
        needs=WRITE_PERMISSION,
    )
    finish_change: FinishChangePayload | None = mutation(
        MutationDeclaration(use_cases.FinishChange, use_cases.finish, ID_PREFIXES),
        FinishChangeInput,
        "Tell how the work of a change ended.",
        needs=WRITE_PERMISSION,
    )
    cancel_change: CancelChangePayload | None = mutation(
        MutationDeclaration(use_cases.CancelChange, partial(use_cases.transition, name="cancelChange"), ID_PREFIXES),
        CancelChangeInput,
        "Call off a change whose work has not begun, for good.",
        needs=WRITE_PERMISSION,
    )
    link_change_items: LinkChangeItemsPayload | None = mutation(
        MutationDeclaration(use_cases.LinkChangeItems, use_cases.link_items, ID_PREFIXES | ITEM_PREFIXES),
        LinkChangeItemsInput,
        "Link configuration items to a proposed change. Who does may not approve it.",
        needs=WRITE_PERMISSION,
    )
    unlink_change_items: UnlinkChangeItemsPayload | None = mutation(
        MutationDeclaration(use_cases.UnlinkChangeItems, use_cases.unlink_items, ID_PREFIXES | ITEM_PREFIXES),
        UnlinkChangeItemsInput,
        "Take configuration items from a proposed change. Who does may not approve it.",
        needs=WRITE_PERMISSION,
    )

"""Changes written by clients."""

from datetime import datetime
from functools import partial

import strawberry
from strawberry.types.unset import UNSET

from datasources.records.changes import ChangeRisk, ChangeType
from resolvers.changes import use_cases
from resolvers.changes.loaders import ChangeById
from schema.changes.types import Change
from schema.declarations.enums import described
from schema.declarations.fields import link
from schema.declarations.mutations import REPEATABLE, Mutation, UserErrorType, VersionedInput, mutation, user_errors

NEEDS = "changes:write"
THE = {"id": "chg"}
WHO = {"team_id": "team", "assignee_id": "user"}
ITEMS = {"configuration_item_ids": "ci"}

described(
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
    idempotency_key: str | None = strawberry.field(default=None, description=REPEATABLE)


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
        Mutation(use_cases.ProposeChange, use_cases.propose, WHO | ITEMS),
        ProposeChangeInput,
        "Ask for a change. It gets the next free number.",
        needs=NEEDS,
    )
    update_change: UpdateChangePayload | None = mutation(
        Mutation(use_cases.UpdateChange, use_cases.update, THE | WHO),
        UpdateChangeInput,
        "Rewrite a change while it is proposed. Who does may not approve it.",
        needs=NEEDS,
    )
    approve_change: ApproveChangePayload | None = mutation(
        Mutation(use_cases.ApproveChange, use_cases.approve, THE),
        ApproveChangeInput,
        "Say that a proposed change may be done. Not for who had a hand in the proposal.",
        needs=NEEDS,
    )
    schedule_change: ScheduleChangePayload | None = mutation(
        Mutation(use_cases.ScheduleChange, use_cases.schedule, THE),
        ScheduleChangeInput,
        "Give an approved change its time, or a scheduled one another.",
        needs=NEEDS,
    )
    start_change: StartChangePayload | None = mutation(
        Mutation(use_cases.StartChange, partial(use_cases.take_step, name="startChange"), THE),
        StartChangeInput,
        "Begin the work of an approved or scheduled change.",
        needs=NEEDS,
    )
    finish_change: FinishChangePayload | None = mutation(
        Mutation(use_cases.FinishChange, use_cases.finish, THE),
        FinishChangeInput,
        "Tell how the work of a change ended.",
        needs=NEEDS,
    )
    cancel_change: CancelChangePayload | None = mutation(
        Mutation(use_cases.CancelChange, partial(use_cases.take_step, name="cancelChange"), THE),
        CancelChangeInput,
        "Call off a change whose work has not begun, for good.",
        needs=NEEDS,
    )
    link_change_items: LinkChangeItemsPayload | None = mutation(
        Mutation(use_cases.LinkChangeItems, use_cases.link_items, THE | ITEMS),
        LinkChangeItemsInput,
        "Link configuration items to a proposed change. Who does may not approve it.",
        needs=NEEDS,
    )
    unlink_change_items: UnlinkChangeItemsPayload | None = mutation(
        Mutation(use_cases.UnlinkChangeItems, use_cases.unlink_items, THE | ITEMS),
        UnlinkChangeItemsInput,
        "Take configuration items from a proposed change. Who does may not approve it.",
        needs=NEEDS,
    )

"""Mutations of changes."""

from functools import partial

import strawberry

from resolvers.changes import use_cases
from resolvers.changes.loaders import ChangeById
from schema.changes.types import Change
from schema.declarations.enums import register_enum
from schema.declarations.fields import link
from schema.declarations.mutations import mutation, transition
from schema.declarations.user_errors import UserErrorType, user_errors

WRITE_PERMISSION = "changes:write"

register_enum(
    use_cases.ChangeOutcome,
    "How a change ended.",
    COMPLETED="The work achieved its purpose.",
    FAILED="The work did not achieve its purpose.",
)


@strawberry.type
class ChangePayload:
    """The fields that all payloads with one change share."""

    change: Change | None = link(ChangeById, "The change as it is now.", key="id", needs="changes:read")
    user_errors: list[UserErrorType] = user_errors()


change_mutation = partial(mutation, payload=ChangePayload, needs=WRITE_PERMISSION)
change_transition = partial(transition, change_mutation, use_cases.ChangeCommand, use_cases.transition)


@strawberry.type
class ChangeMutations:
    propose_change = change_mutation(
        use_cases.ProposeChange,
        use_cases.propose,
        "Propose a change. It gets the next free number.",
        "The new change, or why there is none.",
    )
    update_change = change_mutation(
        use_cases.UpdateChange,
        use_cases.update,
        "Update a change while it is proposed. Its editors cannot approve it.",
        "The updated change, or why it was not updated.",
    )
    approve_change = change_mutation(
        use_cases.ApproveChange,
        use_cases.approve,
        "Approve a proposed change. Callers who proposed or edited it cannot approve it.",
        "The approved change, or why it was not approved.",
    )
    schedule_change = change_mutation(
        use_cases.ScheduleChange,
        use_cases.schedule,
        "Set the planned time of an approved change, or another time of a scheduled one.",
        "The scheduled change, or why it was not scheduled.",
    )
    start_change = change_transition(
        "startChange",
        "The change to start.",
        "Start the work of an approved or scheduled change.",
        "The started change, or why it was not started.",
    )
    finish_change = change_mutation(
        use_cases.FinishChange,
        use_cases.finish,
        "Record the outcome of a change whose work is in progress.",
        "The finished change, or why it was not finished.",
    )
    cancel_change = change_transition(
        "cancelChange",
        "The change to cancel.",
        "Cancel a change whose work has not begun. A cancelled change cannot be reopened.",
        "The cancelled change, or why it was not cancelled.",
    )
    link_change_items = change_mutation(
        use_cases.LinkChangeItems,
        use_cases.link_items,
        "Link configuration items to a proposed change. Its editors cannot approve it.",
        "The change, or why nothing was linked.",
    )
    unlink_change_items = change_mutation(
        use_cases.UnlinkChangeItems,
        use_cases.unlink_items,
        "Unlink configuration items from a proposed change. Its editors cannot approve it.",
        "The change, or why nothing was unlinked.",
    )

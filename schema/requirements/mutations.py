"""Mutations of requirements, in the requirements database."""

from functools import partial

import strawberry

from resolvers.requirements import use_cases
from resolvers.requirements.loaders import RequirementById
from schema.declarations.fields import link
from schema.declarations.mutations import mutation, transition
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.requirements.types import READ_PERMISSION, Requirement

WRITE_PERMISSION = "requirements:write"


@strawberry.type
class RequirementPayload:
    """The fields that all payloads with one requirement share."""

    requirement: Requirement | None = link(
        RequirementById, "The requirement as it is now, also after a conflict.", key="id", needs=READ_PERMISSION
    )
    user_errors: list[UserErrorType] = user_errors()


requirement_mutation = partial(
    mutation, payload=RequirementPayload, needs=WRITE_PERMISSION, database=use_cases.DATABASE
)
requirement_transition = partial(transition, requirement_mutation, use_cases.RequirementCommand, use_cases.transition)


@strawberry.type
class RequirementMutations:
    create_requirement = requirement_mutation(
        use_cases.CreateRequirement,
        use_cases.create,
        "Create a requirement in the state PROPOSED.",
        "The new requirement, or why there is none.",
    )
    update_requirement = requirement_mutation(
        use_cases.UpdateRequirement,
        use_cases.update,
        "Update a proposed or accepted requirement.",
        "The updated requirement, or why it was not updated.",
    )
    accept_requirement = requirement_transition(
        "acceptRequirement",
        "The requirement to accept.",
        "Accept a proposed requirement.",
        "The accepted requirement, or why it was not accepted.",
    )
    reject_requirement = requirement_transition(
        "rejectRequirement",
        "The requirement to reject.",
        "Reject a proposed requirement.",
        "The rejected requirement, or why it was not rejected.",
    )
    meet_requirement = requirement_transition(
        "meetRequirement",
        "The requirement to record as met.",
        "Record that an accepted requirement is met.",
        "The requirement that is met, or why it was not recorded as met.",
    )
    reopen_requirement = requirement_transition(
        "reopenRequirement",
        "The requirement to reopen.",
        "Record that a requirement is not met after all; its state is ACCEPTED again.",
        "The reopened requirement, or why it was not reopened.",
    )
    withdraw_requirement = requirement_transition(
        "withdrawRequirement",
        "The requirement to withdraw.",
        "Withdraw a requirement. Its links remain.",
        "The withdrawn requirement, or why it was not withdrawn.",
    )
    reconsider_requirement = requirement_transition(
        "reconsiderRequirement",
        "The requirement to propose again.",
        "Propose a rejected or withdrawn requirement again.",
        "The proposed requirement, or why it was not proposed again.",
    )
    link_requirement_items = requirement_mutation(
        use_cases.LinkRequirementItems,
        use_cases.link_items,
        "Link configuration items to a requirement. Items that are already linked stay linked.",
        "The requirement, or why nothing was linked.",
    )
    unlink_requirement_items = requirement_mutation(
        use_cases.UnlinkRequirementItems,
        use_cases.unlink_items,
        "Unlink configuration items from a requirement, whichever keys the links use.",
        "The requirement, or why nothing was unlinked.",
    )

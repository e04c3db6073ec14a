"""Mutations of requirements, in the requirements database."""

from functools import partial

import strawberry
from strawberry.types.unset import UNSET

from datasources.records.requirements import RequirementKind, RequirementPriority
from resolvers.requirements import use_cases
from resolvers.requirements.loaders import RequirementById
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    VersionedInput,
    mutation,
)
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.requirements.types import READ_PERMISSION, Requirement

WRITE_PERMISSION = "requirements:write"
ID_PREFIXES = {"id": "req"}
ITEM_PREFIXES = {"configuration_item_ids": "ci"}


@strawberry.input(description="A new requirement.")
class CreateRequirementInput:
    key: str = strawberry.field(description="Its key, unique, for example `REQ-17`. It cannot be changed.")
    title: str = strawberry.field(description="What must hold, in one line of at most 500 characters.")
    description: str = strawberry.field(
        default="", description="What must hold, in detail, at most 100,000 characters."
    )
    kind: RequirementKind = strawberry.field(default=RequirementKind.FUNCTIONAL, description="Its kind.")
    priority: RequirementPriority = strawberry.field(default=RequirementPriority.MEDIUM, description="Its priority.")
    configuration_item_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that must meet it, at most 500."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="New values of a requirement. Omitted fields stay unchanged.")
class UpdateRequirementInput(VersionedInput):
    title: str | None = strawberry.field(default=UNSET, description="What must hold, in one line.")
    description: str | None = strawberry.field(default=UNSET, description="What must hold, in detail.")
    kind: RequirementKind | None = strawberry.field(default=UNSET, description="Its kind.")
    priority: RequirementPriority | None = strawberry.field(default=UNSET, description="Its priority.")


@strawberry.input(description="The requirement to accept.")
class AcceptRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement to reject.")
class RejectRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement to record as met.")
class MeetRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement to reopen.")
class ReopenRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement to withdraw.")
class WithdrawRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement to propose again.")
class ReconsiderRequirementInput(VersionedInput):
    pass


@strawberry.input(description="Configuration items to link to a requirement.")
class LinkRequirementItemsInput(VersionedInput):
    configuration_item_ids: list[strawberry.ID] = strawberry.field(description="The items, at most 500.")


@strawberry.input(description="Configuration items to unlink from a requirement.")
class UnlinkRequirementItemsInput(VersionedInput):
    configuration_item_ids: list[strawberry.ID] = strawberry.field(description="The items.")


@strawberry.type
class RequirementPayload:
    """The fields that all payloads with one requirement share."""

    requirement: Requirement | None = link(
        RequirementById, "The requirement as it is now, also after a conflict.", key="id", needs=READ_PERMISSION
    )
    user_errors: list[UserErrorType] = user_errors()


requirement_mutation = partial(mutation, payload=RequirementPayload, needs=WRITE_PERMISSION)


def _transition(command: type[use_cases.RequirementCommand], name: str) -> MutationDeclaration:
    return MutationDeclaration(
        command, partial(use_cases.transition, name=name), ID_PREFIXES, database=use_cases.DATABASE
    )


@strawberry.type
class RequirementMutations:
    create_requirement = requirement_mutation(
        MutationDeclaration(use_cases.CreateRequirement, use_cases.create, ITEM_PREFIXES, database=use_cases.DATABASE),
        CreateRequirementInput,
        "Create a requirement in the state PROPOSED.",
        "The new requirement, or why there is none.",
    )
    update_requirement = requirement_mutation(
        MutationDeclaration(use_cases.UpdateRequirement, use_cases.update, ID_PREFIXES, database=use_cases.DATABASE),
        UpdateRequirementInput,
        "Update a proposed or accepted requirement.",
        "The updated requirement, or why it was not updated.",
    )
    accept_requirement = requirement_mutation(
        _transition(use_cases.AcceptRequirement, "acceptRequirement"),
        AcceptRequirementInput,
        "Accept a proposed requirement.",
        "The accepted requirement, or why it was not accepted.",
    )
    reject_requirement = requirement_mutation(
        _transition(use_cases.RejectRequirement, "rejectRequirement"),
        RejectRequirementInput,
        "Reject a proposed requirement.",
        "The rejected requirement, or why it was not rejected.",
    )
    meet_requirement = requirement_mutation(
        _transition(use_cases.MeetRequirement, "meetRequirement"),
        MeetRequirementInput,
        "Record that an accepted requirement is met.",
        "The requirement that is met, or why it was not recorded as met.",
    )
    reopen_requirement = requirement_mutation(
        _transition(use_cases.ReopenRequirement, "reopenRequirement"),
        ReopenRequirementInput,
        "Record that a requirement is not met after all; its state is ACCEPTED again.",
        "The reopened requirement, or why it was not reopened.",
    )
    withdraw_requirement = requirement_mutation(
        _transition(use_cases.WithdrawRequirement, "withdrawRequirement"),
        WithdrawRequirementInput,
        "Withdraw a requirement. Its links remain.",
        "The withdrawn requirement, or why it was not withdrawn.",
    )
    reconsider_requirement = requirement_mutation(
        _transition(use_cases.ReconsiderRequirement, "reconsiderRequirement"),
        ReconsiderRequirementInput,
        "Propose a rejected or withdrawn requirement again.",
        "The proposed requirement, or why it was not proposed again.",
    )
    link_requirement_items = requirement_mutation(
        MutationDeclaration(
            use_cases.LinkRequirementItems,
            use_cases.link_items,
            ID_PREFIXES | ITEM_PREFIXES,
            database=use_cases.DATABASE,
        ),
        LinkRequirementItemsInput,
        "Link configuration items to a requirement. Items that are already linked stay linked.",
        "The requirement, or why nothing was linked.",
    )
    unlink_requirement_items = requirement_mutation(
        MutationDeclaration(
            use_cases.UnlinkRequirementItems,
            use_cases.unlink_items,
            ID_PREFIXES | ITEM_PREFIXES,
            database=use_cases.DATABASE,
        ),
        UnlinkRequirementItemsInput,
        "Unlink configuration items from a requirement, whichever keys the links use.",
        "The requirement, or why nothing was unlinked.",
    )

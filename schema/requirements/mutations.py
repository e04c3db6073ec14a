"""Requirements written by clients, in the requirements database."""

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
    UserErrorType,
    VersionedInput,
    mutation,
    user_errors,
)
from schema.requirements.types import READ_PERMISSION, Requirement

WRITE_PERMISSION = "requirements:write"
ID_PREFIXES = {"id": "req"}
ITEM_PREFIXES = {"configuration_item_ids": "ci"}


@strawberry.input(description="A new requirement.")
class CreateRequirementInput:
    key: str = strawberry.field(description="Its key, unique, for example `REQ-17`. It stays for ever.")
    title: str = strawberry.field(description="What must hold, in a line of at most 500 characters.")
    description: str = strawberry.field(
        default="", description="What must hold, at length: at most 100,000 characters."
    )
    kind: RequirementKind = strawberry.field(default=RequirementKind.FUNCTIONAL, description="What it is about.")
    priority: RequirementPriority = strawberry.field(
        default=RequirementPriority.MEDIUM, description="How much depends on it."
    )
    configuration_item_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that must meet it, at most 500."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(description="What must hold. What is left out stays.")
class UpdateRequirementInput(VersionedInput):
    title: str | None = strawberry.field(default=UNSET, description="What must hold, in a line.")
    description: str | None = strawberry.field(default=UNSET, description="What must hold, at length.")
    kind: RequirementKind | None = strawberry.field(default=UNSET, description="What it is about.")
    priority: RequirementPriority | None = strawberry.field(default=UNSET, description="How much depends on it.")


@strawberry.input(description="The requirement that is agreed to.")
class AcceptRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement that is decided against.")
class RejectRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement that is met.")
class MeetRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement that is not met after all.")
class ReopenRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement that nobody asks for any more.")
class WithdrawRequirementInput(VersionedInput):
    pass


@strawberry.input(description="The requirement that somebody asks for again.")
class ReconsiderRequirementInput(VersionedInput):
    pass


@strawberry.input(description="Configuration items that must meet a requirement.")
class LinkRequirementItemsInput(VersionedInput):
    configuration_item_ids: list[strawberry.ID] = strawberry.field(description="The items, at most 500.")


@strawberry.input(description="Configuration items that need not meet a requirement.")
class UnlinkRequirementItemsInput(VersionedInput):
    configuration_item_ids: list[strawberry.ID] = strawberry.field(description="The items.")


@strawberry.type
class RequirementPayload:
    """What every payload about one requirement holds."""

    requirement: Requirement | None = link(
        RequirementById, "The requirement as it is now, also after a conflict.", key="id", needs=READ_PERMISSION
    )
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The new requirement, or why there is none.")
class CreateRequirementPayload(RequirementPayload):
    pass


@strawberry.type(description="The requirement, or why nothing was written.")
class UpdateRequirementPayload(RequirementPayload):
    pass


@strawberry.type(description="The requirement, or why it was not accepted.")
class AcceptRequirementPayload(RequirementPayload):
    pass


@strawberry.type(description="The requirement, or why it was not rejected.")
class RejectRequirementPayload(RequirementPayload):
    pass


@strawberry.type(description="The requirement, or why it does not count as met.")
class MeetRequirementPayload(RequirementPayload):
    pass


@strawberry.type(description="The requirement, or why it was not reopened.")
class ReopenRequirementPayload(RequirementPayload):
    pass


@strawberry.type(description="The requirement, or why it was not withdrawn.")
class WithdrawRequirementPayload(RequirementPayload):
    pass


@strawberry.type(description="The requirement, or why it is not proposed again.")
class ReconsiderRequirementPayload(RequirementPayload):
    pass


@strawberry.type(description="The requirement, or why nothing was linked.")
class LinkRequirementItemsPayload(RequirementPayload):
    pass


@strawberry.type(description="The requirement, or why nothing was unlinked.")
class UnlinkRequirementItemsPayload(RequirementPayload):
    pass


def _transition(command: type[use_cases.RequirementCommand], name: str) -> MutationDeclaration:
    return MutationDeclaration(
        command, partial(use_cases.transition, name=name), ID_PREFIXES, database=use_cases.DATABASE
    )


@strawberry.type
class RequirementMutations:
    create_requirement: CreateRequirementPayload | None = mutation(
        MutationDeclaration(use_cases.CreateRequirement, use_cases.create, ITEM_PREFIXES, database=use_cases.DATABASE),
        CreateRequirementInput,
        "Ask for something that must hold.",
        needs=WRITE_PERMISSION,
    )
    update_requirement: UpdateRequirementPayload | None = mutation(
        MutationDeclaration(use_cases.UpdateRequirement, use_cases.update, ID_PREFIXES, database=use_cases.DATABASE),
        UpdateRequirementInput,
        "Reword a requirement that is proposed or accepted.",
        needs=WRITE_PERMISSION,
    )
    accept_requirement: AcceptRequirementPayload | None = mutation(
        _transition(use_cases.AcceptRequirement, "acceptRequirement"),
        AcceptRequirementInput,
        "Agree to a proposed requirement.",
        needs=WRITE_PERMISSION,
    )
    reject_requirement: RejectRequirementPayload | None = mutation(
        _transition(use_cases.RejectRequirement, "rejectRequirement"),
        RejectRequirementInput,
        "Decide against a proposed requirement.",
        needs=WRITE_PERMISSION,
    )
    meet_requirement: MeetRequirementPayload | None = mutation(
        _transition(use_cases.MeetRequirement, "meetRequirement"),
        MeetRequirementInput,
        "Tell that an accepted requirement is met.",
        needs=WRITE_PERMISSION,
    )
    reopen_requirement: ReopenRequirementPayload | None = mutation(
        _transition(use_cases.ReopenRequirement, "reopenRequirement"),
        ReopenRequirementInput,
        "Tell that a requirement is not met after all; it is accepted as before.",
        needs=WRITE_PERMISSION,
    )
    withdraw_requirement: WithdrawRequirementPayload | None = mutation(
        _transition(use_cases.WithdrawRequirement, "withdrawRequirement"),
        WithdrawRequirementInput,
        "Tell that nobody asks for a requirement any more. Its links stay.",
        needs=WRITE_PERMISSION,
    )
    reconsider_requirement: ReconsiderRequirementPayload | None = mutation(
        _transition(use_cases.ReconsiderRequirement, "reconsiderRequirement"),
        ReconsiderRequirementInput,
        "Propose a rejected or withdrawn requirement again.",
        needs=WRITE_PERMISSION,
    )
    link_requirement_items: LinkRequirementItemsPayload | None = mutation(
        MutationDeclaration(
            use_cases.LinkRequirementItems,
            use_cases.link_items,
            ID_PREFIXES | ITEM_PREFIXES,
            database=use_cases.DATABASE,
        ),
        LinkRequirementItemsInput,
        "Link configuration items to a requirement. Those that are linked already stay so.",
        needs=WRITE_PERMISSION,
    )
    unlink_requirement_items: UnlinkRequirementItemsPayload | None = mutation(
        MutationDeclaration(
            use_cases.UnlinkRequirementItems,
            use_cases.unlink_items,
            ID_PREFIXES | ITEM_PREFIXES,
            database=use_cases.DATABASE,
        ),
        UnlinkRequirementItemsInput,
        "Take links between configuration items and a requirement away, by whatever keys they were made.",
        needs=WRITE_PERMISSION,
    )

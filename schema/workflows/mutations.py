"""Definitions of workflows written by clients: drafted, changed, published, retired, revised and discarded."""

import strawberry
from strawberry.types.unset import UNSET

from resolvers.workflows import use_cases
from resolvers.workflows.loaders import WorkflowById
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    UserErrorType,
    VersionedInput,
    mutation,
    user_errors,
)
from schema.workflows.inputs import (
    INPUT_MAPPING,
    STEP_MAPPING,
    TRIGGER_MAPPING,
    WorkflowInputInput,
    WorkflowStepInput,
    WorkflowTriggerInput,
)
from schema.workflows.types import Workflow

WRITE_PERMISSION = "workflows:write"
ID_PREFIXES = {"id": "wf"}
ITEM_PREFIXES = {"configuration_item_ids": "ci"}
LIST_MAPPINGS = {"inputs": INPUT_MAPPING, "steps": STEP_MAPPING}
OBJECT_MAPPINGS = {"trigger": TRIGGER_MAPPING}


@strawberry.input(
    description="A draft of a workflow: the first revision of a new key, or the next one of a known key. It may be "
    "unfinished; what would stop it from being published is in `Workflow.problems`."
)
class CreateWorkflowInput:
    key: str = strawberry.field(
        description="What its revisions have in common: small letters, digits and hyphens, such as `restart-service`."
    )
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(default="", description="What it is for.")
    trigger: WorkflowTriggerInput | None = strawberry.field(
        default=None, description="What starts it; null if only people do."
    )
    inputs: list[WorkflowInputInput] = strawberry.field(
        default_factory=list, description="What a run is given, in the order of a form; at most 50."
    )
    steps: list[WorkflowStepInput] = strawberry.field(
        default_factory=list, description="What is to be done, at most 100 steps; a step waits for those it depends on."
    )
    configuration_item_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that it is meant for, at most 500."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(
    description="What a draft says. What is left out stays; a trigger or list that is given takes the place of all "
    "that was."
)
class UpdateWorkflowInput(VersionedInput):
    name: str | None = strawberry.field(default=UNSET, description="Its name.")
    description: str | None = strawberry.field(default=UNSET, description="What it is for.")
    trigger: WorkflowTriggerInput | None = strawberry.field(
        default=UNSET, description="What starts it; null if only people do."
    )
    inputs: list[WorkflowInputInput] | None = strawberry.field(
        default=UNSET, description="What a run is given, in the order of a form; at most 50."
    )
    steps: list[WorkflowStepInput] | None = strawberry.field(
        default=UNSET, description="What is to be done, at most 100 steps."
    )
    configuration_item_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="The configuration items that it is meant for, at most 500."
    )


@strawberry.input(description="The draft that is to be in use.")
class PublishWorkflowInput(VersionedInput):
    pass


@strawberry.input(description="The revision that is to be in use no longer.")
class RetireWorkflowInput(VersionedInput):
    pass


@strawberry.input(description="The revision whose next one is to be written.")
class ReviseWorkflowInput(VersionedInput):
    pass


@strawberry.input(description="The draft that is of no use.")
class DiscardWorkflowInput(VersionedInput):
    pass


@strawberry.type
class WorkflowPayload:
    """What every payload about one revision holds."""

    workflow: Workflow | None = link(WorkflowById, "The revision as it is now.", key="id", needs="workflows:read")
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The draft, or why there is none.")
class CreateWorkflowPayload(WorkflowPayload):
    pass


@strawberry.type(description="The draft, or why nothing was written.")
class UpdateWorkflowPayload(WorkflowPayload):
    pass


@strawberry.type(description="The revision in use, or everything that stops it from being published.")
class PublishWorkflowPayload(WorkflowPayload):
    pass


@strawberry.type(description="The retired revision, or why it was not retired.")
class RetireWorkflowPayload(WorkflowPayload):
    pass


@strawberry.type(description="The new draft, or why there is none.")
class ReviseWorkflowPayload(WorkflowPayload):
    pass


@strawberry.type(description="Nothing where the draft is gone; the draft and why it is not, where it stays.")
class DiscardWorkflowPayload(WorkflowPayload):
    pass


@strawberry.type
class WorkflowMutations:
    create_workflow: CreateWorkflowPayload | None = mutation(
        MutationDeclaration(use_cases.CreateWorkflow, use_cases.create, ITEM_PREFIXES, LIST_MAPPINGS, OBJECT_MAPPINGS),
        CreateWorkflowInput,
        "Write a draft of a workflow. Nothing starts it before it is published.",
        needs=WRITE_PERMISSION,
    )
    update_workflow: UpdateWorkflowPayload | None = mutation(
        MutationDeclaration(
            use_cases.UpdateWorkflow, use_cases.update, ID_PREFIXES | ITEM_PREFIXES, LIST_MAPPINGS, OBJECT_MAPPINGS
        ),
        UpdateWorkflowInput,
        "Change what a draft says. What is published never changes: use `reviseWorkflow`.",
        needs=WRITE_PERMISSION,
    )
    publish_workflow: PublishWorkflowPayload | None = mutation(
        MutationDeclaration(use_cases.PublishWorkflow, use_cases.publish, ID_PREFIXES),
        PublishWorkflowInput,
        "Put a draft into use, if nothing is wrong with it. The published revision of its key retires; its runs go on.",
        needs=WRITE_PERMISSION,
    )
    retire_workflow: RetireWorkflowPayload | None = mutation(
        MutationDeclaration(use_cases.RetireWorkflow, use_cases.retire, ID_PREFIXES),
        RetireWorkflowInput,
        "Take a published revision out of use. Its runs go on; no new ones begin.",
        needs=WRITE_PERMISSION,
    )
    revise_workflow: ReviseWorkflowPayload | None = mutation(
        MutationDeclaration(use_cases.ReviseWorkflow, use_cases.revise, ID_PREFIXES),
        ReviseWorkflowInput,
        "Write the next revision of a workflow: a draft that says what this one says.",
        needs=WRITE_PERMISSION,
    )
    discard_workflow: DiscardWorkflowPayload | None = mutation(
        MutationDeclaration(use_cases.DiscardWorkflow, use_cases.discard, ID_PREFIXES),
        DiscardWorkflowInput,
        "Throw a draft away.",
        needs=WRITE_PERMISSION,
    )

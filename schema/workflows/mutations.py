"""Mutations of workflow definitions: create, update, publish, retire, revise and discard."""

from functools import partial

import strawberry
from strawberry.types.unset import UNSET

from resolvers.workflows import use_cases
from resolvers.workflows.loaders import WorkflowById
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    VersionedInput,
    mutation,
)
from schema.declarations.user_errors import UserErrorType, user_errors
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
    description="A draft of a workflow: the first revision of a new key, or the next one of an existing key. It can be "
    "incomplete; `Workflow.problems` lists what prevents publication."
)
class CreateWorkflowInput:
    key: str = strawberry.field(
        description="The key that its revisions share: lower-case letters, digits and hyphens, for example "
        "`restart-service`."
    )
    name: str = strawberry.field(description="Its name.")
    description: str = strawberry.field(default="", description="What it is for.")
    trigger: WorkflowTriggerInput | None = strawberry.field(
        default=None, description="The trigger that starts it; null if it is only started manually."
    )
    inputs: list[WorkflowInputInput] = strawberry.field(
        default_factory=list, description="The inputs of a run, in the order of a form; at most 50."
    )
    steps: list[WorkflowStepInput] = strawberry.field(
        default_factory=list, description="The steps, at most 100; a step waits for those it depends on."
    )
    configuration_item_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="The configuration items that it is intended for, at most 500."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input(
    description="New values of a draft. Omitted fields stay unchanged; a given trigger or list replaces the current "
    "one."
)
class UpdateWorkflowInput(VersionedInput):
    name: str | None = strawberry.field(default=UNSET, description="Its name.")
    description: str | None = strawberry.field(default=UNSET, description="What it is for.")
    trigger: WorkflowTriggerInput | None = strawberry.field(
        default=UNSET, description="The trigger that starts it; null if it is only started manually."
    )
    inputs: list[WorkflowInputInput] | None = strawberry.field(
        default=UNSET, description="The inputs of a run, in the order of a form; at most 50."
    )
    steps: list[WorkflowStepInput] | None = strawberry.field(default=UNSET, description="The steps, at most 100.")
    configuration_item_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="The configuration items that it is intended for, at most 500."
    )


@strawberry.input(description="The draft to publish.")
class PublishWorkflowInput(VersionedInput):
    pass


@strawberry.input(description="The published revision to retire.")
class RetireWorkflowInput(VersionedInput):
    pass


@strawberry.input(description="The revision to copy to a new draft.")
class ReviseWorkflowInput(VersionedInput):
    pass


@strawberry.input(description="The draft to discard.")
class DiscardWorkflowInput(VersionedInput):
    pass


@strawberry.type
class WorkflowPayload:
    """The fields that all payloads with one revision share."""

    workflow: Workflow | None = link(WorkflowById, "The revision as it is now.", key="id", needs="workflows:read")
    user_errors: list[UserErrorType] = user_errors()


workflow_mutation = partial(mutation, payload=WorkflowPayload, needs=WRITE_PERMISSION)


@strawberry.type
class WorkflowMutations:
    create_workflow = workflow_mutation(
        MutationDeclaration(use_cases.CreateWorkflow, use_cases.create, ITEM_PREFIXES, LIST_MAPPINGS, OBJECT_MAPPINGS),
        CreateWorkflowInput,
        "Create a draft of a workflow. It cannot run before it is published.",
        "The new draft, or why there is none.",
    )
    update_workflow = workflow_mutation(
        MutationDeclaration(
            use_cases.UpdateWorkflow, use_cases.update, ID_PREFIXES | ITEM_PREFIXES, LIST_MAPPINGS, OBJECT_MAPPINGS
        ),
        UpdateWorkflowInput,
        "Update a draft. A published revision never changes: use `reviseWorkflow`.",
        "The updated draft, or why it was not updated.",
    )
    publish_workflow = workflow_mutation(
        MutationDeclaration(use_cases.PublishWorkflow, use_cases.publish, ID_PREFIXES),
        PublishWorkflowInput,
        "Publish a valid draft. The currently published revision of its key is retired; its runs continue.",
        "The published revision, or everything that prevents publication.",
    )
    retire_workflow = workflow_mutation(
        MutationDeclaration(use_cases.RetireWorkflow, use_cases.retire, ID_PREFIXES),
        RetireWorkflowInput,
        "Retire a published revision. Its runs continue; no new runs begin.",
        "The retired revision, or why it was not retired.",
    )
    revise_workflow = workflow_mutation(
        MutationDeclaration(use_cases.ReviseWorkflow, use_cases.revise, ID_PREFIXES),
        ReviseWorkflowInput,
        "Create the next revision of a workflow: a draft with the same definition.",
        "The new draft, or why there is none.",
    )
    discard_workflow = workflow_mutation(
        MutationDeclaration(use_cases.DiscardWorkflow, use_cases.discard, ID_PREFIXES),
        DiscardWorkflowInput,
        "Discard a draft.",
        "Null if the draft was discarded; otherwise the draft, and why it was not discarded.",
    )

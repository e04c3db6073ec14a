"""Mutations of workflow definitions: create, update, publish, retire, revise and discard."""

from functools import partial

import strawberry

from resolvers.workflows import use_cases
from resolvers.workflows.definition import TriggerEvent
from resolvers.workflows.loaders import WorkflowById
from schema.declarations.enums import register_enum
from schema.declarations.fields import link
from schema.declarations.mutations import mutation
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.workflows.types import Workflow

WRITE_PERMISSION = "workflows:write"

register_enum(
    TriggerEvent,
    "The event that starts a run of a workflow.",
    name="WorkflowTriggerEvent",
    MANUAL="A person or a program starts it.",
    INCIDENT_OPENED="An incident is opened, by any source.",
    INCIDENT_CHANGED="Any field of an incident changes: its state, its priority, its assignee.",
    ITEM_CREATED="A configuration item is created.",
    ITEM_CHANGED="Any field of a configuration item changes.",
    RUN_FINISHED="A run of one of the workflows of the trigger ends, in any state.",
)


@strawberry.type
class WorkflowPayload:
    """The fields that all payloads with one revision share."""

    workflow: Workflow | None = link(WorkflowById, "The revision as it is now.", key="id", needs="workflows:read")
    user_errors: list[UserErrorType] = user_errors()


workflow_mutation = partial(mutation, payload=WorkflowPayload, needs=WRITE_PERMISSION)


@strawberry.type
class WorkflowMutations:
    create_workflow = workflow_mutation(
        use_cases.CreateWorkflow,
        use_cases.create,
        "Create a draft of a workflow. It cannot run before it is published.",
        "The new draft, or why there is none.",
    )
    update_workflow = workflow_mutation(
        use_cases.UpdateWorkflow,
        use_cases.update,
        "Update a draft. A published revision never changes: use `reviseWorkflow`.",
        "The updated draft, or why it was not updated.",
    )
    publish_workflow = workflow_mutation(
        use_cases.PublishWorkflow,
        use_cases.publish,
        "Publish a valid draft. The currently published revision of its key is retired; its runs continue.",
        "The published revision, or everything that prevents publication.",
    )
    retire_workflow = workflow_mutation(
        use_cases.RetireWorkflow,
        use_cases.retire,
        "Retire a published revision. Its runs continue; no new runs begin.",
        "The retired revision, or why it was not retired.",
    )
    revise_workflow = workflow_mutation(
        use_cases.ReviseWorkflow,
        use_cases.revise,
        "Create the next revision of a workflow: a draft with the same definition.",
        "The new draft, or why there is none.",
    )
    discard_workflow = workflow_mutation(
        use_cases.DiscardWorkflow,
        use_cases.discard,
        "Discard a draft.",
        "Null if the draft was discarded; otherwise the draft, and why it was not discarded.",
    )

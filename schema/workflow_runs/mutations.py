"""Mutations of workflow runs: start, approve, reject, complete or fail steps, and cancel."""

from functools import partial

import strawberry
from strawberry.scalars import JSON

from resolvers.workflow_runs import use_cases
from resolvers.workflow_runs.loaders import WorkflowRunById
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    mutation,
)
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.workflow_runs.types import READ_PERMISSION, WorkflowRun

RUN_PERMISSION = "workflows:run"
APPROVE_PERMISSION = "workflows:approve"
ID_PREFIXES = {"run_id": "run"}


@strawberry.input(description="The workflow to start: give `workflowId` or `workflowKey`.")
class StartWorkflowInput:
    workflow_id: strawberry.ID | None = strawberry.field(default=None, description="The published revision.")
    workflow_key: str | None = strawberry.field(
        default=None, description="The key of a workflow; its newest published revision runs."
    )
    incident_id: strawberry.ID | None = strawberry.field(
        default=None, description="The incident of the run. The run gets its priority."
    )
    configuration_item_id: strawberry.ID | None = strawberry.field(
        default=None, description="The configuration item of the run."
    )
    inputs: JSON | None = strawberry.field(
        default=None, description='The inputs of the workflow by name, for example `{"size": 3}`; at most 64 KB.'
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input
class RunInput:
    """The fields that all inputs for one run share: its id, its expected version, and an idempotency key."""

    run_id: strawberry.ID = strawberry.field(description="The run's global id.")
    expected_version: int | None = strawberry.field(
        default=None,
        description="The version that you last read; if the current version differs, the error is CONFLICT. If "
        "omitted, any version.",
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input
class RunStepInput(RunInput):
    """The fields that all inputs for one step of a run share."""

    step: str = strawberry.field(description="The step's key, for example `agree`.")


@strawberry.input(description="The approval of a step that waits for it.")
class ApproveWorkflowStepInput(RunStepInput):
    comment: str = strawberry.field(default="", description="The reason, at most 4,000 characters.")


@strawberry.input(description="The rejection of a step that waits for an approval.")
class RejectWorkflowStepInput(RunStepInput):
    comment: str = strawberry.field(default="", description="The reason, at most 4,000 characters.")


@strawberry.input(description="The manual step to complete.")
class CompleteWorkflowStepInput(RunStepInput):
    outcome: JSON | None = strawberry.field(
        default=None, description="The outcome, an object that later steps can read; at most 64 KB."
    )


@strawberry.input(description="The manual step that failed.")
class FailWorkflowStepInput(RunStepInput):
    reason: str = strawberry.field(description="The reason, at most 4,000 characters.")


@strawberry.input(description="The run to cancel.")
class CancelWorkflowRunInput(RunInput):
    reason: str = strawberry.field(description="The reason, at most 4,000 characters.")


@strawberry.type
class RunPayload:
    """The fields that all payloads with one run share."""

    workflow_run: WorkflowRun | None = link(WorkflowRunById, "The run as it is now.", key="id", needs=READ_PERMISSION)
    user_errors: list[UserErrorType] = user_errors()


run_mutation = partial(mutation, payload=RunPayload, needs=RUN_PERMISSION)


@strawberry.type
class WorkflowRunMutations:
    start_workflow = run_mutation(
        MutationDeclaration(
            use_cases.StartWorkflow,
            use_cases.start,
            {"workflow_id": "wf", "incident_id": "inc", "configuration_item_id": "ci"},
        ),
        StartWorkflowInput,
        "Start a run of a published workflow. Its first steps begin at once.",
        "The new run, or why there is none.",
    )
    approve_workflow_step = run_mutation(
        MutationDeclaration(use_cases.ApproveWorkflowStep, use_cases.approve, ID_PREFIXES),
        ApproveWorkflowStepInput,
        "Approve a step, as one of its approvers. With the four-eyes rule, the person who requested the run is not "
        "one. "
        "Each approver approves once; the step succeeds with enough approvals.",
        "The run, or why the step was not approved.",
        needs=APPROVE_PERMISSION,
    )
    reject_workflow_step = run_mutation(
        MutationDeclaration(use_cases.RejectWorkflowStep, use_cases.reject, ID_PREFIXES),
        RejectWorkflowStepInput,
        "Reject a step, as one of its approvers. One rejection fails the run; its completed steps are compensated.",
        "The run, or why the step was not rejected.",
        needs=APPROVE_PERMISSION,
    )
    complete_workflow_step = run_mutation(
        MutationDeclaration(use_cases.CompleteWorkflowStep, use_cases.complete, ID_PREFIXES),
        CompleteWorkflowStepInput,
        "Complete a manual step.",
        "The run, or why the step was not completed.",
    )
    fail_workflow_step = run_mutation(
        MutationDeclaration(use_cases.FailWorkflowStep, use_cases.fail, ID_PREFIXES),
        FailWorkflowStepInput,
        "Record that a manual step failed. It is retried if its workflow defines a retry.",
        "The run, or why the failure was not recorded.",
    )
    cancel_workflow_run = run_mutation(
        MutationDeclaration(use_cases.CancelWorkflowRun, use_cases.cancel, ID_PREFIXES),
        CancelWorkflowRunInput,
        "Cancel a run. Its open steps end, and its completed steps are compensated.",
        "The cancelled run, or why it was not cancelled.",
    )

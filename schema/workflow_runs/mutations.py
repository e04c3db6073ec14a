"""Mutations of workflow runs: start, approve, reject, complete or fail steps, and cancel."""

from functools import partial

import strawberry

from resolvers.workflow_runs import use_cases
from resolvers.workflow_runs.loaders import WorkflowRunById
from schema.declarations.fields import link
from schema.declarations.mutations import mutation
from schema.declarations.user_errors import UserErrorType, user_errors
from schema.workflow_runs.types import READ_PERMISSION, WorkflowRun

RUN_PERMISSION = "workflows:run"
APPROVE_PERMISSION = "workflows:approve"


@strawberry.type
class RunPayload:
    """The fields that all payloads with one run share."""

    workflow_run: WorkflowRun | None = link(WorkflowRunById, "The run as it is now.", key="id", needs=READ_PERMISSION)
    user_errors: list[UserErrorType] = user_errors()


run_mutation = partial(mutation, payload=RunPayload, needs=RUN_PERMISSION)


@strawberry.type
class WorkflowRunMutations:
    start_workflow = run_mutation(
        use_cases.StartWorkflow,
        use_cases.start,
        "Start a run of a published workflow. Its first steps begin at once.",
        "The new run, or why there is none.",
    )
    approve_workflow_step = run_mutation(
        use_cases.ApproveWorkflowStep,
        use_cases.approve,
        "Approve a step, as one of its approvers. With the four-eyes rule, nobody who requested or caused the run is "
        "one. "
        "Each approver approves once; the step succeeds with enough approvals.",
        "The run, or why the step was not approved.",
        needs=APPROVE_PERMISSION,
    )
    reject_workflow_step = run_mutation(
        use_cases.RejectWorkflowStep,
        use_cases.reject,
        "Reject a step, as one of its approvers. One rejection fails the run; its completed steps are compensated.",
        "The run, or why the step was not rejected.",
        needs=APPROVE_PERMISSION,
    )
    complete_workflow_step = run_mutation(
        use_cases.CompleteWorkflowStep,
        use_cases.complete,
        "Complete a manual step.",
        "The run, or why the step was not completed.",
    )
    fail_workflow_step = run_mutation(
        use_cases.FailWorkflowStep,
        use_cases.fail,
        "Record that a manual step failed. It is retried if its workflow defines a retry.",
        "The run, or why the failure was not recorded.",
    )
    cancel_workflow_run = run_mutation(
        use_cases.CancelWorkflowRun,
        use_cases.cancel,
        "Cancel a run. Its open steps end, and its completed steps are compensated.",
        "The cancelled run, or why it was not cancelled.",
    )

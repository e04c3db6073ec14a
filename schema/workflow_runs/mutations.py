"""Runs of workflows led by clients: started, approved, done by hand, and called off."""

import strawberry
from strawberry.scalars import JSON

from resolvers.workflow_runs import use_cases
from resolvers.workflow_runs.loaders import WorkflowRunById
from schema.declarations.fields import link
from schema.declarations.mutations import (
    IDEMPOTENCY_KEY_DESCRIPTION,
    MutationDeclaration,
    UserErrorType,
    mutation,
    user_errors,
)
from schema.workflow_runs.types import READ_PERMISSION as READS
from schema.workflow_runs.types import WorkflowRun

RUN_PERMISSION, APPROVE_PERMISSION = "workflows:run", "workflows:approve"
ID_PREFIXES = {"run_id": "run"}


@strawberry.input(description="A run of a workflow: give `workflowId` or `workflowKey`.")
class StartWorkflowInput:
    workflow_id: strawberry.ID | None = strawberry.field(default=None, description="The published revision.")
    workflow_key: str | None = strawberry.field(
        default=None, description="The key of a workflow: its newest published revision runs."
    )
    incident_id: strawberry.ID | None = strawberry.field(
        default=None, description="The incident that it is for. Its priority becomes the run's."
    )
    configuration_item_id: strawberry.ID | None = strawberry.field(
        default=None, description="The configuration item that it is for."
    )
    inputs: JSON | None = strawberry.field(
        default=None, description='What the workflow is given by name, for example `{"size": 3}`; at most 64 KB.'
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input
class RunInput:
    """What every input about one run holds: which, perhaps at which version, and a key for repeated calls."""

    run_id: strawberry.ID = strawberry.field(description="The run's global id.")
    expected_version: int | None = strawberry.field(
        default=None, description="The version that you know; another is a CONFLICT. Left out, any will do."
    )
    idempotency_key: str | None = strawberry.field(default=None, description=IDEMPOTENCY_KEY_DESCRIPTION)


@strawberry.input
class RunStepInput(RunInput):
    """What every input about one step of a run holds."""

    step: str = strawberry.field(description="The step's key, for example `agree`.")


@strawberry.input(description="A yes to a step that waits for an approval.")
class ApproveWorkflowStepInput(RunStepInput):
    comment: str = strawberry.field(default="", description="Why; at most 4,000 characters.")


@strawberry.input(description="A no to a step that waits for an approval.")
class RejectWorkflowStepInput(RunStepInput):
    comment: str = strawberry.field(default="", description="Why; at most 4,000 characters.")


@strawberry.input(description="A step that was done by hand.")
class CompleteWorkflowStepInput(RunStepInput):
    outcome: JSON | None = strawberry.field(
        default=None, description="What came of it, an object for later steps to look at; at most 64 KB."
    )


@strawberry.input(description="A step that could not be done by hand.")
class FailWorkflowStepInput(RunStepInput):
    reason: str = strawberry.field(description="Why; at most 4,000 characters.")


@strawberry.input(description="A run that is called off.")
class CancelWorkflowRunInput(RunInput):
    reason: str = strawberry.field(description="Why; at most 4,000 characters.")


@strawberry.type
class RunPayload:
    """What every payload about one run holds."""

    workflow_run: WorkflowRun | None = link(WorkflowRunById, "The run as it is now.", key="id", needs=READS)
    user_errors: list[UserErrorType] = user_errors()


@strawberry.type(description="The new run, or why there is none.")
class StartWorkflowPayload(RunPayload):
    pass


@strawberry.type(description="The run, or why nothing was approved.")
class ApproveWorkflowStepPayload(RunPayload):
    pass


@strawberry.type(description="The run, or why nothing was rejected.")
class RejectWorkflowStepPayload(RunPayload):
    pass


@strawberry.type(description="The run, or why no step was completed.")
class CompleteWorkflowStepPayload(RunPayload):
    pass


@strawberry.type(description="The run, or why no step was failed.")
class FailWorkflowStepPayload(RunPayload):
    pass


@strawberry.type(description="The run, or why it was not cancelled.")
class CancelWorkflowRunPayload(RunPayload):
    pass


@strawberry.type
class WorkflowRunMutations:
    start_workflow: StartWorkflowPayload | None = mutation(
        MutationDeclaration(
            use_cases.StartWorkflow,
            use_cases.start,
            {"workflow_id": "wf", "incident_id": "inc", "configuration_item_id": "ci"},
        ),
        StartWorkflowInput,
        "Start a run of a published workflow. Its first steps begin at once.",
        needs=RUN_PERMISSION,
    )
    approve_workflow_step: ApproveWorkflowStepPayload | None = mutation(
        MutationDeclaration(use_cases.ApproveWorkflowStep, use_cases.approve, ID_PREFIXES),
        ApproveWorkflowStepInput,
        "Say yes to a step, as one of those that it asks; who asked for the run is not one of them where four eyes are "
        "wanted. Each says it once, and the step is over when enough have.",
        needs=APPROVE_PERMISSION,
    )
    reject_workflow_step: RejectWorkflowStepPayload | None = mutation(
        MutationDeclaration(use_cases.RejectWorkflowStep, use_cases.reject, ID_PREFIXES),
        RejectWorkflowStepInput,
        "Say no to a step, as one of those that it asks. One no fails the run; what it did is undone.",
        needs=APPROVE_PERMISSION,
    )
    complete_workflow_step: CompleteWorkflowStepPayload | None = mutation(
        MutationDeclaration(use_cases.CompleteWorkflowStep, use_cases.complete, ID_PREFIXES),
        CompleteWorkflowStepInput,
        "Tell that a manual step is done.",
        needs=RUN_PERMISSION,
    )
    fail_workflow_step: FailWorkflowStepPayload | None = mutation(
        MutationDeclaration(use_cases.FailWorkflowStep, use_cases.fail, ID_PREFIXES),
        FailWorkflowStepInput,
        "Tell that a manual step could not be done. It is tried again where its workflow says so.",
        needs=RUN_PERMISSION,
    )
    cancel_workflow_run: CancelWorkflowRunPayload | None = mutation(
        MutationDeclaration(use_cases.CancelWorkflowRun, use_cases.cancel, ID_PREFIXES),
        CancelWorkflowRunInput,
        "Call a run off. Its open steps end, and what it did is undone.",
        needs=RUN_PERMISSION,
    )

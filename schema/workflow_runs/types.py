"""Workflow runs, the attempts at their steps, and approvals."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from datasources.records.queries import Order
from datasources.records.workflow_runs import (
    WorkflowApprovalRecord,
    WorkflowDecision,
    WorkflowRunRecord,
    WorkflowRunState,
    WorkflowStepRunRecord,
    WorkflowStepRunState,
)
from resolvers.configuration_items.loaders import ConfigurationItemById
from resolvers.incidents.loaders import IncidentById
from resolvers.users.loaders import UserById
from resolvers.workflow_runs.loaders import (
    ApprovalsByStepRun,
    BlastRadiusByRun,
    StepRunsByRun,
    WorkflowRunById,
    WorkflowRunByNumber,
    WorkflowRuns,
    WorkflowRunsByConfigurationItem,
    WorkflowRunsByIncident,
)
from resolvers.workflows.loaders import WorkflowById, WorkflowStepById
from schema.declarations.connections import Connection, Group, PageDeclaration, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, link
from schema.declarations.filters import (
    DateTimeFilter,
    Filter,
    IdFilter,
    TextFilter,
    all_of,
    any_of,
    condition,
    none_of,
    order_input,
)
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field
from schema.impact.blast_radius import WALK_PERMISSION, BlastRadius
from schema.lazy_types import (
    LazyConfigurationItem,
    LazyConfigurationItemFilter,
    LazyIncident,
    LazyUser,
    LazyWorkflow,
    LazyWorkflowFilter,
    LazyWorkflowStep,
)

READ_PERMISSION = "workflows:read"
NEWEST_FIRST = Order("started_at", descending=True)

register_enum(
    WorkflowRunState,
    "The state of a workflow run. WAITING means that a person must act; RUNNING, that a program or a timer does.",
    RUNNING="A program or a timer acts.",
    WAITING="A person must act.",
    COMPENSATING="It failed or was cancelled, and its completed steps are being compensated.",
    SUCCEEDED="It ended and achieved its purpose.",
    FAILED="It ended and did not achieve its purpose.",
    CANCELLED="It was cancelled before its end.",
)
register_enum(
    WorkflowStepRunState,
    "The state of one attempt at a step.",
    PENDING="It has not begun.",
    RUNNING="A program or a timer acts.",
    WAITING="A person must act.",
    SUCCEEDED="It ended and achieved its purpose.",
    FAILED="It ended and did not achieve its purpose.",
    SKIPPED="It was skipped.",
    CANCELLED="It was cancelled before its end.",
)
register_enum(
    WorkflowDecision,
    "What an approver decided.",
    APPROVED="The approver approved the step.",
    REJECTED="The approver rejected the step.",
)


@strawberry.type(description="The decision of one person about one attempt at a step.")
class WorkflowApproval:
    record = WorkflowApprovalRecord

    decision: WorkflowDecision = attribute("The decision.")
    comment: str = attribute("The reason; can be empty.")
    decided_at: datetime = attribute("When it was decided.")
    user: LazyUser | None = link(
        UserById,
        "The user who decided; null if the approver is not among the users.",
        key="user_id",
        needs="users:read",
    )
    principal: str = attribute("The caller who decided, as `kind:subject`; empty for imported decisions.")


@strawberry.type(description="One attempt at a step in a run of a workflow.")
class WorkflowStepRun:
    record = WorkflowStepRunRecord

    state: WorkflowStepRunState = attribute("The state of the attempt.")
    attempt: int = attribute("The number of the attempt at the step, from 1.")
    started_at: datetime | None = attribute("When it started; null if it has not started.")
    finished_at: datetime | None = attribute("When it ended; null if it has not ended.")
    outcome: JSON = attribute("The outcome that the executor of the step reported; empty while the attempt is open.")
    due_at: datetime | None = attribute(
        "When it is processed without a report: its timeout, the end of its wait, or its next attempt."
    )
    reason: str = attribute("Why it failed, was skipped or was cancelled; can be empty.")
    step: LazyWorkflowStep | None = link(
        WorkflowStepById, "The step of the attempt.", key="step_id", needs=READ_PERMISSION
    )
    approvals: list[WorkflowApproval] | None = link(
        ApprovalsByStepRun,
        "The decisions about it, oldest first. One statement.",
        key="id",
        needs=READ_PERMISSION,
        size=3,
    )


@strawberry.type(description="One run of one revision of a workflow.")
class WorkflowRun(Node):
    record = WorkflowRunRecord
    prefix = "run"
    by_id = WorkflowRunById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("run")
    number: str = attribute("Its number, unique, for example `RUN0000042`.")
    state: WorkflowRunState = attribute("Its state.")
    started_at: datetime = attribute("When it was started.")
    finished_at: datetime | None = attribute("When it ended; null if it has not ended.")
    version: int = attribute("Increases by one with each write.")
    requested_by: str = attribute("The caller who requested it, as `kind:subject`; empty for imported runs.")
    priority: int | None = attribute(
        "Its priority, from 1 (highest) to 5: the priority of its incident when it started."
    )
    inputs: JSON = attribute("Its inputs, by name.")
    reason: str = attribute("Why it failed or was cancelled; can be empty.")
    blast_radius: BlastRadius | None = link(
        BlastRadiusByRun,
        "What the failure that caused the run reaches, as of the start of the run; null until it was computed, and for "
        "a run without incident and item.",
        key="id",
        needs=WALK_PERMISSION,
    )
    caused_by: "WorkflowRun | None" = link(
        WorkflowRunById,
        "The run whose end triggered this one; null if there is none.",
        key="cause_run_id",
        needs=READ_PERMISSION,
    )
    workflow: LazyWorkflow | None = link(
        WorkflowById, "The revision of the workflow that runs.", key="workflow_id", needs=READ_PERMISSION
    )
    incident: LazyIncident | None = link(
        IncidentById,
        "The incident it runs for; null if there is none, or none that you are permitted to see.",
        key="incident_id",
        needs="incidents:read",
    )
    configuration_item: LazyConfigurationItem | None = link(
        ConfigurationItemById,
        "The configuration item it runs on; null if there is none.",
        key="configuration_item_id",
        needs="configuration-items:read",
    )
    started_by: LazyUser | None = link(
        UserById, "The user who started it; null if a trigger did.", key="started_by_id", needs="users:read"
    )
    step_runs: list[WorkflowStepRun] | None = link(
        StepRunsByRun,
        "The attempts at its steps, in order of the steps, then of attempts. One statement.",
        key="id",
        needs=READ_PERMISSION,
        size=20,
    )


@strawberry.type(description="A page of workflow runs.")
class WorkflowRunConnection(Connection[WorkflowRun]):
    groups: list[Group] = groups("WorkflowRun", "workflow runs", STATE="By state.")


@strawberry.input(description="Conditions on workflow runs; all given conditions must hold.")
class WorkflowRunFilter:
    id: IdFilter | None = condition("Its global id.")
    number: TextFilter | None = condition("Its number.")
    state: Filter[WorkflowRunState] | None = condition("Its state.")
    started_at: DateTimeFilter | None = condition("When it was started.")
    finished_at: DateTimeFilter | None = condition("When it ended.")
    workflow: LazyWorkflowFilter | None = condition("The revision of the workflow that runs.")
    configuration_item: LazyConfigurationItemFilter | None = condition("The configuration item it runs on.")
    and_: list["WorkflowRunFilter"] | None = all_of()
    or_: list["WorkflowRunFilter"] | None = any_of()
    not_: "WorkflowRunFilter | None" = none_of()


WorkflowRunOrder = order_input(
    "WorkflowRun",
    "workflow runs",
    NUMBER="By number.",
    STARTED_AT="By start time.",
)
WORKFLOW_RUN_PAGES = PageDeclaration(READ_PERMISSION, WorkflowRunFilter | None, WorkflowRunOrder | None, NEWEST_FIRST)


@strawberry.type
class HasWorkflowRuns:
    """Adds the field `workflowRuns` to a configuration item."""

    workflow_runs: WorkflowRunConnection | None = connection(
        WorkflowRunsByConfigurationItem,
        "The workflow runs on it, newest first.",
        key="id",
        pages=WORKFLOW_RUN_PAGES,
    )


@strawberry.type
class HasIncidentWorkflowRuns:
    """Adds the field `workflowRuns` to an incident."""

    workflow_runs: WorkflowRunConnection | None = connection(
        WorkflowRunsByIncident,
        "The workflow runs for it, newest first.",
        key="id",
        pages=WORKFLOW_RUN_PAGES,
    )


@strawberry.type
class WorkflowRunQueries:
    workflow_run: WorkflowRun | None = by_unique_key(
        WorkflowRun,
        "One workflow run, by id or by number; null if there is none.",
        {"number": (Argument("number", str | None, "Its number, for example `RUN0000042`."), WorkflowRunByNumber, str)},
    )
    workflow_runs: WorkflowRunConnection | None = connection(
        WorkflowRuns,
        "All workflow runs, newest first.",
        pages=WORKFLOW_RUN_PAGES,
    )

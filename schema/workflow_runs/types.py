"""Runs of workflows, the attempts at their steps, and what people decided in them."""

from datetime import datetime
from enum import StrEnum

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
from schema.declarations.connections import Connection, Group, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, link
from schema.declarations.filters import (
    DateTimeFilter,
    Direction,
    Filter,
    IdFilter,
    TextFilter,
    all_of,
    any_of,
    condition,
    none_of,
    order_direction,
    order_field,
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
    "Where a run of a workflow is. WAITING is for a person, RUNNING for a machine or a time.",
    RUNNING="A machine is at work.",
    WAITING="A person has to act.",
    COMPENSATING="It failed or was called off, and what it had done is being undone.",
    SUCCEEDED="It is over and did what it was for.",
    FAILED="It is over and did not do what it was for.",
    CANCELLED="It was called off before its end.",
)
register_enum(
    WorkflowStepRunState,
    "Where one attempt at a step of a workflow is.",
    PENDING="It has not begun.",
    RUNNING="A machine is at work on it.",
    WAITING="A person has to act.",
    SUCCEEDED="It is over and did what it was for.",
    FAILED="It is over and did not do what it was for.",
    SKIPPED="It was passed over without being done.",
    CANCELLED="It was called off before its end.",
)
register_enum(
    WorkflowDecision,
    "What an approver decided.",
    APPROVED="The approver said yes.",
    REJECTED="The approver said no.",
)


@strawberry.type(description="What one person decided about one attempt at a step.")
class WorkflowApproval:
    record = WorkflowApprovalRecord

    decision: WorkflowDecision = attribute("What was decided.")
    comment: str = attribute("Why; may be empty.")
    decided_at: datetime = attribute("When it was decided.")
    user: LazyUser | None = link(
        UserById, "Who decided; null if it is nobody among the users.", key="user_id", needs="users:read"
    )
    principal: str = attribute("Who decided, as kind and subject; empty for imported decisions.")


@strawberry.type(description="One attempt at a step in a run of a workflow.")
class WorkflowStepRun:
    record = WorkflowStepRunRecord

    state: WorkflowStepRunState = attribute("Where the attempt is.")
    attempt: int = attribute("Which attempt at the step it is, counted from 1.")
    started_at: datetime | None = attribute("When it started; null while it has not.")
    finished_at: datetime | None = attribute("When it ended; null while it has not.")
    outcome: JSON = attribute("What came of it, as the step's executor reports it; empty while it is open.")
    due_at: datetime | None = attribute(
        "When it is looked at again if nobody reports before: its timeout, the end of its wait, its next attempt."
    )
    reason: str = attribute("Why it failed, was passed over or called off; may be empty.")
    step: LazyWorkflowStep | None = link(
        WorkflowStepById, "The step that is tried.", key="step_id", needs=READ_PERMISSION
    )
    approvals: list[WorkflowApproval] | None = link(
        ApprovalsByStepRun,
        "What was decided about it, oldest first. One statement.",
        key="id",
        needs=READ_PERMISSION,
        size=3,
    )


@strawberry.type(description="One run of one revision of a workflow, by hand or for an incident.")
class WorkflowRun(Node):
    record = WorkflowRunRecord
    prefix = "run"
    by_id = WorkflowRunById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("run")
    number: str = attribute("Its number, unique, for example `RUN0000042`.")
    state: WorkflowRunState = attribute("Where it is.")
    started_at: datetime = attribute("When it was started.")
    finished_at: datetime | None = attribute("When it ended; null while it has not.")
    version: int = attribute("Goes up by one with each change.")
    requested_by: str = attribute("Who asked for it, as kind and subject; empty for imported runs.")
    priority: int | None = attribute("How urgent it is, from 1 to 5: its incident's priority when it started.")
    inputs: JSON = attribute("What it was given, by name.")
    reason: str = attribute("Why it failed or was cancelled; may be empty.")
    blast_radius: BlastRadius | None = link(
        BlastRadiusByRun,
        "What the failure that it is for reaches, as it was when the run began; null until that was walked, and for a "
        "run without an incident and an item.",
        key="id",
        needs=WALK_PERMISSION,
    )
    caused_by: "WorkflowRun | None" = link(
        WorkflowRunById, "The run that led to this one; null if none did.", key="cause_run_id", needs=READ_PERMISSION
    )
    workflow: LazyWorkflow | None = link(
        WorkflowById, "The revision of the workflow that runs.", key="workflow_id", needs=READ_PERMISSION
    )
    incident: LazyIncident | None = link(
        IncidentById,
        "The incident it runs for; null if there is none, or none that you may see.",
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
        UserById, "Who started it; null if a trigger did.", key="started_by_id", needs="users:read"
    )
    step_runs: list[WorkflowStepRun] | None = link(
        StepRunsByRun,
        "The attempts at its steps, in order of the steps, then of attempts. One statement.",
        key="id",
        needs=READ_PERMISSION,
        size=20,
    )


class WorkflowRunGroupBy(StrEnum):
    STATE = "state"


register_enum(
    WorkflowRunGroupBy,
    "What workflow runs can be grouped by.",
    STATE="By where the run is.",
)


@strawberry.type(description="A page of workflow runs.")
class WorkflowRunConnection(Connection[WorkflowRun]):
    groups: list[Group] = groups(WorkflowRunGroupBy)


@strawberry.input(description="Which workflow runs. All that is given must hold.")
class WorkflowRunFilter:
    id: IdFilter | None = condition("Its global id.")
    number: TextFilter | None = condition("Its number.")
    state: Filter[WorkflowRunState] | None = condition("Where it is.")
    started_at: DateTimeFilter | None = condition("When it was started.")
    finished_at: DateTimeFilter | None = condition("When it ended.")
    workflow: LazyWorkflowFilter | None = condition("The revision of the workflow that runs.")
    configuration_item: LazyConfigurationItemFilter | None = condition("The configuration item it runs on.")
    and_: list["WorkflowRunFilter"] | None = all_of()
    or_: list["WorkflowRunFilter"] | None = any_of()
    not_: "WorkflowRunFilter | None" = none_of()


class WorkflowRunOrderField(StrEnum):
    NUMBER = "number"
    STARTED_AT = "started_at"


register_enum(
    WorkflowRunOrderField,
    "What workflow runs can be ordered by.",
    NUMBER="By number.",
    STARTED_AT="By when it started.",
)


@strawberry.input(description="An order of workflow runs.")
class WorkflowRunOrder:
    field: WorkflowRunOrderField = order_field()
    direction: Direction = order_direction()


@strawberry.type
class HasWorkflowRuns:
    """What hangs runs on a configuration item."""

    workflow_runs: WorkflowRunConnection | None = connection(
        WorkflowRunsByConfigurationItem,
        "The workflow runs on it, newest first.",
        key="id",
        needs=READ_PERMISSION,
        filter=WorkflowRunFilter | None,
        order=WorkflowRunOrder | None,
        default_order=NEWEST_FIRST,
    )


@strawberry.type
class HasIncidentWorkflowRuns:
    """What hangs runs on an incident."""

    workflow_runs: WorkflowRunConnection | None = connection(
        WorkflowRunsByIncident,
        "The workflow runs for it, newest first.",
        key="id",
        needs=READ_PERMISSION,
        filter=WorkflowRunFilter | None,
        order=WorkflowRunOrder | None,
        default_order=NEWEST_FIRST,
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
        needs=READ_PERMISSION,
        filter=WorkflowRunFilter | None,
        order=WorkflowRunOrder | None,
        default_order=NEWEST_FIRST,
    )

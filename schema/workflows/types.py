"""Workflows: what is to be done, step by step, in revisions."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from datasources.records.queries import Order
from datasources.records.workflows import (
    WorkflowRecord,
    WorkflowState,
    WorkflowStepKind,
    WorkflowStepRecord,
    WorkflowTriggerProblemRecord,
)
from resolvers.configuration_items.loaders import ConfigurationItemsByWorkflow
from resolvers.context import Context
from resolvers.workflow_runs.loaders import WorkflowRunsByWorkflow
from resolvers.workflows.loaders import (
    ProblemsByWorkflow,
    StepsByWorkflow,
    TriggerProblemByWorkflow,
    WorkflowById,
    WorkflowByKey,
    Workflows,
    WorkflowsByConfigurationItem,
)
from schema.declarations.connections import Connection, Group, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, field, link
from schema.declarations.filters import (
    DateTimeFilter,
    Direction,
    Filter,
    IdFilter,
    TextFilter,
    ToMany,
    all_of,
    any_of,
    condition,
    none_of,
    order_direction,
    order_field,
)
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field
from schema.lazy_types import LazyConfigurationItemConnection, LazyConfigurationItemFilter, LazyConfigurationItemOrder
from schema.workflow_runs.types import (
    NEWEST_FIRST,
    READ_PERMISSION,
    WorkflowRunConnection,
    WorkflowRunFilter,
    WorkflowRunOrder,
)

register_enum(
    WorkflowState,
    "Where a revision of a workflow is in its life.",
    DRAFT="It is being written and may still change.",
    PUBLISHED="It is in use and never changes.",
    RETIRED="It is no longer in use.",
)
register_enum(
    WorkflowStepKind,
    "Who or what does a step.",
    MANUAL="A person does it.",
    APPROVAL="A person says yes or no.",
    REMEDIATION="A machine mends something.",
    NOTIFICATION="Somebody is told.",
    WAIT="Time passes.",
)


def _depends_on(
    context: Context, step: WorkflowStepRecord, _: Mapping[str, Any]
) -> list[WorkflowStepRecord] | Awaitable[list[WorkflowStepRecord]]:
    if not step.depends_on:
        return []
    steps = context.loader(StepsByWorkflow).load(step.workflow_id)
    # Loaded with `steps` already: without a coroutine for each step of a graph that has very many ways through it.
    return _select_dependencies(steps.result(), step) if steps.done() else _load_dependencies(steps, step)


def _select_dependencies(steps: Sequence[WorkflowStepRecord], step: WorkflowStepRecord) -> list[WorkflowStepRecord]:
    return [each for each in steps if each.key in step.depends_on]


async def _load_dependencies(
    steps: Awaitable[Sequence[WorkflowStepRecord]], step: WorkflowStepRecord
) -> list[WorkflowStepRecord]:
    return _select_dependencies(await steps, step)


@strawberry.type(description="A step of one revision of a workflow.")
class WorkflowStep:
    record = WorkflowStepRecord

    key: str = attribute("Its key, unique within the revision, for example `drain`.")
    position: int = attribute("Where it stands when the steps are listed.")
    name: str = attribute("What is to be done, in a line.")
    kind: WorkflowStepKind = attribute("Who or what does it.")
    configuration: JSON = attribute("What its executor needs to know.")
    depends_on_keys: list[str] = attribute(
        "The keys of the steps that must be over before it starts; empty for a first step.",
        of="depends_on",
        size=3,
    )
    depends_on: list["WorkflowStep"] | None = field(
        _depends_on,
        "The steps that must be over before it starts, in order of position. Costs nothing beside `steps`.",
        needs=READ_PERMISSION,
        size=3,
    )


@strawberry.type(description="Something that stops a workflow from being published, or from running as it is meant.")
class WorkflowProblem:
    field: str | None = attribute("Where it is, as a path in the input, for example `steps.2.dependsOn`.")
    message: str = attribute("What is wrong and what to do.")


@strawberry.type(description="Why the trigger of a workflow started no run for something that happened.")
class WorkflowTriggerProblem:
    record = WorkflowTriggerProblemRecord

    happened_at: datetime = attribute("When it was looked at.")
    reason: str = attribute("Why no run was started, for example that its expression takes too much work.")


@strawberry.type(
    description="One revision of a workflow. Its steps form a directed acyclic graph; a published one never changes."
)
class Workflow(Node):
    record = WorkflowRecord
    prefix = "wf"
    by_id = WorkflowById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("wf")
    key: str = attribute("What its revisions have in common, for example `restart-service`.")
    revision: int = attribute("Which definition of its key it is, counted from 1.")
    name: str = attribute("Its name.")
    description: str = attribute("What it is for; may be empty.")
    state: WorkflowState = attribute("Where this revision is in its life.")
    trigger: JSON = attribute("What starts it; empty if only people do.")
    inputs: list[JSON] = attribute(
        "What a run is given: name, description and default of each; without a default it is required.",
        size=5,
    )
    version: int = attribute("Goes up by one with each change of this row.")
    updated_at: datetime = attribute("When it last changed.")
    steps: list[WorkflowStep] | None = link(
        StepsByWorkflow,
        "Its steps, in order of position. One statement.",
        key="id",
        needs=READ_PERMISSION,
        size=20,
    )
    problems: list[WorkflowProblem] | None = link(
        ProblemsByWorkflow,
        "What stops it from being published, or from running as it is meant: all of it, in the order of its parts. "
        "At most four statements for all workflows of an answer.",
        key="id",
        needs=READ_PERMISSION,
        size=5,
    )
    trigger_problem: WorkflowTriggerProblem | None = link(
        TriggerProblemByWorkflow,
        "Why its trigger started no run the last time that it should have; null if it always could. One statement.",
        key="id",
        needs=READ_PERMISSION,
    )
    runs: WorkflowRunConnection | None = connection(
        WorkflowRunsByWorkflow,
        "The runs of this revision, newest first.",
        key="id",
        needs=READ_PERMISSION,
        filter=WorkflowRunFilter | None,
        order=WorkflowRunOrder | None,
        default_order=NEWEST_FIRST,
    )
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByWorkflow,
        "The configuration items it is meant for, by name.",
        key="id",
        needs="configuration-items:read",
        filter=LazyConfigurationItemFilter | None,
        order=LazyConfigurationItemOrder | None,
        default_order=Order("name"),
    )


class WorkflowGroupBy(StrEnum):
    STATE = "state"


register_enum(
    WorkflowGroupBy,
    "What workflows can be grouped by.",
    STATE="By where the revision is in its life.",
)


@strawberry.type(description="A page of workflows.")
class WorkflowConnection(Connection[Workflow]):
    groups: list[Group] = groups(WorkflowGroupBy)


@strawberry.input(description="Which workflows. All that is given must hold.")
class WorkflowFilter:
    id: IdFilter | None = condition("Its global id.")
    key: TextFilter | None = condition("Its key.")
    name: TextFilter | None = condition("Its name.")
    state: Filter[WorkflowState] | None = condition("Where the revision is in its life.")
    updated_at: DateTimeFilter | None = condition("When it last changed.")
    configuration_items: ToMany[LazyConfigurationItemFilter] | None = condition(
        "The configuration items it is meant for."
    )
    and_: list["WorkflowFilter"] | None = all_of()
    or_: list["WorkflowFilter"] | None = any_of()
    not_: "WorkflowFilter | None" = none_of()


class WorkflowOrderField(StrEnum):
    NAME = "name"
    UPDATED_AT = "updated_at"


register_enum(
    WorkflowOrderField,
    "What workflows can be ordered by.",
    NAME="By name.",
    UPDATED_AT="By when it last changed.",
)


@strawberry.input(description="An order of workflows.")
class WorkflowOrder:
    field: WorkflowOrderField = order_field()
    direction: Direction = order_direction()


@strawberry.type
class HasWorkflows:
    """What hangs workflows on a configuration item."""

    workflows: WorkflowConnection | None = connection(
        WorkflowsByConfigurationItem,
        "The workflows that are meant for it, each revision on its own, by name.",
        key="id",
        needs=READ_PERMISSION,
        filter=WorkflowFilter | None,
        order=WorkflowOrder | None,
        default_order=Order("name"),
    )


@strawberry.type
class WorkflowQueries:
    workflow: Workflow | None = by_unique_key(
        Workflow,
        "One workflow, by id or by key; null if there is none. A key gives its newest published revision, else its "
        "newest.",
        {"key": (Argument("key", str | None, "Its key, for example `restart-service`."), WorkflowByKey, str)},
    )
    workflows: WorkflowConnection | None = connection(
        Workflows,
        "All workflows, each revision on its own, by name.",
        needs=READ_PERMISSION,
        filter=WorkflowFilter | None,
        order=WorkflowOrder | None,
        default_order=Order("name"),
    )

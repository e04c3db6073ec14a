"""Workflows: definitions of steps and a trigger, in revisions."""

from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
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
from schema.declarations.connections import Connection, Group, PageDeclaration, connection, groups
from schema.declarations.enums import register_enum
from schema.declarations.fields import Argument, attribute, field, link
from schema.declarations.filters import (
    DateTimeFilter,
    Filter,
    IdFilter,
    TextFilter,
    ToMany,
    all_of,
    any_of,
    condition,
    none_of,
    order_input,
)
from schema.declarations.lookup import by_unique_key
from schema.declarations.node import Node, id_field
from schema.declarations.user_errors import field_path
from schema.lazy_types import (
    CONFIGURATION_ITEM_PAGES,
    LazyConfigurationItemConnection,
    LazyConfigurationItemFilter,
)
from schema.workflow_runs.types import (
    READ_PERMISSION,
    WORKFLOW_RUN_PAGES,
    WorkflowRunConnection,
)

register_enum(
    WorkflowState,
    "The state of a revision of a workflow.",
    DRAFT="It is not published yet and can be changed.",
    PUBLISHED="It is in use and never changes.",
    RETIRED="It is no longer in use.",
)
register_enum(
    WorkflowStepKind,
    "The kind of a step.",
    MANUAL="A person does it.",
    APPROVAL="A person approves or rejects.",
    REMEDIATION="An executor performs an action.",
    NOTIFICATION="A message is sent.",
    WAIT="The run pauses.",
)


def _depends_on(
    context: Context, step: WorkflowStepRecord, _: Mapping[str, Any]
) -> list[WorkflowStepRecord] | Awaitable[list[WorkflowStepRecord]]:
    if not step.depends_on:
        return []
    steps = context.loader(StepsByWorkflow).load(step.workflow_id)
    # If `steps` is loaded already, avoid a coroutine for each step: a graph can have very many paths.
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
    position: int = attribute("Its position in the list of steps.")
    name: str = attribute("What will be done, in one line.")
    kind: WorkflowStepKind = attribute("Its kind.")
    configuration: JSON = attribute("Its configuration, according to its kind.")
    depends_on_keys: list[str] = attribute(
        "The keys of the steps that must end before it starts; empty for a first step.",
        of="depends_on",
        size=3,
    )
    depends_on: list["WorkflowStep"] | None = field(
        _depends_on,
        "The steps that must end before it starts, by position. Costs nothing in addition to `steps`.",
        needs=READ_PERMISSION,
        size=3,
    )


@strawberry.type(description="A problem that prevents a workflow from being published or from running correctly.")
class WorkflowProblem:
    field: str | None = attribute("Its place as a path in the input, for example `steps.2.dependsOn`.", of=field_path)
    message: str = attribute("What is wrong and how to fix it.")


@strawberry.type(description="Why the trigger of a workflow did not start a run for an event.")
class WorkflowTriggerProblem:
    record = WorkflowTriggerProblemRecord

    happened_at: datetime = attribute("When the event was processed.")
    reason: str = attribute("Why no run was started, for example because its expression is too expensive.")


@strawberry.type(
    description="One revision of a workflow. Its steps form a directed acyclic graph; a published one never changes."
)
class Workflow(Node):
    record = WorkflowRecord
    prefix = "wf"
    by_id = WorkflowById
    needs = READ_PERMISSION

    id: strawberry.ID = id_field("wf")
    key: str = attribute("The key that its revisions share, for example `restart-service`.")
    revision: int = attribute("The number of the revision within its key, from 1.")
    name: str = attribute("Its name.")
    description: str = attribute("What it is for; can be empty.")
    state: WorkflowState = attribute("The state of this revision.")
    trigger: JSON = attribute("The trigger that starts it; empty if it is only started manually.")
    inputs: list[JSON] = attribute(
        "The inputs of a run, each with name, description and default; an input without a default is required.",
        size=5,
    )
    version: int = attribute("Increases by one with each write.")
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
        "The problems that prevent it from being published or from running correctly, in the order of its parts. At "
        "most "
        "four statements for all workflows of a response.",
        key="id",
        needs=READ_PERMISSION,
        size=5,
    )
    trigger_problem: WorkflowTriggerProblem | None = link(
        TriggerProblemByWorkflow,
        "Why its trigger most recently failed to start a run; null if it never failed. One statement.",
        key="id",
        needs=READ_PERMISSION,
    )
    runs: WorkflowRunConnection | None = connection(
        WorkflowRunsByWorkflow,
        "The runs of this revision, newest first.",
        key="id",
        pages=WORKFLOW_RUN_PAGES,
    )
    configuration_items: LazyConfigurationItemConnection | None = connection(
        ConfigurationItemsByWorkflow,
        "The configuration items it is intended for, by name.",
        key="id",
        pages=CONFIGURATION_ITEM_PAGES,
    )


@strawberry.type(description="A page of workflows.")
class WorkflowConnection(Connection[Workflow]):
    groups: list[Group] = groups("Workflow", "workflows", STATE="By state.")


@strawberry.input(description="Conditions on workflows; all given conditions must hold.")
class WorkflowFilter:
    id: IdFilter | None = condition("Its global id.")
    key: TextFilter | None = condition("Its key.")
    name: TextFilter | None = condition("Its name.")
    state: Filter[WorkflowState] | None = condition("The state of the revision.")
    updated_at: DateTimeFilter | None = condition("When it last changed.")
    configuration_items: ToMany[LazyConfigurationItemFilter] | None = condition(
        "The configuration items it is intended for."
    )
    and_: list["WorkflowFilter"] | None = all_of()
    or_: list["WorkflowFilter"] | None = any_of()
    not_: "WorkflowFilter | None" = none_of()


WorkflowOrder = order_input(
    "Workflow",
    "workflows",
    NAME="By name.",
    UPDATED_AT="By the time of the last change.",
)
WORKFLOW_PAGES = PageDeclaration(READ_PERMISSION, WorkflowFilter | None, WorkflowOrder | None, Order("name"))


@strawberry.type
class HasWorkflows:
    """Adds the field `workflows` to a type."""

    workflows: WorkflowConnection | None = connection(
        WorkflowsByConfigurationItem,
        "The workflows that are intended for it, each revision separately, by name.",
        key="id",
        pages=WORKFLOW_PAGES,
    )


@strawberry.type
class WorkflowQueries:
    workflow: Workflow | None = by_unique_key(
        Workflow,
        "One workflow, by id or by key; null if there is none. For a key, the newest published revision, or else the "
        "newest one.",
        {"key": (Argument("key", str | None, "Its key, for example `restart-service`."), WorkflowByKey, str)},
    )
    workflows: WorkflowConnection | None = connection(
        Workflows,
        "All workflows, each revision separately, by name.",
        pages=WORKFLOW_PAGES,
    )

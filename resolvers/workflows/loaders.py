"""Loaders of workflows and their steps."""

from collections.abc import Mapping, Sequence

from datasources.aurora.tables.one_to_many import fetch_lists_by_key
from datasources.aurora.workflows.table import WORKFLOWS, fetch_steps_by_ids, fetch_trigger_problems_by_ids
from datasources.records.workflows import WorkflowRecord, WorkflowStepRecord, WorkflowTriggerProblemRecord
from resolvers.loading.loader import Loader
from resolvers.loading.tables import PagesBy, RelatedBy, RowBy
from resolvers.unit_of_work import UserError
from resolvers.workflows.checking.publication import find_publication_problems


class WorkflowById(RowBy[WorkflowRecord]):
    table = WORKFLOWS


class WorkflowByKey(RowBy[WorkflowRecord]):
    """The newest published revision of a key, else the newest."""

    table = WORKFLOWS
    by = "keys"


class Workflows(PagesBy[WorkflowRecord]):
    table = WORKFLOWS


class WorkflowsByConfigurationItem(PagesBy[WorkflowRecord]):
    table = WORKFLOWS
    link = "configuration_item"


class StepsByWorkflow(RelatedBy[WorkflowStepRecord]):
    domain = "workflows"
    statement = "workflow_steps_by_workflows"
    record = WorkflowStepRecord
    tables = ("workflow_steps",)


class WorkflowStepById(Loader[str, WorkflowStepRecord | None]):
    value = WorkflowStepRecord | None
    reads = ("workflow_steps",)

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, WorkflowStepRecord | None]:
        return dict(await fetch_steps_by_ids(self.context.sources.main, keys))

    def absent(self, key: str) -> WorkflowStepRecord | None:
        return None


class TriggerProblemByWorkflow(Loader[str, WorkflowTriggerProblemRecord | None]):
    value = WorkflowTriggerProblemRecord | None
    reads = ("workflow_trigger_problems",)

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, WorkflowTriggerProblemRecord | None]:
        return dict(await fetch_trigger_problems_by_ids(self.context.sources.main, keys))

    def absent(self, key: str) -> WorkflowTriggerProblemRecord | None:
        return None


class ProblemsByWorkflow(Loader[str, list[UserError]]):
    """Problems that prevent the publication or a run. Not cached: they depend on classes, teams and people."""

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, list[UserError]]:
        main = self.context.sources.main
        workflows = await WORKFLOWS.fetch_by_key(main, "ids", keys, self.context.scope)
        steps = await fetch_lists_by_key(main, "workflows", "workflow_steps_by_workflows", keys, WorkflowStepRecord)
        return await find_publication_problems(main, [(record, steps.get(id, [])) for id, record in workflows.items()])

    def absent(self, key: str) -> list[UserError]:
        return []

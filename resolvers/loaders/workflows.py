"""Loaders of workflows and their steps."""

from collections.abc import Mapping, Sequence

from datasources.aurora.workflows import WORKFLOWS, steps_by_ids
from datasources.records.workflows import WorkflowRecord, WorkflowStepRecord
from resolvers.loaders.loader import Loader
from resolvers.loaders.tables import PagesBy, RelatedBy, RowBy


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
        return dict(await steps_by_ids(self.context.sources.main, keys))

    def absent(self, key: str) -> WorkflowStepRecord | None:
        return None

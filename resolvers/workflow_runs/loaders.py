"""Loaders of workflow runs, step runs and approvals."""

from collections.abc import Mapping, Sequence

from datasources.aurora.workflow_runs.table import WORKFLOW_RUNS, fetch_blast_radii_by_runs
from datasources.records.workflow_runs import (
    BlastRadiusRecord,
    WorkflowApprovalRecord,
    WorkflowRunRecord,
    WorkflowStepRunRecord,
)
from resolvers.loading.loader import Loader
from resolvers.loading.tables import PagesBy, RelatedBy, RowBy


class WorkflowRunById(RowBy[WorkflowRunRecord]):
    table = WORKFLOW_RUNS


class WorkflowRunByNumber(RowBy[WorkflowRunRecord]):
    table = WORKFLOW_RUNS
    by = "numbers"


class WorkflowRuns(PagesBy[WorkflowRunRecord]):
    table = WORKFLOW_RUNS


class WorkflowRunsByWorkflow(PagesBy[WorkflowRunRecord]):
    table = WORKFLOW_RUNS
    link = "workflow"


class WorkflowRunsByConfigurationItem(PagesBy[WorkflowRunRecord]):
    table = WORKFLOW_RUNS
    link = "configuration_item"


class WorkflowRunsByIncident(PagesBy[WorkflowRunRecord]):
    table = WORKFLOW_RUNS
    link = "incident"


class StepRunsByRun(RelatedBy[WorkflowStepRunRecord]):
    domain = "workflow_runs"
    statement = "workflow_step_runs_by_runs"
    record = WorkflowStepRunRecord
    tables = ("workflow_step_runs", "workflow_steps")


class ApprovalsByStepRun(RelatedBy[WorkflowApprovalRecord]):
    domain = "workflow_runs"
    statement = "workflow_approvals_by_step_runs"
    record = WorkflowApprovalRecord
    tables = ("workflow_approvals",)


class BlastRadiusByRun(Loader[str, BlastRadiusRecord | None]):
    value = BlastRadiusRecord | None
    reads = ("workflow_run_blast_radii",)

    async def fetch(self, keys: Sequence[str]) -> Mapping[str, BlastRadiusRecord | None]:
        return dict(await fetch_blast_radii_by_runs(self.context.sources.main, keys))

    def absent(self, key: str) -> BlastRadiusRecord | None:
        return None

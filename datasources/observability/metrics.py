"""Metrics inside log lines, in CloudWatch's embedded metric format: every name with its unit, and how a line has them.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NAMESPACE = "StackFlow"

COUNT, MILLISECONDS, SECONDS = "Count", "Milliseconds", "Seconds"

# All that is ever written. Each name is a metric that is paid for, so no name is made while the service runs.
UNITS: Mapping[str, str] = {
    # Of each operation.
    "OperationMilliseconds": MILLISECONDS,
    "OperationErrors": COUNT,
    "OperationCost": COUNT,
    "Statements": COUNT,
    "Traversals": COUNT,
    "CacheHits": COUNT,
    "CacheMisses": COUNT,
    "Degraded": COUNT,
    # Of stores.
    "StoreDown": COUNT,
    # Of streams.
    "OpenStreams": COUNT,
    "StreamEvents": COUNT,
    # Of workers.
    "ProjectionLagSeconds": SECONDS,
    "ProjectedRows": COUNT,
    "ProjectionRefused": COUNT,
    "EventsDone": COUNT,
    "EventsAgain": COUNT,
    "EventsHeld": COUNT,
    "EventsDead": COUNT,
    "OpenEvents": COUNT,
    "OldestEventSeconds": SECONDS,
    "DeadEvents": COUNT,
    "WorkflowSteps": COUNT,
    "WorkerFailures": COUNT,
    "WorkersDown": COUNT,
}
# Those that each trusted operation has for itself as well. Few: each costs its price once an operation.
OPERATION_METRICS = ("OperationMilliseconds", "OperationErrors")
# Those that each published version of a function has for itself as well: a rollout tells new code from old by them.
VERSION_METRICS = ("OperationErrors",)
# Those that each worker has for itself as well.
WORKER_METRICS = ("WorkerFailures",)

log = logging.getLogger("stackflow.metrics")


@dataclass(frozen=True, slots=True)
class MetricValues:
    """Values by name for one line. `operation` and `worker` are names of ours, never one that a client chose: each new
    one would be new metrics to pay for. ValueError for a name that is not in UNITS."""

    values: Mapping[str, float]
    operation: str | None = field(default=None)
    worker: str | None = field(default=None)

    def __post_init__(self) -> None:
        unknown = self.values.keys() - UNITS.keys()
        if unknown:
            raise ValueError(f"no metric is named {', '.join(sorted(unknown))}")

    def to_emf(self, environment: str, now: float | None = None, version: str = "") -> dict[str, Any]:
        """The fields by which a line of JSON holds these values. `now` in seconds since 1970; `version` counts where it
        is a published one of the function."""
        line: dict[str, Any] = {"Environment": environment, **self.values}
        directives = [_directive(["Environment"], self.values)]
        own = (
            ("Operation", self.operation, OPERATION_METRICS),
            ("Worker", self.worker, WORKER_METRICS),
            ("Version", version if version.isdigit() else None, VERSION_METRICS),
        )
        for dimension, value, names in own:
            named = [name for name in names if name in self.values]
            if value is not None and named:
                line[dimension] = value
                directives.append(_directive(["Environment", dimension], named))
        milliseconds = int((time.time() if now is None else now) * 1_000)
        line["_aws"] = {"Timestamp": milliseconds, "CloudWatchMetrics": directives}
        return line


def emit_metrics(**values: float) -> None:
    """A line of its own with these values. Nothing where metrics are off."""
    if log.isEnabledFor(logging.INFO):
        log.info("measured", extra={"measured": MetricValues(values)})


def _directive(dimensions: list[str], names: Any) -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": UNITS[name]} for name in names]
    return {"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics}

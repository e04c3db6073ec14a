"""Metrics in log lines, in CloudWatch's embedded metric format: every name with its unit, and the encoding.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NAMESPACE = "StackFlow"

COUNT = "Count"
MILLISECONDS = "Milliseconds"
SECONDS = "Seconds"
# CloudWatch has no unit of money.
NONE = "None"

# All metrics. Each name costs money, so names are never created at run time.
UNITS: Mapping[str, str] = {
    # Of operations.
    "OperationMilliseconds": MILLISECONDS,
    "OperationErrors": COUNT,
    "OperationCost": COUNT,
    "Statements": COUNT,
    "Traversals": COUNT,
    "CacheHits": COUNT,
    "CacheMisses": COUNT,
    "Degraded": COUNT,
    "Fallbacks": COUNT,
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
    # Of language models.
    "AiCostUsd": NONE,
    "AiInputTokens": COUNT,
    "AiOutputTokens": COUNT,
    "AiMilliseconds": MILLISECONDS,
    "AiFailures": COUNT,
    "AiCacheHits": COUNT,
    "AiCacheMisses": COUNT,
    "AiCacheAgreements": COUNT,
    "AiGateRejections": COUNT,
    "AiAnswers": COUNT,
}
# Metrics that each trusted operation also has separately. Few, because each costs money once per operation.
OPERATION_METRICS = ("OperationMilliseconds", "OperationErrors")
# Metrics that each published version of a function also has separately: a rollout compares new with old code by them.
VERSION_METRICS = ("OperationErrors",)
# Metrics that each worker also has separately.
WORKER_METRICS = ("WorkerFailures",)
# Metrics that each language model also has separately.
MODEL_METRICS = ("AiCostUsd", "AiMilliseconds", "AiFailures")

log = logging.getLogger("stackflow.metrics")


@dataclass(frozen=True, slots=True)
class MetricValues:
    """Values by name for one line.

    `operation`, `worker` and `model` must be names of ours, never a client's choice: each new value creates metrics
    that cost money. Raises ValueError for a name that is not in UNITS.
    """

    values: Mapping[str, float]
    operation: str | None = field(default=None)
    worker: str | None = field(default=None)
    model: str | None = field(default=None)

    def __post_init__(self) -> None:
        unknown = self.values.keys() - UNITS.keys()
        if unknown:
            raise ValueError(f"no metric is named {', '.join(sorted(unknown))}")

    def to_emf(self, environment: str, now: float | None = None, version: str = "") -> dict[str, Any]:
        """Return the JSON fields of these values. `now` is in seconds since 1970; `version` is used only if it is a
        published version of the function."""
        line: dict[str, Any] = {"Environment": environment, **self.values}
        directives = [_directive(["Environment"], self.values)]
        own = (
            ("Operation", self.operation, OPERATION_METRICS),
            ("Worker", self.worker, WORKER_METRICS),
            ("Model", self.model, MODEL_METRICS),
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
    """Write a line with only these values; does nothing if metrics are off."""
    if log.isEnabledFor(logging.INFO):
        log.info("measured", extra={"measured": MetricValues(values)})


def emit_model_metrics(model: str, **values: float) -> None:
    """Write a line with the values of one call of a model of the catalog; does nothing if metrics are off."""
    if log.isEnabledFor(logging.INFO):
        log.info("measured", extra={"measured": MetricValues(values, model=model)})


def _directive(dimensions: list[str], names: Any) -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": UNITS[name]} for name in names]
    return {"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics}

"""The alarms. Each describes the problem and names the section of docs/runbooks.md to open."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from cdk.edge.stack import Edge
from cdk.environment import Environment
from cdk.inputs import StackInputs
from cdk.serving.stack import Service
from cdk.watch.metrics import aws_metric, nodes, service_metric
from cdk.watch.runbooks import Runbook, describe_alarm

# Percent of the limit.
NEARLY_FULL_PERCENT = 80
# The maximum lag and age, in seconds.
MAX_PROJECTION_LAG_SECONDS = 300
MAX_EVENT_AGE_SECONDS = 600
# The maximum latency of the gateway's 99th percentile, in milliseconds.
MAX_LATENCY_MS = 5_000
# The maximum number of requests that a firewall blocks in five minutes.
MAX_BLOCKED_REQUESTS = 1_000
# The maximum share of failed operations, and percentage of CloudFront's error responses.
MAX_ERROR_RATE = 0.05
MAX_ERROR_PERCENT = 5
# Standard deviations from the usual values.
ANOMALY_STANDARD_DEVIATIONS = 3


@dataclass(frozen=True)
class AlarmSpec:
    """An alarm: raised if the metric is at or above `at`, or under it with `below`, for `periods` of five minutes."""

    name: str
    what: str
    runbook: Runbook
    metric: cloudwatch.IMetric
    at: float
    periods: int = 2
    below: bool = False
    silence: Literal["fine", "alarming"] = "fine"


def alarm_specs(environment: Environment, facts: StackInputs, service: Service, edge: Edge) -> Iterator[AlarmSpec]:
    """Yield all alarms except those of rollouts, spending and keys."""
    yield from _functions(service)
    yield from _workers(environment, service)
    yield from _gateway(environment, service)
    yield from _stores(environment, facts)
    yield from _queues(facts)
    yield from _firewalls(environment)
    yield from _distributions(environment, edge)


def _functions(service: Service) -> Iterator[AlarmSpec]:
    functions = {
        "api": service.api,
        "events": service.events,
        "projector": service.projector,
        "requirements": service.requirements,
        "workflows": service.workflows,
    }
    for name, function in functions.items():
        is_ticked = name in {"projector", "requirements", "workflows"}
        errors = function.metric_errors(statistic="Sum")
        # A worker that fails at each tick fails four to six times in a period.
        most = 3 if is_ticked else 5
        yield AlarmSpec(f"{name}-errors", f"The function of {name} fails", "errors", errors, at=most)
        throttles = function.metric_throttles(statistic="Sum")
        # A tick that finds its worker busy is throttled, by design.
        often = 5 if is_ticked else 1
        yield AlarmSpec(
            f"{name}-throttles", f"Calls of {name} are turned away", "throttles", throttles, at=often, periods=3
        )


def _workers(environment: Environment, service: Service) -> Iterator[AlarmSpec]:
    for name, function in (
        ("projector", service.projector),
        ("requirements", service.requirements),
        ("workflows", service.workflows),
    ):
        ran = function.metric_invocations(statistic="Sum")
        yield AlarmSpec(f"{name}-ticks", f"No tick wakes {name}", "ticks", ran, at=1, below=True, silence="alarming")
    lost = aws_metric("SQS", "ApproximateNumberOfMessagesVisible", QueueName=service.lost.queue_name)
    yield AlarmSpec("lost-ticks", "Ticks could not be given to their workers", "ticks", lost, at=1, periods=1)
    failures = service_metric(environment.name, "WorkerFailures")
    yield AlarmSpec("worker-failures", "Workers met what nobody foresaw", "set-aside", failures, at=1, periods=1)
    poison = service_metric(environment.name, "EventsDead")
    yield AlarmSpec(
        "events-set-aside", "Events that can never work were set aside", "set-aside", poison, at=1, periods=1
    )
    refused = service_metric(environment.name, "ProjectionRefused")
    yield AlarmSpec("projection-refused", "Changes never reach the graph", "set-aside", refused, at=1, periods=1)


def _gateway(environment: Environment, service: Service) -> Iterator[AlarmSpec]:
    # GraphQL returns errors with HTTP 200, which the gateway counts as success. Each operation writes 0 or 1.
    errors = service_metric(environment.name, "OperationErrors", "Average")
    yield AlarmSpec(
        "operation-errors",
        f"Over {MAX_ERROR_RATE * 100:g}% of operations fail by our fault",
        "errors",
        errors,
        at=MAX_ERROR_RATE,
    )
    failing = service.gateway.metric_server_error(statistic="Average")
    yield AlarmSpec("gateway-5xx", "Over 2% of calls fail", "errors", failing, at=0.02, periods=3)
    slow = service.gateway.metric_latency(statistic="p99")
    yield AlarmSpec(
        "gateway-p99",
        f"One call of a hundred takes over {MAX_LATENCY_MS} ms",
        "slow",
        slow,
        at=MAX_LATENCY_MS,
        periods=3,
    )
    down = service_metric(environment.name, "StoreDown", "Maximum")
    yield AlarmSpec("store-down", "The service cannot ask one of its stores", "store-down", down, at=1)


def _stores(environment: Environment, facts: StackInputs) -> Iterator[AlarmSpec]:
    for key, database in (("main", facts.main), ("requirements", facts.requirements)):
        cluster = database.identifier
        heard = aws_metric("RDS", "CPUUtilization", "SampleCount", DBClusterIdentifier=cluster)
        yield _silent(f"{key}-silent", f"aurora.{key} is not heard of", heard)
        busy = aws_metric("RDS", "CPUUtilization", "Average", DBClusterIdentifier=cluster)
        yield AlarmSpec(f"{key}-cpu", f"aurora.{key} is busy", "slow", busy, at=NEARLY_FULL_PERCENT, periods=3)
        connections = aws_metric("RDS", "DatabaseConnections", DBClusterIdentifier=cluster)
        most = database.max_connections * NEARLY_FULL_PERCENT // 100
        yield AlarmSpec(
            f"{key}-connections", f"aurora.{key} has few connections left", "connections", connections, at=most
        )
        full = aws_metric("RDS", "ACUUtilization", "Average", DBClusterIdentifier=cluster)
        yield _full(f"{key}-capacity", f"aurora.{key} can hardly grow", full)
    cluster = facts.graph.identifier
    full = aws_metric("Neptune", "NCUUtilization", "Average", DBClusterIdentifier=cluster)
    yield _full("graph-capacity", "The graph can hardly grow", full)
    heard = aws_metric("Neptune", "CPUUtilization", "SampleCount", DBClusterIdentifier=cluster)
    yield _silent("graph-silent", "The graph is not heard of", heard)
    pending = aws_metric("Neptune", "MainRequestQueuePendingRequests", DBClusterIdentifier=cluster)
    yield AlarmSpec("graph-pending", "Traversals wait for the graph", "slow", pending, at=50, periods=3)
    lag = service_metric(environment.name, "ProjectionLagSeconds", "Maximum")
    # The age of the oldest change in the outbox. The projector writes it each minute, even without changes: no data
    # means that it fails or does not run.
    yield AlarmSpec(
        "projection-lag",
        "The graph is minutes behind the tables, or nobody knows",
        "projection-lag",
        lag,
        at=MAX_PROJECTION_LAG_SECONDS,
        silence="alarming",
    )
    for number, node in enumerate(nodes(facts.cache.identifier), start=1):
        memory = aws_metric("ElastiCache", "DatabaseMemoryUsagePercentage", CacheClusterId=node)
        yield AlarmSpec(
            f"cache-memory-{number}", "The cache is nearly full", "cache-memory", memory, at=NEARLY_FULL_PERCENT
        )
        heard = aws_metric("ElastiCache", "EngineCPUUtilization", "SampleCount", CacheClusterId=node)
        yield _silent(f"cache-silent-{number}", "A node of the cache is not heard of", heard)


def _full(name: str, what: str, full: cloudwatch.IMetric) -> AlarmSpec:
    """Create the spec of a serverless cluster near its maximum capacity. Other clusters lack the metric."""
    return AlarmSpec(name, what, "slow", full, at=NEARLY_FULL_PERCENT, periods=3)


def _silent(name: str, what: str, heard: cloudwatch.IMetric) -> AlarmSpec:
    """Create the spec of a store without metrics for 15 minutes: it is down, or its name is wrong."""
    return AlarmSpec(name, what, "store-down", heard, at=1, periods=3, below=True, silence="alarming")


def _queues(facts: StackInputs) -> Iterator[AlarmSpec]:
    named = zip(("events", "remediation-p1", "remediation-standard", "notifications"), facts.queues.all(), strict=True)
    for key, queue in named:
        age = aws_metric("SQS", "ApproximateAgeOfOldestMessage", QueueName=queue.name)
        yield AlarmSpec(f"{key}-age", f"Messages of {key} wait", "backlog", age, at=MAX_EVENT_AGE_SECONDS)
        dead = aws_metric("SQS", "ApproximateNumberOfMessagesVisible", QueueName=queue.dead)
        yield AlarmSpec(
            f"{key}-dead", f"Messages of {key} could never be handled", "dead-letters", dead, at=1, periods=1
        )


def _firewalls(environment: Environment) -> Iterator[AlarmSpec]:
    gateway = f"{environment.functions.name}-gateway".replace("-", "")
    stopped = aws_metric("WAFV2", "BlockedRequests", "Sum", WebACL=gateway, Rule="ALL", Region=environment.region)
    yield AlarmSpec(
        "gateway-firewall", "The gateway's firewall stops many", "firewall", stopped, at=MAX_BLOCKED_REQUESTS
    )
    if environment.region == environment.edge.region:
        # The metric of an adopted firewall is assumed to have its name.
        name = environment.edge.firewall
        metric = name if environment.edge.firewall_arn else name.replace("-", "")
        stopped = aws_metric("WAFV2", "BlockedRequests", "Sum", WebACL=metric, Rule="ALL")
        yield AlarmSpec(
            "edge-firewall", "CloudFront's firewall stops many", "firewall", stopped, at=MAX_BLOCKED_REQUESTS
        )


def _distributions(environment: Environment, edge: Edge) -> Iterator[AlarmSpec]:
    """Yield alarms on CloudFront, whose metrics are in us-east-1; an alarm reads only metrics of its own region."""
    if environment.region == environment.edge.region:
        for name, distribution in edge.distributions.items():
            failing = aws_metric("CloudFront", "5xxErrorRate", "Average", DistributionId=distribution, Region="Global")
            what = f"Over {MAX_ERROR_PERCENT}% of the answers of {name} are errors"
            yield AlarmSpec(f"{name}-5xx", what, "errors", failing, at=MAX_ERROR_PERCENT, periods=3)


def create_alarm(stack: Stack, environment: Environment, topic: sns.ITopic, each: AlarmSpec) -> cloudwatch.Alarm:
    """Create an alarm, and notify the topic when it starts and when it ends."""
    below = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
    over = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
    missing = cloudwatch.TreatMissingData
    alarm = cloudwatch.Alarm(
        stack,
        "".join(part.title() for part in each.name.split("-")),
        alarm_name=f"stackflow-{environment.name}-{each.name}",
        alarm_description=describe_alarm(each.what, each.runbook),
        metric=each.metric,
        threshold=each.at,
        evaluation_periods=each.periods,
        comparison_operator=below if each.below else over,
        treat_missing_data=missing.NOT_BREACHING if each.silence == "fine" else missing.BREACHING,
    )
    action = actions.SnsAction(topic)
    alarm.add_alarm_action(action)
    alarm.add_ok_action(action)
    return alarm


def create_band(
    stack: Stack,
    environment: Environment,
    topic: sns.ITopic,
    name: str,
    what: str,
    runbook: Runbook,
    metric: cloudwatch.IMetric,
    *,
    below: bool = False,
) -> cloudwatch.AnomalyDetectionAlarm:
    """Create an alarm on three periods above what is usual, or below with `below`."""
    operator = cloudwatch.ComparisonOperator
    alarm = cloudwatch.AnomalyDetectionAlarm(
        stack,
        "".join(part.title() for part in name.split("-")),
        alarm_name=f"stackflow-{environment.name}-{name}",
        alarm_description=describe_alarm(what, runbook),
        metric=metric,
        std_devs=ANOMALY_STANDARD_DEVIATIONS,
        evaluation_periods=3,
        comparison_operator=operator.LESS_THAN_LOWER_THRESHOLD if below else operator.GREATER_THAN_UPPER_THRESHOLD,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    alarm.add_alarm_action(actions.SnsAction(topic))
    return alarm

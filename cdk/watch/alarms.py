"""What is told to people: each alarm says what is wrong and which part of docs/runbooks.md to open."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from cdk.edge.stack import Edge
from cdk.environment import Environment
from cdk.inputs import Facts
from cdk.serving.stack import Service
from cdk.watch.metrics import nodes, of_aws, own
from cdk.watch.runbooks import Runbook, described

# Percent of what is allowed.
NEARLY_FULL = 80
# Seconds.
LATE_GRAPH = 300
LATE_EVENTS = 600
# Milliseconds of the gateway's 99th percentile.
SLOW = 5_000
# Requests that a firewall stopped in five minutes.
STOPPED = 1_000
# Parts of operations, and percent of CloudFront's answers, that fail.
FAILING = 0.05
FAILING_PERCENT = 5


@dataclass(frozen=True)
class Watched:
    """One alarm: it sounds when the metric was at or over `at` for as many periods of five minutes."""

    name: str
    what: str
    runbook: Runbook
    metric: cloudwatch.IMetric
    at: float
    periods: int = 2
    below: bool = False
    silence: Literal["fine", "alarming"] = "fine"


def watched(environment: Environment, facts: Facts, service: Service, edge: Edge) -> Iterator[Watched]:
    """All of them but those of a rollout, of spending and of keys."""
    yield from _functions(service)
    yield from _workers(environment, service)
    yield from _gateway(environment, service)
    yield from _stores(environment, facts)
    yield from _queues(facts)
    yield from _firewalls(environment)
    yield from _distributions(environment, edge)


def _functions(service: Service) -> Iterator[Watched]:
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
        yield Watched(f"{name}-errors", f"The function of {name} fails", "errors", errors, at=most)
        throttles = function.metric_throttles(statistic="Sum")
        # A tick that finds its worker busy is throttled, as it should be.
        often = 5 if is_ticked else 1
        yield Watched(
            f"{name}-throttles", f"Calls of {name} are turned away", "throttles", throttles, at=often, periods=3
        )


def _workers(environment: Environment, service: Service) -> Iterator[Watched]:
    for name, function in (
        ("projector", service.projector),
        ("requirements", service.requirements),
        ("workflows", service.workflows),
    ):
        ran = function.metric_invocations(statistic="Sum")
        yield Watched(f"{name}-ticks", f"No tick wakes {name}", "ticks", ran, at=1, below=True, silence="alarming")
    lost = of_aws("SQS", "ApproximateNumberOfMessagesVisible", QueueName=service.lost.queue_name)
    yield Watched("lost-ticks", "Ticks could not be given to their workers", "ticks", lost, at=1, periods=1)
    failures = own(environment.name, "WorkerFailures")
    yield Watched("worker-failures", "Workers met what nobody foresaw", "set-aside", failures, at=1, periods=1)
    poison = own(environment.name, "EventsDead")
    yield Watched("events-set-aside", "Events that can never work were set aside", "set-aside", poison, at=1, periods=1)
    refused = own(environment.name, "ProjectionRefused")
    yield Watched("projection-refused", "Changes never reach the graph", "set-aside", refused, at=1, periods=1)


def _gateway(environment: Environment, service: Service) -> Iterator[Watched]:
    # GraphQL answers errors with HTTP 200, which the gateway counts as well. Each operation writes 0 or 1.
    errors = own(environment.name, "OperationErrors", "Average")
    yield Watched(
        "operation-errors", f"Over {FAILING * 100:g}% of operations fail by our fault", "errors", errors, at=FAILING
    )
    failing = service.gateway.metric_server_error(statistic="Average")
    yield Watched("gateway-5xx", "Over 2% of calls fail", "errors", failing, at=0.02, periods=3)
    slow = service.gateway.metric_latency(statistic="p99")
    yield Watched("gateway-p99", f"One call of a hundred takes over {SLOW} ms", "slow", slow, at=SLOW, periods=3)
    down = own(environment.name, "StoreDown", "Maximum")
    yield Watched("store-down", "The service cannot ask one of its stores", "store-down", down, at=1)


def _stores(environment: Environment, facts: Facts) -> Iterator[Watched]:
    for key, database in (("main", facts.main), ("requirements", facts.requirements)):
        cluster = database.identifier
        heard = of_aws("RDS", "CPUUtilization", "SampleCount", DBClusterIdentifier=cluster)
        yield _silent(f"{key}-silent", f"aurora.{key} is not heard of", heard)
        busy = of_aws("RDS", "CPUUtilization", "Average", DBClusterIdentifier=cluster)
        yield Watched(f"{key}-cpu", f"aurora.{key} is busy", "slow", busy, at=NEARLY_FULL, periods=3)
        connections = of_aws("RDS", "DatabaseConnections", DBClusterIdentifier=cluster)
        most = database.max_connections * NEARLY_FULL // 100
        yield Watched(
            f"{key}-connections", f"aurora.{key} has few connections left", "connections", connections, at=most
        )
        full = of_aws("RDS", "ACUUtilization", "Average", DBClusterIdentifier=cluster)
        yield _full(f"{key}-capacity", f"aurora.{key} can hardly grow", full)
    cluster = facts.graph.identifier
    full = of_aws("Neptune", "NCUUtilization", "Average", DBClusterIdentifier=cluster)
    yield _full("graph-capacity", "The graph can hardly grow", full)
    heard = of_aws("Neptune", "CPUUtilization", "SampleCount", DBClusterIdentifier=cluster)
    yield _silent("graph-silent", "The graph is not heard of", heard)
    pending = of_aws("Neptune", "MainRequestQueuePendingRequests", DBClusterIdentifier=cluster)
    yield Watched("graph-pending", "Traversals wait for the graph", "slow", pending, at=50, periods=3)
    lag = own(environment.name, "ProjectionLagSeconds", "Maximum")
    # The projector tells it each minute, also where nothing is to do; one that fails or does not run tells nothing.
    yield Watched(
        "projection-lag",
        "The graph is minutes behind the tables, or nobody knows",
        "projection-lag",
        lag,
        at=LATE_GRAPH,
        silence="alarming",
    )
    for number, node in enumerate(nodes(facts.cache.identifier), start=1):
        memory = of_aws("ElastiCache", "DatabaseMemoryUsagePercentage", CacheClusterId=node)
        yield Watched(f"cache-memory-{number}", "The cache is nearly full", "cache-memory", memory, at=NEARLY_FULL)
        heard = of_aws("ElastiCache", "EngineCPUUtilization", "SampleCount", CacheClusterId=node)
        yield _silent(f"cache-silent-{number}", "A node of the cache is not heard of", heard)


def _full(name: str, what: str, full: cloudwatch.IMetric) -> Watched:
    """A serverless cluster at its largest capacity. Others write no such metric."""
    return Watched(name, what, "slow", full, at=NEARLY_FULL, periods=3)


def _silent(name: str, what: str, heard: cloudwatch.IMetric) -> Watched:
    """A store that measures nothing for a quarter of an hour is down, or its name is wrong."""
    return Watched(name, what, "store-down", heard, at=1, periods=3, below=True, silence="alarming")


def _queues(facts: Facts) -> Iterator[Watched]:
    named = zip(("events", "remediation-p1", "remediation-standard", "notifications"), facts.queues.all(), strict=True)
    for key, queue in named:
        age = of_aws("SQS", "ApproximateAgeOfOldestMessage", QueueName=queue.name)
        yield Watched(f"{key}-age", f"Messages of {key} wait", "backlog", age, at=LATE_EVENTS)
        dead = of_aws("SQS", "ApproximateNumberOfMessagesVisible", QueueName=queue.dead)
        yield Watched(f"{key}-dead", f"Messages of {key} could never be handled", "dead-letters", dead, at=1, periods=1)


def _firewalls(environment: Environment) -> Iterator[Watched]:
    gateway = f"{environment.functions.name}-gateway".replace("-", "")
    stopped = of_aws("WAFV2", "BlockedRequests", "Sum", WebACL=gateway, Rule="ALL", Region=environment.region)
    yield Watched("gateway-firewall", "The gateway's firewall stops many", "firewall", stopped, at=STOPPED)
    if environment.region == environment.edge.region:
        # That of an adopted firewall is taken to be its name.
        name = environment.edge.firewall
        metric = name if environment.edge.firewall_arn else name.replace("-", "")
        stopped = of_aws("WAFV2", "BlockedRequests", "Sum", WebACL=metric, Rule="ALL")
        yield Watched("edge-firewall", "CloudFront's firewall stops many", "firewall", stopped, at=STOPPED)


def _distributions(environment: Environment, edge: Edge) -> Iterator[Watched]:
    """CloudFront measures in us-east-1, and an alarm reads metrics of its own region."""
    if environment.region == environment.edge.region:
        for name, distribution in edge.distributions.items():
            failing = of_aws("CloudFront", "5xxErrorRate", "Average", DistributionId=distribution, Region="Global")
            what = f"Over {FAILING_PERCENT}% of the answers of {name} are errors"
            yield Watched(f"{name}-5xx", what, "errors", failing, at=FAILING_PERCENT, periods=3)


def alarm(stack: Stack, environment: Environment, topic: sns.ITopic, each: Watched) -> cloudwatch.Alarm:
    """Make one, and tell the topic when it sounds and when it ends."""
    below = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
    over = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
    missing = cloudwatch.TreatMissingData
    made = cloudwatch.Alarm(
        stack,
        "".join(part.title() for part in each.name.split("-")),
        alarm_name=f"stackflow-{environment.name}-{each.name}",
        alarm_description=described(each.what, each.runbook),
        metric=each.metric,
        threshold=each.at,
        evaluation_periods=each.periods,
        comparison_operator=below if each.below else over,
        treat_missing_data=missing.NOT_BREACHING if each.silence == "fine" else missing.BREACHING,
    )
    told = actions.SnsAction(topic)
    made.add_alarm_action(told)
    made.add_ok_action(told)
    return made

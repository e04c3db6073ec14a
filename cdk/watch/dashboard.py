"""One page that an operator reads in a minute: alarms, golden signals, stores, lag, queues, cache, spending."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk.environment import Environment
from cdk.inputs import Facts
from cdk.serving.stack import Service
from cdk.watch.budgets import together
from cdk.watch.metrics import HOUR, cost, nodes, of_aws, own, tokens

THIRD, WHOLE = 8, 24


def dashboard(
    stack: Stack, environment: Environment, facts: Facts, service: Service, alarms: Sequence[cloudwatch.IAlarm]
) -> cloudwatch.Dashboard:
    """Read from above: is it well, how fast, what stands behind it, what does it cost."""
    board = cloudwatch.Dashboard(
        stack, "Dashboard", dashboard_name=f"stackflow-{environment.name}", default_interval=Duration.hours(3)
    )
    board.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=WHOLE, height=4))
    board.add_widgets(*_golden(environment, service))
    board.add_widgets(*_behind(environment, facts))
    board.add_widgets(*_stores(facts))
    board.add_widgets(*_spending(environment))
    return board


def _graph(
    title: str, width: int, left: list[cloudwatch.IMetric], right: list[cloudwatch.IMetric] | None = None
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, width=width, height=6, left=left, right=right or [])


def _golden(environment: Environment, service: Service) -> list[cloudwatch.IWidget]:
    gateway, name = service.gateway, environment.name
    return [
        _graph("Traffic: calls, and instances at work", 6, [gateway.metric_count()],
               [service.api.metric("ConcurrentExecutions", statistic="Maximum")]),
        _graph("Errors: gateway's, caller's, functions'", 6,
               [gateway.metric_server_error(), gateway.metric_client_error()],
               [own(name, "OperationErrors"), service.api.metric_errors(), service.api.metric_throttles()]),
        _graph("Latency in ms: gateway's p50, p95, p99, operations' p99", 6,
               [*(gateway.metric_latency(statistic=each) for each in ("p50", "p95", "p99")),
                own(name, "OperationMilliseconds", "p99")]),
        _graph("Stores: answers without one, stores down", 6, [own(name, "Degraded")],
               [own(name, "StoreDown", "Maximum")]),
    ]  # fmt: skip


def _behind(environment: Environment, facts: Facts) -> list[cloudwatch.IWidget]:
    queues, name = facts.queues.all(), environment.name
    return [
        _graph("Graph: seconds behind; changes done, refused", 6, [own(name, "ProjectionLagSeconds", "Maximum")],
               [own(name, "ProjectedRows"), own(name, "ProjectionRefused")]),
        _graph("Events; what workflows did", 6,
               [own(name, each) for each in ("EventsDone", "EventsAgain", "EventsHeld", "EventsDead")],
               [own(name, each) for each in ("WorkflowSteps", "WorkerFailures")]),
        _graph("Queues: age of the oldest in s", 6,
               [of_aws("SQS", "ApproximateAgeOfOldestMessage", QueueName=each.name) for each in queues]),
        _graph("Dead letters", 6,
               [of_aws("SQS", "ApproximateNumberOfMessagesVisible", QueueName=each.dead) for each in queues]),
    ]  # fmt: skip


def _stores(facts: Facts) -> list[cloudwatch.IWidget]:
    clusters = [each.identifier for each in facts.databases()]
    graph = facts.graph.identifier
    return [
        _graph("Aurora: connections, CPU in %", THIRD,
               [of_aws("RDS", "DatabaseConnections", DBClusterIdentifier=each) for each in clusters],
               [of_aws("RDS", "CPUUtilization", "Average", DBClusterIdentifier=each) for each in clusters]),
        _graph("Neptune: waiting, CPU in %", THIRD,
               [of_aws("Neptune", "MainRequestQueuePendingRequests", DBClusterIdentifier=graph)],
               [of_aws("Neptune", "CPUUtilization", "Average", DBClusterIdentifier=graph)]),
        _graph("Redis: memory in %, evictions", THIRD,
               [of_aws("ElastiCache", "DatabaseMemoryUsagePercentage", CacheClusterId=each)
                for each in nodes(facts.cache.identifier)],
               [of_aws("ElastiCache", "Evictions", "Sum", CacheClusterId=each)
                for each in nodes(facts.cache.identifier)]),
    ]  # fmt: skip


def _spending(environment: Environment) -> list[cloudwatch.IWidget]:
    name, models = environment.name, environment.models.allowed
    counted = ("InputTokenCount", "OutputTokenCount")
    return [
        _graph("Operations: statements, traversals; fields", THIRD, [own(name, "Statements"), own(name, "Traversals")],
               [own(name, "OperationCost")]),
        _graph("Cache: hits and misses", THIRD, [own(name, "CacheHits"), own(name, "CacheMisses")]),
        _graph("AI: USD an hour, tokens", THIRD, [cost(some) for _, some in together(models)],
               [tokens(model, which, HOUR) for model in models for which in counted]),
    ]  # fmt: skip

"""The dashboard for operators: alarms, golden signals, stores, lag, queues, cache, spending."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk.environment import Environment
from cdk.inputs import StackInputs
from cdk.models import profile_ids
from cdk.serving.stack import Service
from cdk.watch.budgets import MAX_MODELS_PER_ALARM, group_models
from cdk.watch.language import answer_cost, hit_rate
from cdk.watch.metrics import HOUR, aws_metric, cost, nodes, service_metric, tokens

THIRD = 8
FULL_WIDTH = 24


def dashboard(
    stack: Stack, environment: Environment, facts: StackInputs, service: Service, alarms: Sequence[cloudwatch.IAlarm]
) -> cloudwatch.Dashboard:
    """Create the dashboard, from top to bottom: health, speed, stores and queues, cost."""
    board = cloudwatch.Dashboard(
        stack, "Dashboard", dashboard_name=f"stackflow-{environment.name}", default_interval=Duration.hours(3)
    )
    board.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=FULL_WIDTH, height=4))
    board.add_widgets(*_golden(environment, service))
    board.add_widgets(*_behind(environment, facts))
    board.add_widgets(*_stores(facts))
    board.add_widgets(*_spending(environment, service))
    profiles = profile_ids(environment.models.allowed)
    ids = [id_ for model, id_ in zip(environment.models.allowed, service.models, strict=True) if model in profiles]
    if ids:
        board.add_widgets(*_language(environment))
        board.add_widgets(*_bedrock(ids))
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
               [service_metric(name, "OperationErrors"), service.api.metric_errors(), service.api.metric_throttles()]),
        _graph("Latency in ms: gateway's p50, p95, p99, operations' p99", 6,
               [*(gateway.metric_latency(statistic=each) for each in ("p50", "p95", "p99")),
                service_metric(name, "OperationMilliseconds", "p99")]),
        _graph("Stores: answers without one or without a plan, stores down", 6,
               [service_metric(name, "Degraded"), service_metric(name, "Fallbacks")],
               [service_metric(name, "StoreDown", "Maximum")]),
    ]  # fmt: skip


def _behind(environment: Environment, facts: StackInputs) -> list[cloudwatch.IWidget]:
    queues, name = facts.queues.all(), environment.name
    return [
        _graph("Graph: seconds behind; changes done, refused", 6,
            [service_metric(name, "ProjectionLagSeconds", "Maximum")],
               [service_metric(name, "ProjectedRows"), service_metric(name, "ProjectionRefused")]),
        _graph("Events; what workflows did", 6,
               [service_metric(name, each) for each in ("EventsDone", "EventsAgain", "EventsHeld", "EventsDead")],
               [service_metric(name, each) for each in ("WorkflowSteps", "WorkerFailures")]),
        _graph("Queues: age of the oldest in s", 6,
               [aws_metric("SQS", "ApproximateAgeOfOldestMessage", QueueName=each.name) for each in queues]),
        _graph("Dead letters", 6,
               [aws_metric("SQS", "ApproximateNumberOfMessagesVisible", QueueName=each.dead) for each in queues]),
    ]  # fmt: skip


def _stores(facts: StackInputs) -> list[cloudwatch.IWidget]:
    clusters = [each.identifier for each in facts.databases()]
    graph = facts.graph.identifier
    return [
        _graph("Aurora: connections, CPU in %", THIRD,
               [aws_metric("RDS", "DatabaseConnections", DBClusterIdentifier=each) for each in clusters],
               [aws_metric("RDS", "CPUUtilization", "Average", DBClusterIdentifier=each) for each in clusters]),
        _graph("Neptune: waiting, CPU in %", THIRD,
               [aws_metric("Neptune", "MainRequestQueuePendingRequests", DBClusterIdentifier=graph)],
               [aws_metric("Neptune", "CPUUtilization", "Average", DBClusterIdentifier=graph)]),
        _graph("Redis: memory in %, evictions", THIRD,
               [aws_metric("ElastiCache", "DatabaseMemoryUsagePercentage", CacheClusterId=each)
                for each in nodes(facts.cache.identifier)],
               [aws_metric("ElastiCache", "Evictions", "Sum", CacheClusterId=each)
                for each in nodes(facts.cache.identifier)]),
    ]  # fmt: skip


def _spending(environment: Environment, service: Service) -> list[cloudwatch.IWidget]:
    name, models = environment.name, service.models
    counted = ("InputTokenCount", "OutputTokenCount")
    costs: list[cloudwatch.IMetric] = [
        cost(some, 1 + MAX_MODELS_PER_ALARM * part) for part, (_, some) in enumerate(group_models(models))
    ]
    return [
        _graph("Operations: statements, traversals; fields", THIRD,
            [service_metric(name, "Statements"), service_metric(name, "Traversals")],
               [service_metric(name, "OperationCost")]),
        _graph("Cache: hits and misses", THIRD,
            [service_metric(name, "CacheHits"), service_metric(name, "CacheMisses")]),
        _graph("AI: USD an hour, tokens", THIRD, costs,
               [tokens(model, which, HOUR) for model in models for which in counted]),
    ]  # fmt: skip


def _language(environment: Environment) -> list[cloudwatch.IWidget]:
    name = environment.name
    return [
        _graph("AI answers; USD of the service's calls", 6, [service_metric(name, "AiAnswers")],
               [service_metric(name, "AiCostUsd"), answer_cost(name)]),
        _graph("AI calls: p99 in ms; failures, refused sentences", 6, [service_metric(name, "AiMilliseconds", "p99")],
               [service_metric(name, each) for each in ("AiFailures", "AiGateRejections")]),
        _graph("AI cache: hits and misses; share of hits", 6,
               [service_metric(name, each) for each in ("AiCacheHits", "AiCacheMisses")],
               [hit_rate(name), service_metric(name, "AiCacheAgreements", "Average", HOUR)]),
        _graph("AI tokens of the service: read; written", 6, [service_metric(name, "AiInputTokens")],
               [service_metric(name, "AiOutputTokens")]),
    ]  # fmt: skip


def _bedrock(model_ids: Sequence[str]) -> list[cloudwatch.IWidget]:
    return [
        _graph("Bedrock: p99 in ms by model", THIRD,
               [aws_metric("Bedrock", "InvocationLatency", "p99", ModelId=each) for each in model_ids]),
        _graph("Bedrock: throttled calls by model", THIRD,
               [aws_metric("Bedrock", "InvocationThrottles", "Sum", ModelId=each) for each in model_ids]),
        _graph("Bedrock: calls; server errors by model", THIRD,
               [aws_metric("Bedrock", "Invocations", "Sum", ModelId=each) for each in model_ids],
               [aws_metric("Bedrock", "InvocationServerErrors", "Sum", ModelId=each) for each in model_ids]),
    ]  # fmt: skip

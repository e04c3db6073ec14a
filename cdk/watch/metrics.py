"""The metrics: those of AWS, and those that the service writes into its log lines."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk.environment import Price

NAMESPACE = "StackFlow"

# Written by the service in CloudWatch's embedded metric format, with the dimension Environment; the values are labels.
# A test verifies that the service writes each of them.
SERVICE_METRICS: Mapping[str, str] = {
    "OperationMilliseconds": "how long an operation took",
    "OperationErrors": "operations that were answered with an error which is not the caller's",
    "OperationCost": "fields of an answer, as estimated",
    "Statements": "statements that an operation sent",
    "Traversals": "traversals that an operation sent",
    "CacheHits": "values that the cache had",
    "CacheMisses": "values that it had not",
    "Degraded": "answers that went without a store",
    "Fallbacks": "operations that no plan answered",
    "StoreDown": "stores that could not be asked",
    "ProjectionLagSeconds": "age of the oldest change that the graph does not have",
    "ProjectedRows": "changes that the projector has done",
    "ProjectionRefused": "changes that it set aside",
    "EventsDone": "events that have their effect",
    "EventsAgain": "events that come again",
    "EventsHeld": "events not tried: behind one that comes again, or while a store was away",
    "EventsDead": "events that can never work",
    "WorkflowSteps": "what the workflows did",
    "WorkerFailures": "what workers met and nobody foresaw: set aside, or tried again",
    "AiCostUsd": "what calls of models cost, in USD",
    "AiInputTokens": "tokens that models read",
    "AiOutputTokens": "tokens that models wrote",
    "AiMilliseconds": "how long a call of a model took",
    "AiFailures": "calls of models that failed",
    "AiCacheHits": "questions whose answer the cache had",
    "AiCacheMisses": "questions whose answer it had not",
    "AiCacheAgreements": "share of compared cached answers that agree with a new one",
    "AiGateRejections": "sentences of models that their source does not say",
    "AiAnswers": "answers that questions got",
}

FIVE_MINUTES = Duration.minutes(5)
HOUR = Duration.hours(1)
# Prices are per this number of tokens.
MILLION = 1_000_000


def service_metric(
    environment: str, name: str, statistic: str = "Sum", period: Duration = FIVE_MINUTES, **dimensions: str
) -> cloudwatch.Metric:
    """Return a metric that the service writes. Raises KeyError for an unknown name."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Environment": environment} | dimensions,
        statistic=statistic,
        period=period,
        label=SERVICE_METRICS[name],
    )


def aws_metric(
    namespace: str, name: str, statistic: str = "Maximum", period: Duration = FIVE_MINUTES, **dimensions: str
) -> cloudwatch.Metric:
    """Return a metric of AWS."""
    return cloudwatch.Metric(
        namespace=f"AWS/{namespace}",
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=period,
    )


def nodes(replication_group: str) -> tuple[str, str]:
    """Return the nodes of a replication group with one replica: ElastiCache measures nodes, not groups."""
    return f"{replication_group}-001", f"{replication_group}-002"


def tokens(model: str, which: str, period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
    """Return InputTokenCount or OutputTokenCount of a ModelId: Bedrock counts every call, from any client.

    https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring.html#runtime-cloudwatch-metrics
    """
    return aws_metric("Bedrock", which, "Sum", period, ModelId=model)


def cost(models: Mapping[str, Price], first: int = 1) -> cloudwatch.MathExpression:
    """Return the cost of these models per hour in USD: the tokens that Bedrock counts, times their prices.

    `models` are by ModelId. `first` numbers the first model: one graph needs a number for each of its models.
    """
    terms, metrics = [], dict[str, cloudwatch.IMetric]()
    for number, (model, price) in enumerate(models.items(), start=first):
        for letter, which, usd in (("i", "InputTokenCount", price.input), ("o", "OutputTokenCount", price.output)):
            # Free tokens may have no metric, and a sum with a missing term is missing.
            if usd:
                metrics[f"{letter}{number}"] = tokens(model, which, HOUR)
                terms.append(f"FILL({letter}{number}, 0) * {usd:g}")
    return cloudwatch.MathExpression(
        expression=f"({' + '.join(terms)}) / {MILLION}",
        using_metrics=metrics,
        period=HOUR,
        label="USD of models",
    )

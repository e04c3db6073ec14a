"""What is measured: AWS's own metrics, and those that the service writes into its log lines."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "StackFlow"

# Written by the service in CloudWatch's embedded metric format, with the dimension Environment; unit and meaning.
OWN: Mapping[str, str] = {
    "OperationMilliseconds": "how long an operation took",
    "OperationErrors": "operations that were answered with an error which is not the caller's",
    "OperationCost": "fields of an answer, as estimated",
    "Statements": "statements that an operation sent",
    "Traversals": "traversals that an operation sent",
    "CacheHits": "values that the cache had",
    "CacheMisses": "values that it had not",
    "Degraded": "answers that went without a store",
    "Fallbacks": "operations that no compiled plan could express",
    "StoreDown": "1 for each store that could not be asked",
    "ProjectionLagSeconds": "age of the oldest change that the graph does not have",
    "OpenEvents": "events that wait in the tables",
    "AiCostUsd": "what calls of models cost",
    "AiTokens": "tokens of calls of models",
}

FIVE_MINUTES = Duration.minutes(5)
HOUR = Duration.hours(1)


def own(environment: str, name: str, statistic: str = "Sum", period: Duration = FIVE_MINUTES) -> cloudwatch.Metric:
    """One that the service writes. KeyError if it writes none of that name."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"Environment": environment},
        statistic=statistic,
        period=period,
        label=OWN[name],
    )


def of_aws(
    namespace: str, name: str, statistic: str = "Maximum", period: Duration = FIVE_MINUTES, **dimensions: str
) -> cloudwatch.Metric:
    """One of AWS's."""
    return cloudwatch.Metric(
        namespace=f"AWS/{namespace}",
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=period,
    )


def nodes(replication_group: str) -> tuple[str, str]:
    """ElastiCache measures nodes, not groups: those of a group with one replica."""
    return f"{replication_group}-001", f"{replication_group}-002"

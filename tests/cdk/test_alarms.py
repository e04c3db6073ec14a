"""Each alarm sounds in the failure that it is for, and is quiet else: its own properties, fed with what is measured.

Metrics of ours are lines that the service's code writes; those of AWS have AWS's names and dimensions, written here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from resolvers.projection.follow import ProjectionRound
from tests.cdk import lines
from tests.cdk.evaluation import MINUTE, Datum, data, embedded, state
from tests.cdk.resolving import VERSION, Resolver
from tests.cdk.templates import Synth

# Ages of what comes each minute, for longer than any alarm looks back but those on anomalies.
MINUTES = [MINUTE * number + 30 for number in range(60)]

Fed = Callable[[Synth], list[Datum]]


@dataclass(frozen=True)
class Case:
    """What an alarm must sound at, and what not."""

    bad: Fed
    good: Fed


def aws(namespace: str, name: str, bad: float, good: float, **dimensions: str | Callable[[Synth], str]) -> Case:
    """A metric of AWS's that comes each minute. A dimension may be an environment's own."""

    def fed(value: float) -> Fed:
        def of(synth: Synth) -> list[Datum]:
            named = {key: each if isinstance(each, str) else each(synth) for key, each in dimensions.items()}
            return data(f"AWS/{namespace}", name, named, value, MINUTES)

        return of

    return Case(fed(bad), fed(good))


def silence(case: Case) -> Case:
    """Nothing is measured any more."""
    return Case(lambda _: [], case.good)


def function(suffix: str) -> Callable[[Synth], str]:
    return lambda synth: f"{synth.environment.functions.name}{suffix}"


def identifier(path: str) -> Callable[[Synth], str]:
    def of(synth: Synth) -> str:
        found: Any = synth.environment
        for part in path.split("."):
            found = getattr(found, part)
        return str(found)

    return of


def queue(name: str, *, dead: bool = False) -> Callable[[Synth], str]:
    def of(synth: Synth) -> str:
        queues = synth.environment.queues
        if dead and hasattr(queues, f"{name}_dead"):
            return str(getattr(queues, f"{name}_dead"))
        given = str(getattr(queues, name))
        head, dot, fifo = given.partition(".")
        return f"{head}{'-DLQ' * dead}{dot}{fifo}"

    return of


def node(number: int) -> Callable[[Synth], str]:
    return lambda synth: f"{synth.environment.redis.identifier}-00{number}"


def lost_ticks(synth: Synth) -> str:
    (name,) = synth.resources("AWS::SQS::Queue", "Service")
    return f"Service-{name}"


def rule_of_keys(synth: Synth) -> str:
    return f"stackflow-{synth.environment.name}-key-changes"


def distribution(face: str) -> Callable[[Synth], str]:
    def of(synth: Synth) -> str:
        adopted = getattr(synth.environment.edge.distributions, face).id
        if adopted:
            return str(adopted)
        (made,) = [
            id_ for id_ in synth.resources("AWS::CloudFront::Distribution", "Edge") if id_.startswith(face.title())
        ]
        return f"Edge-{made}"

    return of


def operations(synth: Synth, failed: int, of: int, version: str = VERSION) -> list[Datum]:
    """Operations that ask a store that is away, and that ask none: some of so many fail, each minute."""
    bad, good = lines.answered(synth, documents=["{ teams { totalCount } }", "{ __typename }"], version=version)
    return embedded([*[bad] * failed, *[good] * (of - failed)], MINUTES)


# Beside a new version the old one serves, and may be red.
OLD = "6"


def rollout(name: str, new: float, old: float) -> Fed:
    """What Lambda measures of both versions behind the alias: values of each minute, and a hundred calls.

    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    """

    def of(synth: Synth) -> list[Datum]:
        function = synth.environment.functions.name
        found = []
        for version, value in ((VERSION, new), (OLD, old)):
            behind = {"FunctionName": function, "Resource": f"{function}:live", "ExecutedVersion": version}
            found += data("AWS/Lambda", name, behind, value, MINUTES)
            found += data("AWS/Lambda", "Invocations", behind, 100, MINUTES)
        return found

    return of


def function_metrics(suffix: str, name: str, bad: float, good: float) -> Case:
    return aws("Lambda", name, bad, good, FunctionName=function(suffix))


def wafv2(**dimensions: str | Callable[[Synth], str]) -> Case:
    return aws("WAFV2", "BlockedRequests", 300, 100, Rule="ALL", **dimensions)


def of_gateway(synth: Synth) -> str:
    return f"{synth.environment.functions.name}gateway".replace("-", "")


def of_edge(synth: Synth) -> str:
    edge = synth.environment.edge
    return edge.firewall if edge.firewall_arn else edge.firewall.replace("-", "")


def cluster(key: str, path: str) -> dict[str, Case]:
    here = {"DBClusterIdentifier": identifier(path)}
    return {
        f"{key}-silent": silence(aws("RDS", "CPUUtilization", 0, 5, **here)),
        f"{key}-cpu": aws("RDS", "CPUUtilization", 95, 60, **here),
        f"{key}-capacity": aws("RDS", "ACUUtilization", 100, 60, **here),
        f"{key}-connections": aws("RDS", "DatabaseConnections", 4_900, 400, **here),
    }


def of_queue(key: str, name: str) -> dict[str, Case]:
    return {
        f"{key}-age": aws("SQS", "ApproximateAgeOfOldestMessage", 700, 300, QueueName=queue(name)),
        f"{key}-dead": aws("SQS", "ApproximateNumberOfMessagesVisible", 1, 0, QueueName=queue(name, dead=True)),
    }


def worker(key: str) -> dict[str, Case]:
    """A function that is woken each minute."""
    # Of the ticks of five minutes one may fall beyond the edge of the period.
    failing = [age for number, age in enumerate(MINUTES) if number % 5]

    def fed(value: float) -> Fed:
        return lambda synth: data("AWS/Lambda", "Errors", {"FunctionName": function(f"-{key}")(synth)}, value, failing)

    return {
        f"{key}-errors": Case(fed(1), fed(0)),
        f"{key}-throttles": function_metrics(f"-{key}", "Throttles", 1, 0),
        f"{key}-ticks": silence(function_metrics(f"-{key}", "Invocations", 0, 1)),
    }


def model_id(synth: Synth, number: int) -> str:
    """By which Bedrock counts a model of the file, from 1: the id of its profile, or its own."""
    model = list(synth.environment.models.allowed)[number - 1]
    profiles = synth.resources("AWS::Bedrock::ApplicationInferenceProfile")
    own = [id_ for id_, each in profiles.items() if each["ModelSource"]["CopyFrom"].endswith(f"/{model}")]
    return own[0].lower() if own else model


def read(number: int, value: float, recent: int) -> Case:
    """Tokens that a model reads in each five minutes of days, and so many in the most recent ones."""

    def fed(now: float) -> Fed:
        def of(synth: Synth) -> list[Datum]:
            ages = [5 * MINUTE * number + 10 for number in range(1_300)]
            name, model = "InputTokenCount", {"ModelId": model_id(synth, number)}
            past = data("AWS/Bedrock", name, model, 1_000, ages[recent:])
            return past + data("AWS/Bedrock", name, model, now, ages[:recent])

        return of

    return Case(fed(value), fed(1_000))


def ours(bad: Callable[[Synth], list[str]], good: Callable[[Synth], list[str]]) -> Case:
    """Lines of the service, each minute."""
    return Case(lambda synth: embedded(bad(synth), MINUTES), lambda synth: embedded(good(synth), MINUTES))


def of_model(number: int) -> dict[str, Case]:
    """A model that writes text."""

    def named(synth: Synth) -> str:
        return model_id(synth, number)

    def throttled(count: int) -> Fed:
        return lambda synth: [
            *data("AWS/Bedrock", "InvocationThrottles", {"ModelId": named(synth)}, count, MINUTES),
            *data("AWS/Bedrock", "Invocations", {"ModelId": named(synth)}, 98, MINUTES),
        ]

    return {
        f"ai-latency-{number}": aws("Bedrock", "InvocationLatency", 16_000, 4_000, ModelId=named),
        f"ai-throttles-{number}": Case(throttled(6), throttled(5)),
        f"ai-errors-{number}": aws("Bedrock", "InvocationServerErrors", 1, 0, ModelId=named),
    }


def of_language(now: Mapping[str, float], usual: Mapping[str, float], recent: int) -> Case:
    """Values that the service writes each five minutes of days, and those of the most recent ones."""

    def fed(latest: Mapping[str, float]) -> Fed:
        def of(synth: Synth) -> list[Datum]:
            ages = [5 * MINUTE * number + 10 for number in range(1_300)]
            return [
                *embedded(lines.of_models(synth, usual), ages[recent:]),
                *embedded(lines.of_models(synth, latest), ages[:recent]),
            ]

        return of

    return Case(fed(now), fed(usual))


CASES: Mapping[str, Case] = {
    "api-errors": function_metrics("", "Errors", 2, 0),
    "api-throttles": function_metrics("", "Throttles", 1, 0),
    "events-errors": function_metrics("-events", "Errors", 2, 0),
    "events-throttles": function_metrics("-events", "Throttles", 1, 0),
    **worker("projector"),
    **worker("requirements"),
    **worker("workflows"),
    "lost-ticks": aws("SQS", "ApproximateNumberOfMessagesVisible", 1, 0, QueueName=lost_ticks),
    "worker-failures": ours(lines.set_aside, lambda _: []),
    "events-set-aside": ours(lambda synth: lines.batch(synth, "no JSON"), lambda synth: lines.batch(synth)),
    "projection-refused": ours(
        lambda synth: lines.round_of_projector(synth, ProjectionRound(rows=3, refused=1)),
        lambda synth: lines.round_of_projector(synth, ProjectionRound(rows=3)),
    ),
    "projection-lag": ours(
        lambda synth: lines.round_of_projector(synth, ProjectionRound(rows=3, lag=301)),
        lambda synth: lines.round_of_projector(synth, ProjectionRound()),
    ),
    "operation-errors": Case(
        lambda synth: operations(synth, 1, 20), lambda synth: operations(synth, 1, 100)
    ),
    "rollout-operations": Case(
        lambda synth: [*operations(synth, 1, 4), *operations(synth, 0, 36, OLD)],
        lambda synth: [*operations(synth, 0, 4), *operations(synth, 9, 36, OLD)],
    ),
    "rollout-errors": Case(rollout("Errors", 6, 0), rollout("Errors", 0, 90)),
    "rollout-slow": Case(rollout("Duration", 6_000, 80), rollout("Duration", 80, 20_000)),
    "store-down": ours(
        lambda synth: lines.answered(synth, paths=["/health/ready"]),
        lambda synth: lines.answered(synth, documents=["{ __typename }"]),
    ),
    "gateway-5xx": aws("ApiGateway", "5XXError", 0.03, 0.01, ApiName=function("")),
    "gateway-p99": aws("ApiGateway", "Latency", 6_000, 900, ApiName=function("")),
    **cluster("main", "aurora.main.identifier"),
    **cluster("requirements", "aurora.requirements.identifier"),
    "graph-silent": silence(
        aws("Neptune", "CPUUtilization", 0, 5, DBClusterIdentifier=identifier("neptune.identifier"))
    ),
    "graph-capacity": aws("Neptune", "NCUUtilization", 90, 40, DBClusterIdentifier=identifier("neptune.identifier")),
    "graph-pending": aws(
        "Neptune", "MainRequestQueuePendingRequests", 60, 2, DBClusterIdentifier=identifier("neptune.identifier")
    ),
    **{
        f"cache-memory-{number}": aws(
            "ElastiCache", "DatabaseMemoryUsagePercentage", 90, 40, CacheClusterId=node(number)
        )
        for number in (1, 2)
    },
    **{
        f"cache-silent-{number}": silence(
            aws("ElastiCache", "EngineCPUUtilization", 0, 5, CacheClusterId=node(number))
        )
        for number in (1, 2)
    },
    **of_queue("events", "events"),
    **of_queue("remediation-p1", "remediation_p1"),
    **of_queue("remediation-standard", "remediation_standard"),
    **of_queue("notifications", "notifications"),
    "gateway-firewall": wafv2(WebACL=of_gateway, Region="us-east-1"),
    "edge-firewall": wafv2(WebACL=of_edge),
    **{
        f"{face}-5xx": aws("CloudFront", "5xxErrorRate", 6, 1, DistributionId=distribution(face), Region="Global")
        for face in ("docs", "app", "api")
    },
    "key-changes": aws("Events", "MatchedEvents", 1, 0, RuleName=rule_of_keys),
    # Three hours of twelve times five minutes each, and three times five minutes.
    "ai-ceiling": read(1, 50_000_000, 36),
    "ai-cost": read(1, 50_000_000, 36),
    "ai-ceiling-2": read(7, 50_000_000, 36),
    "ai-cost-2": read(7, 50_000_000, 36),
    **{f"ai-tokens-{number}": read(number, 50_000_000, 3) for number in range(1, 8)},
    # The last of the seven makes embeddings.
    **{name: case for number in range(1, 7) for name, case in of_model(number).items()},
    "ai-failures": of_language({"AiFailures": 5}, {"AiFailures": 1}, 36),
    "ai-service-cost": of_language({"AiCostUsd": 0.5}, {"AiCostUsd": 0.01}, 3),
    "ai-service-ceiling": of_language({"AiCostUsd": 1}, {"AiCostUsd": 0.01}, 36),
    "ai-answer-cost": of_language({"AiCostUsd": 0.6, "AiAnswers": 10}, {"AiCostUsd": 0.01, "AiAnswers": 10}, 36),
    "ai-cache-hits": of_language(
        {"AiCacheHits": 1, "AiCacheMisses": 9}, {"AiCacheHits": 4, "AiCacheMisses": 6}, 36
    ),
}  # fmt: skip


def alarms(synth: Synth) -> dict[str, dict[str, Any]]:
    """Their properties by name, references resolved."""
    resolver, prefix = Resolver(synth), f"stackflow-{synth.environment.name}-"
    return {
        each["AlarmName"].removeprefix(prefix): resolver.whole(each, stack)
        for stack in ("Service", "Watch")
        for each in synth.resources("AWS::CloudWatch::Alarm", stack).values()
    }


def test_each_alarm_has_its_failure(each: Synth) -> None:
    assert alarms(each).keys() == CASES.keys()


@pytest.mark.parametrize("name", CASES)
def test_an_alarm_sounds_in_its_failure_and_is_quiet_else(each: Synth, name: str) -> None:
    alarm, case = alarms(each)[name], CASES[name]
    assert state(alarm, case.good(each)) == "OK"
    assert state(alarm, case.bad(each)) == "ALARM"


def test_a_lost_projector_is_heard_of_though_it_tells_nothing(each: Synth) -> None:
    found = alarms(each)
    assert {name for name in found if state(found[name], []) == "ALARM"} == {
        "cache-silent-1", "cache-silent-2", "graph-silent", "main-silent", "projection-lag", "projector-ticks",
        "requirements-silent", "requirements-ticks", "workflows-ticks",
    }  # fmt: skip


BROKEN: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "another metric": lambda alarm: renamed(alarm, "MetricName"),
    "another dimension": lambda alarm: renamed(alarm, "Value"),
    "another direction": lambda alarm: alarm | {"ComparisonOperator": OPPOSITE[alarm["ComparisonOperator"]]},
}
OPPOSITE = {
    "GreaterThanOrEqualToThreshold": "LessThanThreshold",
    "GreaterThanThreshold": "LessThanThreshold",
    "GreaterThanUpperThreshold": "LessThanThreshold",
    "LessThanLowerThreshold": "GreaterThanThreshold",
    "LessThanThreshold": "GreaterThanOrEqualToThreshold",
}


def renamed(value: Any, key: str) -> Any:
    if isinstance(value, list):
        return [renamed(each, key) for each in value]
    if isinstance(value, dict):
        return {name: f"{each}x" if name == key else renamed(each, key) for name, each in value.items()}
    return value


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_alarm_is_found(prod: Synth, how: str) -> None:
    for name, alarm in alarms(prod).items():
        broken, case = BROKEN[how](alarm), CASES[name]
        assert (state(broken, case.good(prod)), state(broken, case.bad(prod))) != ("OK", "ALARM"), name

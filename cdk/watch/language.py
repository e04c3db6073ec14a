"""Alarms on language models: those of Bedrock by model, and those of what the service pays, gets and answers."""

from collections.abc import Iterator

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from cdk.environment import Environment
from cdk.models import profile_ids
from cdk.serving.stack import Service
from cdk.watch.alarms import AlarmSpec, create_alarm, create_band
from cdk.watch.budgets import DAILY_ALLOWANCE_DIVISOR
from cdk.watch.metrics import FIVE_MINUTES, HOUR, aws_metric, service_metric

# The maximum time of a call in milliseconds, its 99th percentile: three quarters of AI_LATENCY_SECONDS.
MAX_MODEL_LATENCY_MS = 15_000
# The maximum share of throttled calls.
MAX_THROTTLE_RATE = 0.05
# The maximum number of calls that fail in five minutes: at Bedrock, and as the service sees it.
MAX_MODEL_ERRORS = 5
# The maximum mean cost of an answer in USD: a fifth of AI_USD_A_REQUEST.
MAX_USD_AN_ANSWER = 0.05


def language_alarms(
    stack: Stack, environment: Environment, service: Service, topic: sns.ITopic
) -> Iterator[cloudwatch.AlarmBase]:
    """Yield the alarms, none if no model of the file writes text."""
    if not profile_ids(environment.models.allowed):
        return
    for spec in (*_models(environment, service), *_answers(environment)):
        yield create_alarm(stack, environment, topic, spec)
    usd = service_metric(environment.name, "AiCostUsd")
    yield create_band(
        stack, environment, topic, "ai-service-cost", "The service pays models more than usual", "ai-spend", usd
    )
    yield create_band(
        stack,
        environment,
        topic,
        "ai-cache-hits",
        "The cache of answers hits less than usual",
        "ai-answers",
        hit_rate(environment.name),
        below=True,
    )


def _models(environment: Environment, service: Service) -> Iterator[AlarmSpec]:
    """Yield alarms by model, numbered by its place in the file."""
    profiles = profile_ids(environment.models.allowed)
    for number, (model, model_id) in enumerate(zip(environment.models.allowed, service.models, strict=True), start=1):
        if model in profiles:
            slow = aws_metric("Bedrock", "InvocationLatency", "p99", ModelId=model_id)
            yield AlarmSpec(
                f"ai-latency-{number}", f"{model} is slow", "ai-models", slow, at=MAX_MODEL_LATENCY_MS, periods=3
            )
            yield AlarmSpec(
                f"ai-throttles-{number}",
                f"Over {MAX_THROTTLE_RATE * 100:g}% of calls of {model} are throttled",
                "ai-models",
                throttle_rate(model_id),
                at=MAX_THROTTLE_RATE,
            )
            failed = aws_metric("Bedrock", "InvocationServerErrors", "Sum", ModelId=model_id)
            yield AlarmSpec(f"ai-errors-{number}", f"Calls of {model} fail", "ai-models", failed, at=MAX_MODEL_ERRORS)


def _answers(environment: Environment) -> Iterator[AlarmSpec]:
    name, allowance = environment.name, environment.models.usd_a_day
    failed = service_metric(name, "AiFailures")
    yield AlarmSpec("ai-failures", "Calls of models fail", "ai-models", failed, at=MAX_MODEL_ERRORS)
    # A band learns a slow rise as usual, and a ceiling does not.
    yield AlarmSpec(
        "ai-service-ceiling",
        f"An hour of the service's models cost over a sixth of {allowance:g} USD",
        "ai-spend",
        service_metric(name, "AiCostUsd", period=HOUR),
        at=allowance / DAILY_ALLOWANCE_DIVISOR,
        periods=1,
    )
    yield AlarmSpec(
        "ai-answer-cost",
        f"An answer costs over {MAX_USD_AN_ANSWER:g} USD",
        "ai-answers",
        answer_cost(name),
        at=MAX_USD_AN_ANSWER,
        periods=1,
    )


def throttle_rate(model_id: str) -> cloudwatch.MathExpression:
    """Return the share of throttled calls of a ModelId. Bedrock does not count them among its invocations.

    https://docs.aws.amazon.com/bedrock/latest/userguide/monitoring-runtime-metrics.html
    """
    return cloudwatch.MathExpression(
        expression="FILL(throttles, 0) / (FILL(throttles, 0) + FILL(calls, 0))",
        using_metrics={
            "throttles": aws_metric("Bedrock", "InvocationThrottles", "Sum", ModelId=model_id),
            "calls": aws_metric("Bedrock", "Invocations", "Sum", ModelId=model_id),
        },
        period=FIVE_MINUTES,
        label="share of throttled calls",
    )


def hit_rate(environment: str) -> cloudwatch.MathExpression:
    """Return the share of questions per hour whose answer the cache had."""
    return cloudwatch.MathExpression(
        expression="FILL(hits, 0) / (FILL(hits, 0) + FILL(misses, 0))",
        using_metrics={
            "hits": service_metric(environment, "AiCacheHits", period=HOUR),
            "misses": service_metric(environment, "AiCacheMisses", period=HOUR),
        },
        period=HOUR,
        label="share of cache hits",
    )


def answer_cost(environment: str) -> cloudwatch.MathExpression:
    """Return the mean cost of an answer per hour, in USD."""
    return cloudwatch.MathExpression(
        expression="usd / answers",
        using_metrics={
            "usd": service_metric(environment, "AiCostUsd", period=HOUR),
            "answers": service_metric(environment, "AiAnswers", period=HOUR),
        },
        period=HOUR,
        label="USD of an answer",
    )

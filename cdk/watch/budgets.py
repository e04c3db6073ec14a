"""Alarms on the cost of models: an hour above its share of the daily allowance, anomalies, and a budget."""

from collections.abc import Iterator, Mapping

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

from cdk.environment import Environment, Price
from cdk.serving.stack import Service
from cdk.watch.alarms import AlarmSpec, create_alarm, create_band
from cdk.watch.metrics import cost, tokens
from cdk.watch.runbooks import Runbook

# The cost of an hour may be at most the daily allowance divided by this number.
DAILY_ALLOWANCE_DIVISOR = 6
# Budgets notify at these percentages of the allowance.
BUDGET_PERCENTS = (80, 100)
# An alarm reads at most ten metrics, and each model has two.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create-alarm-on-metric-math-expression.html
MAX_MODELS_PER_ALARM = 5
# How models are billed per day: Amazon's and some others by Bedrock; Claude and most others each as a separate product
# of AWS Marketplace ("... (Amazon Bedrock Edition)"), so the filter is the billing entity.
BUDGETS: Mapping[str, Mapping[str, str]] = {
    "ai": {"Service": "Amazon Bedrock"},
    "ai-marketplace": {"BillingEntity": "AWS Marketplace"},
}
RUNBOOK: Runbook = "ai-spend"


def spending_alarms(
    stack: Stack, environment: Environment, service: Service, topic: sns.ITopic
) -> Iterator[cloudwatch.AlarmBase]:
    """Yield alarms on what Bedrock and the bill count, which include calls of other clients than this service.

    Cost Explorer's monitors are not used: AWS creates one for all services of the account, and CloudWatch is hours
    earlier.
    """
    models = environment.models
    for suffix, some in group_models(service.models):
        usd = cost(some)
        ceiling = AlarmSpec(
            f"ai-ceiling{suffix}",
            f"An hour of models cost over a sixth of {models.usd_a_day:g} USD",
            RUNBOOK,
            usd,
            at=models.usd_a_day / DAILY_ALLOWANCE_DIVISOR,
            periods=1,
        )
        yield create_alarm(stack, environment, topic, ceiling)
        yield create_band(stack, environment, topic, f"ai-cost{suffix}", "Models cost more than usual", RUNBOOK, usd)
    for number, (model, model_id) in enumerate(zip(models.allowed, service.models, strict=True), start=1):
        read = tokens(model_id, "InputTokenCount")
        what = f"{model} reads more tokens than usual"
        yield create_band(stack, environment, topic, f"ai-tokens-{number}", what, RUNBOOK, read)
    for name, filters in BUDGETS.items():
        _budget(stack, environment, topic, name, filters)


def group_models(models: Mapping[str, Price]) -> Iterator[tuple[str, dict[str, Price]]]:
    """Yield groups of models that fit into one alarm, with the suffix of the alarm's name."""
    named = list(models.items())
    for number in range(0, len(named), MAX_MODELS_PER_ALARM):
        part = number // MAX_MODELS_PER_ALARM
        yield f"-{part + 1}" if part else "", dict(named[number : number + MAX_MODELS_PER_ALARM])


def _budget(stack: Stack, environment: Environment, topic: sns.ITopic, name: str, filters: Mapping[str, str]) -> None:
    budget = budgets.CfnBudget
    budget(
        stack,
        f"{''.join(part.title() for part in name.split('-'))}Budget",
        budget=budget.BudgetDataProperty(
            budget_name=f"stackflow-{environment.name}-{name}",
            budget_type="COST",
            time_unit="DAILY",
            budget_limit=budget.SpendProperty(amount=environment.models.usd_a_day, unit="USD"),
            cost_filters={key: [value] for key, value in filters.items()},
        ),
        notifications_with_subscribers=[
            budget.NotificationWithSubscribersProperty(
                notification=budget.NotificationProperty(
                    comparison_operator="GREATER_THAN",
                    notification_type="ACTUAL",
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=[budget.SubscriberProperty(subscription_type="SNS", address=topic.topic_arn)],
            )
            for percent in BUDGET_PERCENTS
        ],
    )

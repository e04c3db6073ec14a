"""Alarms with their runbooks, a dashboard, spending, and calls that would end a key."""

import json
import re
from pathlib import Path
from typing import Any

from cdk.environment import Price
from cdk.watch.budgets import group_models
from cdk.watch.metrics import cost
from tests.cdk.templates import Synth

ROOT = Path(__file__).parents[2]
RUNBOOKS = re.findall(r"^## ([a-z-]+)$", (ROOT / "docs" / "runbooks.md").read_text(), re.MULTILINE)

# Calls that would end a key or give it away.
ENDINGS = [
    "DeleteImportedKeyMaterial",
    "DisableKey",
    "DisableKeyRotation",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "UpdatePrimaryRegion",
]


def alarms(synth: Synth) -> dict[str, dict[str, Any]]:
    prefix = f"stackflow-{synth.environment.name}-"
    return {each["AlarmName"].removeprefix(prefix): each for each in synth.resources("AWS::CloudWatch::Alarm").values()}


def test_every_alarm_names_its_runbook(each: Synth) -> None:
    named = {
        name: alarm["AlarmDescription"].rpartition(" Runbook: docs/runbooks.md#")
        for name, alarm in alarms(each).items()
    }
    assert all(what for what, _, _ in named.values())
    assert {runbook for _, _, runbook in named.values()} == set(RUNBOOKS)


def test_every_alarm_tells_somebody(each: Synth) -> None:
    silent = {name for name, alarm in alarms(each).items() if not alarm.get("AlarmActions")}
    assert silent == set()


def test_alarms_sound_at_what_the_file_says(prod: Synth) -> None:
    found = alarms(prod)
    assert found["main-connections"]["Threshold"] == 4_000
    assert found["ai-ceiling"]["Threshold"] == 50 / 6
    assert found["projection-lag"]["Threshold"] == 300
    assert found["gateway-p99"]["ExtendedStatistic"] == "p99"


def test_a_silent_store_alarms(each: Synth) -> None:
    for name in ("main-silent", "requirements-silent", "graph-silent", "cache-silent-1", "cache-silent-2"):
        alarm = alarms(each)[name]
        assert (alarm["TreatMissingData"], alarm["ComparisonOperator"]) == ("breaching", "LessThanThreshold")


def test_alarms_of_queues_name_queues_that_exist(dev: Synth) -> None:
    watched = {
        dimension["Value"]
        for alarm in alarms(dev).values()
        for dimension in alarm.get("Dimensions", [])
        if dimension["Name"] == "QueueName" and isinstance(dimension["Value"], str)
    }
    assert watched == {queue["QueueName"] for queue in dev.resources("AWS::SQS::Queue", "Stores").values()}


def queries(alarm: dict[str, Any]) -> dict[str, Any]:
    """What an alarm on mathematics reads: each metric by its id, as namespace, name and model, or its expression."""
    found: dict[str, Any] = {}
    for each in alarm["Metrics"]:
        metric = each.get("MetricStat", {}).get("Metric")
        dimensions = [] if metric is None else [one["Value"] for one in metric["Dimensions"]]
        told = each.get("Expression") if metric is None else (metric["Namespace"], metric["MetricName"], *dimensions)
        found[each["Id"]] = told
    return found


def test_spending_is_held_to_a_band_a_ceiling_and_a_budget(each: Synth) -> None:
    found = alarms(each)
    for name in ("ai-cost", "ai-tokens-1"):
        assert found[name]["ComparisonOperator"] == "GreaterThanUpperThreshold"
        assert "ANOMALY_DETECTION_BAND" in json.dumps(found[name]["Metrics"])
    budgets = [found["Budget"] for found in each.resources("AWS::Budgets::Budget").values()]
    for budget in budgets:
        assert budget["BudgetLimit"] == {"Amount": each.environment.models.usd_a_day, "Unit": "USD"}
    for notified in each.resources("AWS::Budgets::Budget").values():
        percents = [one["Notification"]["Threshold"] for one in notified["NotificationsWithSubscribers"]]
        assert percents == [80, 100]


# Lines of bills, as Cost Explorer shows them: its service, and who bills it.
BEDROCK = {"Service": "Amazon Bedrock", "BillingEntity": "AWS"}
CLAUDE = {"Service": "Claude 4.6 Sonnet (Amazon Bedrock Edition)", "BillingEntity": "AWS Marketplace"}
AURORA = {"Service": "Amazon Relational Database Service", "BillingEntity": "AWS"}


def test_budgets_see_claude_by_whatever_name_it_is_billed(each: Synth) -> None:
    filters = {
        found["Budget"]["BudgetName"]: found["Budget"]["CostFilters"]
        for found in each.resources("AWS::Budgets::Budget").values()
    }

    def counting(line: dict[str, str]) -> list[str]:
        prefix = f"stackflow-{each.environment.name}-"
        return [
            name.removeprefix(prefix)
            for name, filter in filters.items()
            if all(line[key] in values for key, values in filter.items())
        ]

    assert [counting(line) for line in (BEDROCK, CLAUDE, AURORA)] == [["ai"], ["ai-marketplace"], []]


def test_many_models_are_held_by_several_alarms() -> None:
    """An alarm reads ten metrics at most."""
    models = {f"model-{number}": Price(input=1, output=2) for number in range(12)}
    parts = list(group_models(models))
    assert [(suffix, len(some)) for suffix, some in parts] == [("", 5), ("-2", 5), ("-3", 2)]
    assert {model for _, some in parts for model in some} == models.keys()
    assert max(len(cost(some).using_metrics) for _, some in parts) == 10


def test_spending_is_read_from_what_bedrock_counts(each: Synth) -> None:
    """By every client, beside what the service counts of its own calls."""
    found = alarms(each)
    titan = "amazon.titan-embed-text-v2:0"
    for name in ("ai-ceiling-2", "ai-cost-2"):
        counted = [told for told in queries(found[name]).values() if isinstance(told, tuple)]
        assert [(namespace, what) for namespace, what, _ in counted] == [
            ("AWS/Bedrock", "InputTokenCount"), ("AWS/Bedrock", "OutputTokenCount"), ("AWS/Bedrock", "InputTokenCount"),
        ]  # fmt: skip
        # What it writes costs nothing.
        assert counted[-1] == ("AWS/Bedrock", "InputTokenCount", titan)
    assert ("AWS/Bedrock", "InputTokenCount", titan) in queries(found["ai-tokens-7"]).values()
    usd = "(FILL(i1, 0) * 5.5 + FILL(o1, 0) * 27.5 + FILL(i2, 0) * 0.02) / 1000000"
    assert usd in queries(found["ai-ceiling-2"]).values()
    periods = {each["MetricStat"]["Period"] for each in found["ai-ceiling"]["Metrics"] if "MetricStat" in each}
    assert periods == {3_600}


def test_each_model_costs_what_it_reads_and_what_it_writes() -> None:
    math = cost({"a": Price(input=3, output=15), "b": Price(input=0.02, output=0), "c": Price(input=0.1, output=0.3)})
    assert math.expression == (
        "(FILL(i1, 0) * 3 + FILL(o1, 0) * 15 + FILL(i2, 0) * 0.02 + FILL(i3, 0) * 0.1 + FILL(o3, 0) * 0.3) / 1000000"
    )
    named = {id_: (metric.to_metric_config().metric_stat) for id_, metric in math.using_metrics.items()}
    assert {
        id_: (stat.metric_name, stat.dimensions[0].value, stat.statistic) for id_, stat in named.items()
        if stat is not None and stat.dimensions is not None
    } == {
        "i1": ("InputTokenCount", "a", "Sum"), "o1": ("OutputTokenCount", "a", "Sum"),
        "i2": ("InputTokenCount", "b", "Sum"), "i3": ("InputTokenCount", "c", "Sum"),
        "o3": ("OutputTokenCount", "c", "Sum"),
    }  # fmt: skip


def test_a_call_that_would_end_a_key_is_told(each: Synth) -> None:
    (rule,) = each.resources("AWS::Events::Rule").values()
    assert rule["State"] == "ENABLED"
    assert rule["EventPattern"] == {
        "source": ["aws.kms"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["kms.amazonaws.com"],
            "eventName": ENDINGS,
        },
    }
    assert len(rule["Targets"]) == 1


def test_the_page_about_keys_denies_the_same_calls_to_everybody() -> None:
    page = (ROOT / "docs" / "aws.md").read_text()
    (policy,) = re.findall(r"```json\n(.+?)```", page, re.DOTALL)
    (statement,) = json.loads(policy)["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", [f"kms:{each}" for each in ENDINGS])


def test_the_dashboard_shows_what_an_operator_asks_first(each: Synth) -> None:
    (board,) = each.resources("AWS::CloudWatch::Dashboard").values()
    text = "".join(part for part in board["DashboardBody"]["Fn::Join"][1] if isinstance(part, str))
    for title in (
        "Alarms", "Traffic", "Errors", "Latency", "Stores", "Graph", "Events", "Queues", "Dead letters", "Aurora",
        "Neptune", "Redis", "Operations", "Cache", "AI: ", "AI answers", "AI calls", "AI cache", "AI tokens", "Bedrock",
    ):  # fmt: skip
        assert f'"title":"{title}' in text


def test_dead_letters_of_adopted_queues_are_watched_by_the_names_that_the_file_gives(prod: Synth) -> None:
    """A guessed name has no metric, and an alarm without one never sounds."""
    queues = prod.environment.queues
    watched = {
        dimension["Value"]
        for alarm in prod.resources("AWS::CloudWatch::Alarm").values()
        if alarm["AlarmName"].endswith("-dead")
        for dimension in alarm["Dimensions"]
    }
    assert watched == {
        queues.events_dead,  # type: ignore[union-attr]
        queues.remediation_p1_dead,  # type: ignore[union-attr]
        queues.remediation_standard_dead,  # type: ignore[union-attr]
        queues.notifications_dead,  # type: ignore[union-attr]
    }

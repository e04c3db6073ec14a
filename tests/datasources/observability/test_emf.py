"""The rules of CloudWatch's metric format: every metric of ours keeps them, and each broken one is seen."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from datasources.observability.metrics import UNITS, MetricValues
from tests.fixtures.emf import faults

Break = Callable[[dict[str, Any]], Any]


def line() -> dict[str, Any]:
    return MetricValues({"OperationMilliseconds": 1.5, "Statements": 2}, "search").to_emf("prod", 1_700_000_000.0)


def directive(broken: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = broken["_aws"]["CloudWatchMetrics"][0]
    return found


def test_every_metric_together_is_a_line_that_cloudwatch_takes_whole() -> None:
    assert faults(MetricValues(dict.fromkeys(UNITS, 1.0), "search").to_emf("prod", 1_700_000_000.0)) == []
    assert faults(line()) == []


@pytest.mark.parametrize(
    ("breaking", "fault"),
    [
        (lambda each: each.pop("_aws"), "no _aws"),
        (lambda each: each["_aws"].update(Timestamp=1_700_000_000), "Timestamp"),
        (lambda each: each["_aws"].update(Timestamp=1_700_000_000_000.5), "Timestamp"),
        (lambda each: each["_aws"].update(CloudWatchMetrics=[]), "CloudWatchMetrics"),
        (lambda each: directive(each).update(Namespace=""), "Namespace"),
        (lambda each: directive(each).update(Namespace="AWS/RDS"), "Namespace"),
        (lambda each: directive(each).update(Dimensions=["Environment"]), "Dimensions"),
        (lambda each: directive(each).update(Dimensions=[[f"d{n}" for n in range(31)]]), "Dimensions"),
        (lambda each: each.pop("Environment"), "dimension Environment"),
        (lambda each: each.update(Operation=""), "dimension Operation"),
        (lambda each: directive(each).update(Metrics=directive(each)["Metrics"] * 51), "Metrics"),
        (lambda each: directive(each)["Metrics"][1].update(Unit="Statements"), "unit of Statements"),
        (lambda each: each.pop("Statements"), "value of Statements"),
        (lambda each: each.update(Statements="2"), "value of Statements"),
        (lambda each: each.update(Statements=True), "value of Statements"),
        (lambda each: each.update(Statements=2.0**361), "value of Statements"),
    ],
)
def test_a_broken_line_is_seen(breaking: Break, fault: str) -> None:
    broken = copy.deepcopy(line())
    breaking(broken)
    assert fault in faults(broken)

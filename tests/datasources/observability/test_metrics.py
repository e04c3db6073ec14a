"""Lines that CloudWatch reads metrics from: their form, their names, and none where metrics are off."""

import logging
import re
from pathlib import Path

import orjson
import pytest

from datasources.config import ObservabilitySettings
from datasources.observability import metrics
from datasources.observability.logs import JsonFormatter
from datasources.observability.metrics import OPERATION_METRICS, UNITS, MetricValues

# Units that the specification knows: those that we use of them.
KNOWN = {"Seconds", "Milliseconds", "Count", "Bytes", "None"}


def test_a_value_is_of_the_environment_and_of_a_trusted_operation() -> None:
    measured = MetricValues({"OperationMilliseconds": 12.5, "OperationErrors": 0, "Statements": 3}, "search")
    assert measured.to_emf("prod", now=1_700_000_000.25) == {
        "Environment": "prod", "Operation": "search",
        "OperationMilliseconds": 12.5, "OperationErrors": 0, "Statements": 3,
        "_aws": {
            "Timestamp": 1_700_000_000_250,
            "CloudWatchMetrics": [
                {
                    "Namespace": "StackFlow", "Dimensions": [["Environment"]],
                    "Metrics": [
                        {"Name": "OperationMilliseconds", "Unit": "Milliseconds"},
                        {"Name": "OperationErrors", "Unit": "Count"},
                        {"Name": "Statements", "Unit": "Count"},
                    ],
                },
                {
                    "Namespace": "StackFlow", "Dimensions": [["Environment", "Operation"]],
                    "Metrics": [
                        {"Name": "OperationMilliseconds", "Unit": "Milliseconds"},
                        {"Name": "OperationErrors", "Unit": "Count"},
                    ],
                },
            ],
        },
    }  # fmt: skip


def test_an_operation_of_a_client_is_no_dimension() -> None:
    line = MetricValues({"OperationMilliseconds": 1.0}).to_emf("prod")
    assert [each["Dimensions"] for each in line["_aws"]["CloudWatchMetrics"]] == [[["Environment"]]]
    assert "Operation" not in line


def test_errors_are_of_a_published_version_too() -> None:
    line = MetricValues({"OperationErrors": 1, "Statements": 2}).to_emf("prod", version="7")
    assert line["Version"] == "7"
    assert line["_aws"]["CloudWatchMetrics"][1:] == [
        {
            "Namespace": "StackFlow", "Dimensions": [["Environment", "Version"]],
            "Metrics": [{"Name": "OperationErrors", "Unit": "Count"}],
        }
    ]  # fmt: skip
    for version in ("", "$LATEST"):
        line = MetricValues({"OperationErrors": 1}).to_emf("prod", version=version)
        assert [each["Dimensions"] for each in line["_aws"]["CloudWatchMetrics"]] == [[["Environment"]]]


def test_a_name_without_a_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="no metric is named Speed"):
        MetricValues({"Speed": 1, "Statements": 1})


def test_every_unit_is_one_that_cloudwatch_knows() -> None:
    assert set(UNITS.values()) <= KNOWN
    assert set(OPERATION_METRICS) <= UNITS.keys()


def test_a_line_holds_metrics_only_where_they_are_on() -> None:
    record = logging.makeLogRecord({"msg": "operation", "created": 5.0, "measured": MetricValues({"Statements": 2})})
    off = orjson.loads(JsonFormatter().format(record))
    on = orjson.loads(JsonFormatter(ObservabilitySettings("dev", metrics=True)).format(record))
    assert off.keys() == {"time", "level", "logger", "message"}
    assert on.keys() - off.keys() == {"_aws", "Environment", "Statements"}
    assert (on["_aws"]["Timestamp"], on["Environment"], on["Statements"]) == (5_000, "dev", 2)


def test_a_worker_tells_lines_of_metrics_only_where_they_are_on(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL, "stackflow.metrics"):
        metrics.emit_metrics(OpenEvents=3)
        assert caplog.records == []
    with caplog.at_level(logging.INFO, "stackflow.metrics"):
        metrics.emit_metrics(OpenEvents=3)
    (record,) = caplog.records
    line = orjson.loads(JsonFormatter(ObservabilitySettings("dev", metrics=True)).format(record))
    assert line["OpenEvents"] == 3


def test_the_page_has_every_metric_with_its_unit() -> None:
    page = (Path(__file__).parents[3] / "docs" / "observability.md").read_text()
    assert dict(re.findall(r"^\| `([A-Z]\w+)` \| (\w+) \|", page, re.MULTILINE)) == dict(UNITS)

"""CloudWatch as far as alarms need it: values by metric, statistics of periods, expressions, missing data, states.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

import ast
import json
import math
import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Seconds.
MINUTE = 60

Value = float | None


@dataclass(frozen=True, slots=True)
class Datum:
    """One value of a metric, `age` seconds before the evaluation."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    value: float
    age: float


def data(namespace: str, name: str, dimensions: Mapping[str, str], value: float, ages: Sequence[float]) -> list[Datum]:
    """The same value at each of these ages."""
    return [Datum(namespace, name, frozenset(dimensions.items()), value, age) for age in ages]


def embedded(lines: Sequence[str], ages: Sequence[float]) -> list[Datum]:
    """What CloudWatch reads from lines of a log in the embedded metric format, had they come at each of these ages."""
    found = []
    for line in map(json.loads, lines):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for names in directive["Dimensions"]:
                dimensions = {name: line[name] for name in names}
                for metric in directive["Metrics"]:
                    name = metric["Name"]
                    found += data(directive["Namespace"], name, dimensions, line[name], ages)
    return found


def state(alarm: Mapping[str, Any], given: Sequence[Datum]) -> str:
    """The state of an alarm, as its template's properties say, once nothing else comes."""
    series, edges = _watched(alarm, given)
    at = edges[alarm["ThresholdMetricId"]] if "ThresholdMetricId" in alarm else alarm["Threshold"]
    needed = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    assert needed == alarm["EvaluationPeriods"] == len(series), "an alarm on some of its periods is not evaluated here"
    compare = COMPARISONS[alarm["ComparisonOperator"]]
    missing = {"notBreaching": False, "breaching": True}[alarm["TreatMissingData"]]
    breaching = [missing if value is None else compare(value, at) for value in series]
    return "ALARM" if all(breaching) else "OK"


COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "GreaterThanUpperThreshold": operator.gt,
    "LessThanLowerThreshold": operator.lt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}


def _watched(alarm: Mapping[str, Any], given: Sequence[Datum]) -> tuple[list[Value], dict[str, float]]:
    """The values of the periods that count, the newest first, and the edges of bands that the alarm compares with."""
    count = alarm["EvaluationPeriods"]
    if "MetricName" in alarm:
        statistic = alarm.get("Statistic") or alarm["ExtendedStatistic"]
        return [_of(alarm, alarm["Period"], statistic, given, number) for number in range(count)], {}
    series: dict[str, list[Value]] = {}
    bands: dict[str, float] = {}
    waiting = list(alarm["Metrics"])
    while waiting:
        query = waiting.pop(0)
        if "MetricStat" in query:
            stat = query["MetricStat"]
            found = [_of(stat["Metric"], stat["Period"], stat["Stat"], given, number) for number in range(count)]
            series[query["Id"]] = found
        elif "ANOMALY_DETECTION_BAND" in query["Expression"]:
            watched, deviations = query["Expression"].removeprefix("ANOMALY_DETECTION_BAND(").rstrip(")").split(",")
            if watched not in series:
                waiting.append(query)
                continue
            side = -1 if "Lower" in alarm["ComparisonOperator"] else 1
            bands[query["Id"]] = _edge(_history(alarm, watched, given), side * float(deviations))
        else:
            tree = ast.parse(query["Expression"], mode="eval").body
            if not {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - FUNCTIONS <= series.keys():
                waiting.append(query)
                continue
            at = [{id_: values[number] for id_, values in series.items()} for number in range(count)]
            series[query["Id"]] = [_calculated(tree, values) for values in at]
    if bands:
        # The band's own metric is the first of an alarm on anomalies; an expression over metrics stands for them.
        return series[_main(alarm)], bands
    (returned,) = [query["Id"] for query in alarm["Metrics"] if query.get("ReturnData", True)]
    return series[returned], {}


def _main(alarm: Mapping[str, Any]) -> str:
    (band,) = [each["Expression"] for each in alarm["Metrics"] if "ANOMALY_" in each.get("Expression", "")]
    watched: str = band.removeprefix("ANOMALY_DETECTION_BAND(").partition(",")[0]
    return watched


def _history(alarm: Mapping[str, Any], watched: str, given: Sequence[Datum]) -> list[float]:
    """What the metric was in the hundred periods before those that count."""
    plain = [query for query in alarm["Metrics"] if "ANOMALY_" not in query.get("Expression", "")]
    longest = max(query["MetricStat"]["Period"] for query in plain if "MetricStat" in query)
    count, found = alarm["EvaluationPeriods"], []
    for number in range(count, count + 100):
        moved = [
            Datum(each.namespace, each.name, each.dimensions, each.value, each.age - number * longest) for each in given
        ]
        once = dict(alarm) | {
            "EvaluationPeriods": 1,
            "Metrics": [query | {"ReturnData": query["Id"] == watched} for query in plain],
        }
        (value,), _ = _watched(once, moved)
        found += [] if value is None else [value]
    return found


def _edge(history: Sequence[float], deviations: float) -> float:
    """The edge of a band so many deviations above the mean, or below it if they are negative.

    AWS's model also knows hours and weekdays; a constant past is one that both agree on.
    """
    if not history:
        return math.copysign(math.inf, deviations)
    # A constant is within its own band, whatever its mean is rounded to.
    edge = statistics.fmean(history) + deviations * statistics.pstdev(history)
    return edge * (1 + math.copysign(1e-9, deviations))


def _of(metric: Mapping[str, Any], period: int, statistic: str, given: Sequence[Datum], number: int) -> Value:
    dimensions = frozenset((each["Name"], each["Value"]) for each in metric.get("Dimensions", []))
    values = [
        each.value
        for each in given
        if (each.namespace, each.name, each.dimensions) == (metric["Namespace"], metric["MetricName"], dimensions)
        and number * period < each.age <= (number + 1) * period
    ]
    if not values:
        return None
    if statistic.startswith("p"):
        ordered = sorted(values)
        return ordered[max(0, math.ceil(len(ordered) * float(statistic[1:]) / 100) - 1)]
    return STATISTICS[statistic](values)


STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Average": statistics.fmean,
    "Maximum": max,
    "SampleCount": len,
    "Sum": sum,
}
FUNCTIONS = {"FILL", "IF"}
ARITHMETIC: Mapping[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
LOGIC: Mapping[type[ast.AST], Callable[[float, float], bool]] = {ast.Gt: operator.gt, ast.GtE: operator.ge}


def _calculated(tree: ast.expr, values: Mapping[str, Value]) -> Value:
    """Metric math on one period. A gap in what is calculated with is a gap, unless FILL or IF says otherwise."""
    match tree:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name):
            return values[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _both(ARITHMETIC[type(op)], _calculated(left, values), _calculated(right, values))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _both(LOGIC[type(op)], _calculated(left, values), _calculated(right, values))
        case ast.Call(func=ast.Name(id="FILL"), args=[filled, other]):
            value = _calculated(filled, values)
            return _calculated(other, values) if value is None else value
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, other]):
            return _calculated(then if _calculated(condition, values) else other, values)
        case _:
            raise AssertionError(f"not evaluated here: {ast.dump(tree)}")


def _both(calculate: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if left is None or right is None or (calculate is operator.truediv and not right):
        return None
    return float(calculate(left, right))

"""The arithmetic of connections (docs/decisions/0026)."""

import pytest

from cdk.connections import connection_demand, serverless_max_connections
from cdk.tables import NewAurora
from tests.cdk.templates import Synth


@pytest.mark.parametrize(
    ("least", "most", "connections"),
    [(0.5, 1, 189), (0.5, 4, 823), (0.5, 6, 823), (0.5, 8, 1_669), (0.5, 16, 2_000), (1, 16, 3_360), (2, 64, 5_000)],
)
def test_a_serverless_cluster_serves_what_aws_says(least: float, most: float, connections: int) -> None:
    cluster = NewAurora(identifier="a", database="a", engine_version="16.13", min_capacity=least, max_capacity=most)
    assert serverless_max_connections(cluster) == connections


def test_both_versions_of_a_rollout_count(each: Synth) -> None:
    api = each.function()
    pool = int(each.function()["Environment"]["Variables"]["DATABASE_POOL_MAX"])
    events = next(iter(each.resources("AWS::Lambda::EventSourceMapping").values()))["ScalingConfig"]
    workers = [each.function(suffix) for suffix in ("-projector", "-requirements", "-workflows", "-migrations")]
    instances = events["MaximumConcurrency"] + sum(worker["ReservedConcurrentExecutions"] for worker in workers)
    wanted = 2 * (api["ReservedConcurrentExecutions"] * pool + instances * 2)
    assert [found.required for found in connection_demand(each.environment)] == [wanted, wanted]

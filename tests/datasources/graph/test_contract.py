"""The laws of the port on every adapter."""

from tests.datasources.graph.contract import CapLaws, DegreeLaws, ReachLaws, StepLaws, SubgraphLaws
from tests.datasources.graph.contract_paths import HistoryLaws, PathLaws


class TestReach(ReachLaws): ...


class TestCaps(CapLaws): ...


class TestSteps(StepLaws): ...


class TestSubgraph(SubgraphLaws): ...


class TestDegrees(DegreeLaws): ...


class TestPaths(PathLaws): ...


class TestHistory(HistoryLaws): ...

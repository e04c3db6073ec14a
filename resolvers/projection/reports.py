"""Progress and reports of rebuilds and consistency checks."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from datasources.graph.projection import EdgeVersion

# Maximum number of examples of each kind in a report.
MAX_EXAMPLES = 20


class RebuildPhase(StrEnum):
    """The current phase, in the order of a rebuild."""

    CLEAR = "clear"
    NODES = "nodes"
    EDGES = "edges"
    LOAD = "load"
    COMPARE_NODES = "compare nodes"
    COMPARE_EDGES = "compare edges"


# Called with the phase, the number that is done, and the total if it is known.
Progress = Callable[[RebuildPhase, int, int | None], None]


def ignore_progress(*_: object) -> None:
    """Ignore the progress."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An edge in the tables and in the graph; None where it does not exist. The two are never equal."""

    true: EdgeVersion | None
    held: EdgeVersion | None

    @property
    def node(self) -> str:
        """The node from which the edge starts."""
        return next(version.edge.from_id for version in (self.true, self.held) if version is not None)


class NodeSample(msgspec.Struct):
    """A number of nodes, and the ids of the first ones."""

    count: int = 0
    examples: list[str] = []

    def add(self, ids: list[str]) -> None:
        """Count them, and store the first ones as examples."""
        self.count += len(ids)
        self.examples += ids[: MAX_EXAMPLES - len(self.examples)]


class EdgeSample(msgspec.Struct):
    """A number of edges, and the first ones, each as in the tables and as in the graph."""

    count: int = 0
    examples: list[Difference] = []

    def add(self, difference: Difference) -> None:
        """Count it, and store it as an example if it is one of the first."""
        self.count += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(difference)


class CheckReport(msgspec.Struct, kw_only=True):
    """A comparison of the graph with the tables, which contain `nodes` nodes and `edges` edges.

    An edge is compared at the node from which it starts: an edge that starts from another node in the graph is missing
    at one and extra at the other, and a repair may count it only once. A version that is no longer valid is extra,
    since queries of the past use the tables. `repaired` counts the repaired differences, None without repair; `left`
    counts the remaining ones.
    """

    nodes: int = 0
    edges: int = 0
    missing_nodes: NodeSample = msgspec.field(default_factory=NodeSample)
    extra_nodes: NodeSample = msgspec.field(default_factory=NodeSample)
    missing_edges: EdgeSample = msgspec.field(default_factory=EdgeSample)
    extra_edges: EdgeSample = msgspec.field(default_factory=EdgeSample)
    different_edges: EdgeSample = msgspec.field(default_factory=EdgeSample)
    repaired: int | None = None
    left: int = 0
    seconds: float = 0.0

    @property
    def differences(self) -> int:
        """The number of all differences, repaired or not."""
        return (
            self.missing_nodes.count
            + self.extra_nodes.count
            + self.missing_edges.count
            + self.extra_edges.count
            + self.different_edges.count
        )

    def add(self, difference: Difference) -> None:
        """Count a differing edge by its kind."""
        if difference.held is None:
            self.missing_edges.add(difference)
        elif difference.true is None:
            self.extra_edges.add(difference)
        else:
            self.different_edges.add(difference)


class RebuildReport(msgspec.Struct, kw_only=True):
    """Counts of a rebuild: sent nodes and edges, including those before an interruption, and the result of the final
    comparison with repair; None without one."""

    nodes: int = 0
    edges: int = 0
    compared: CheckReport | None = None
    seconds: float = 0.0

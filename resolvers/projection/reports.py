"""What a rebuild and a check tell: how far they are, and what they found and did."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from datasources.graph.projection import EdgeVersion

# Examples of each kind in a report.
MAX_EXAMPLES = 20


class RebuildPhase(StrEnum):
    """What is under way, in the order in which a rebuild does it."""

    CLEAR = "clear"
    NODES = "nodes"
    EDGES = "edges"
    LOAD = "load"
    COMPARE_NODES = "compare nodes"
    COMPARE_EDGES = "compare edges"


# Called with what is under way, how many of it are done, and of how many if that is known.
Progress = Callable[[RebuildPhase, int, int | None], None]


def ignore_progress(*_: object) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An edge as the tables have it and as the graph has it; None where it has none. They are never equal."""

    true: EdgeVersion | None
    held: EdgeVersion | None

    @property
    def node(self) -> str:
        """The node that the edge leaves."""
        return next(version.edge.from_id for version in (self.true, self.held) if version is not None)


class NodeSample(msgspec.Struct):
    """How many nodes, and the ids of the first of them."""

    count: int = 0
    examples: list[str] = []

    def add(self, ids: list[str]) -> None:
        """Count them, and keep the first as examples."""
        self.count += len(ids)
        self.examples += ids[: MAX_EXAMPLES - len(self.examples)]


class EdgeSample(msgspec.Struct):
    """How many edges, and the first of them, each as the tables have it and as the graph has it."""

    count: int = 0
    examples: list[Difference] = []

    def add(self, difference: Difference) -> None:
        """Count it, and keep it as an example if it is one of the first."""
        self.count += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(difference)


class CheckReport(msgspec.Struct, kw_only=True):
    """A comparison of the graph with the tables, which hold `nodes` nodes and `edges` edges.

    An edge is compared at the node that it leaves: one that leaves another node in the graph is missing here and
    extra there, and a repair may meet it once only. A version that is no longer valid is extra, as the tables answer
    for the past. `repaired` counts the differences that are no more, None if no repair was asked for; `left` counts
    those that are still there.
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
        """All of them, repaired or not."""
        return (
            self.missing_nodes.count
            + self.extra_nodes.count
            + self.missing_edges.count
            + self.extra_edges.count
            + self.different_edges.count
        )

    def add(self, difference: Difference) -> None:
        """Count an edge that differs under its kind."""
        if difference.held is None:
            self.missing_edges.add(difference)
        elif difference.true is None:
            self.extra_edges.add(difference)
        else:
            self.different_edges.add(difference)


class RebuildReport(msgspec.Struct, kw_only=True):
    """A rebuild: how many nodes and edges it sent, before a break and after it, and what the comparison at its end
    found and mended; None where there was none."""

    nodes: int = 0
    edges: int = 0
    compared: CheckReport | None = None
    seconds: float = 0.0

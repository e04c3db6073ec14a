"""The traversal source `g`. It has no connection, so it only builds bytecode."""

from gremlin_python.process.graph_traversal import GraphTraversalSource
from gremlin_python.process.traversal import TraversalStrategies
from gremlin_python.structure.graph import Graph

g = GraphTraversalSource(Graph(), TraversalStrategies())

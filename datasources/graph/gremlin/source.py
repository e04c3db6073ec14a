"""Where traversals begin: `g`, bound to nothing, so that what it builds is bytecode alone."""

from gremlin_python.process.graph_traversal import GraphTraversalSource
from gremlin_python.process.traversal import TraversalStrategies
from gremlin_python.structure.graph import Graph

g = GraphTraversalSource(Graph(), TraversalStrategies())

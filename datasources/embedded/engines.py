"""The engines that a Gremlin server can run here, as data: their jars, their main class and their graph."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_TINKER = "org.apache.tinkerpop.gremlin.tinkergraph"
_SERIALIZERS = "org.apache.tinkerpop.gremlin.util.ser"
_JANUS = "org.janusgraph"

_SCRIPT = """\
// Nothing of the graph outlives the process that wants it, however that one ends: then the pipe is closed.
Thread.startDaemon { while (System.in.read() != -1) {}; Runtime.runtime.halt(0) }
// What traversals are sent to. A server takes what its script ends with, if it is a map.
def globals = [:]
globals << [g: traversal().withEmbedded(graph)]
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """One engine. `script` is the Groovy that the server begins with; `jars` is a lock, see jars.py.

    `threads` is how many traversals it runs at a time.
    """

    name: str
    jars: Path
    main: str
    plugin: str
    registry: str
    properties: Mapping[str, object]
    script: str = _SCRIPT
    threads: int = 4
    environment: Mapping[str, str] = field(default_factory=dict)

    def configuration(self, port: int, properties: Path, script: Path) -> dict[str, Any]:
        """The server's settings file, as data. Times in milliseconds, lengths in bytes."""
        return {
            "host": "127.0.0.1",
            "port": port,
            "evaluationTimeout": 30_000,
            "gremlinPool": self.threads,
            "threadPoolWorker": 1,
            "maxContentLength": 67_108_864,
            "resultIterationBatchSize": 64,
            "graphs": {"graph": str(properties)},
            "scriptEngines": {
                "gremlin-groovy": {
                    "plugins": {
                        "org.apache.tinkerpop.gremlin.server.jsr223.GremlinServerGremlinPlugin": {},
                        self.plugin: {},
                        "org.apache.tinkerpop.gremlin.jsr223.ScriptFileGremlinPlugin": {"files": [str(script)]},
                    }
                }
            },
            "serializers": [
                {"className": f"{_SERIALIZERS}.{name}", "config": {"ioRegistries": [self.registry]}}
                for name in ("GraphBinaryMessageSerializerV1", "GraphSONMessageSerializerV3")
            ],
        }


def _tinker(name: str, graph: str, value_ids: str, jars: str, threads: int) -> Engine:
    return Engine(
        name=name,
        jars=_HERE / jars,
        threads=threads,
        main="org.apache.tinkerpop.gremlin.server.GremlinServer",
        plugin=f"{_TINKER}.jsr223.TinkerGraphGremlinPlugin",
        registry=f"{_TINKER}.structure.TinkerIoRegistryV3",
        # Neptune: ids are strings, also those it makes, and a property is a set of values unless told otherwise.
        properties={
            "gremlin.graph": f"{_TINKER}.structure.{graph}",
            "gremlin.tinkergraph.vertexIdManager": "STRING",
            "gremlin.tinkergraph.edgeIdManager": "STRING",
            "gremlin.tinkergraph.vertexPropertyIdManager": value_ids,
            "gremlin.tinkergraph.defaultVertexPropertyCardinality": "set",
        },
    )


# Its maps are no concurrent ones: writers side by side lose edges and leave vertices that fail for ever, so one
# traversal runs at a time.
TINKERGRAPH = _tinker("TinkerGraph", "TinkerGraph", value_ids="LONG", jars="tinkergraph.jars", threads=1)

# A request that fails leaves nothing behind, and of two that write one element at a time the later fails. It looks
# for a new number among the vertices, whose ids are strings, and gives up: so properties have strings too. The graph
# is that of 3.7.5 in a server of 3.7.3: before 3.7.4 whoever read an element kept its id from ever being used again
# (https://github.com/apache/tinkerpop/pull/2992).
TRANSACTIONAL = _tinker(
    "TinkerTransactionGraph", "TinkerTransactionGraph", value_ids="STRING", jars="transactional.jars", threads=4
)

JANUSGRAPH = Engine(
    name="JanusGraph",
    jars=_HERE / "janusgraph.jars",
    main=f"{_JANUS}.graphdb.server.JanusGraphServer",
    plugin=f"{_JANUS}.graphdb.tinkerpop.plugin.JanusGraphGremlinPlugin",
    registry=f"{_JANUS}.graphdb.tinkerpop.JanusGraphIoRegistry",
    properties={
        "gremlin.graph": f"{_JANUS}.core.JanusGraphFactory",
        "storage.backend": "inmemory",
        "cache.db-cache": "false",
        "graph.set-vertex-id": "true",
        "graph.allow-custom-vid-types": "true",
    },
    # Its own is the hyphen, which then no id may hold, and a UUID has four.
    environment={"JANUSGRAPH_RELATION_DELIMITER": "~"},
)

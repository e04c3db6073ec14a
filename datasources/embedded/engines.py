"""The engines that a Gremlin server can run, as data: jars, main class and graph configuration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_TINKER = "org.apache.tinkerpop.gremlin.tinkergraph"
_SERIALIZERS = "org.apache.tinkerpop.gremlin.util.ser"
_JANUS = "org.janusgraph"

_SCRIPT = """\
// The server ends when the pipe to its parent closes, however the parent ends.
Thread.startDaemon { while (System.in.read() != -1) {}; Runtime.runtime.halt(0) }
// The traversal source. The server binds the map that its script returns.
def globals = [:]
globals << [g: traversal().withEmbedded(graph)]
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine. `script` is the Groovy start script of the server; `jars` is a lock file, see jars.py.

    `threads` is the number of traversals that it runs concurrently.
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
        """Return the configuration of the server, as data. Times are in milliseconds, lengths in bytes."""
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
        # As in Neptune: all ids are strings, generated ones too, and the default cardinality of properties is set.
        properties={
            "gremlin.graph": f"{_TINKER}.structure.{graph}",
            "gremlin.tinkergraph.vertexIdManager": "STRING",
            "gremlin.tinkergraph.edgeIdManager": "STRING",
            "gremlin.tinkergraph.vertexPropertyIdManager": value_ids,
            "gremlin.tinkergraph.defaultVertexPropertyCardinality": "set",
        },
    )


# Its maps are not thread-safe: concurrent writers lose edges and leave vertices that always fail, so it runs one
# traversal at a time.
TINKERGRAPH = _tinker("TinkerGraph", "TinkerGraph", value_ids="LONG", jars="tinkergraph.jars", threads=1)

# A failed request leaves nothing behind, and of two concurrent writers to an element the later one fails. The engine
# searches a new property id among the vertices, whose ids are strings, and fails: so property ids are strings too.
# The graph is that of 3.7.5 in a server of 3.7.3: before 3.7.4, a transaction that had read an element prevented the
# later reuse of its id (https://github.com/apache/tinkerpop/pull/2992).
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
    # The default delimiter is the hyphen, which custom ids could then not contain; a UUID has four.
    environment={"JANUSGRAPH_RELATION_DELIMITER": "~"},
)

"""Exports spans of a Lambda function to X-Ray: subsegments, by UDP to the daemon of the Lambda environment.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
"""

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from os import urandom
from typing import Any

import orjson

from datasources.observability.spans import CLIENT, PRODUCER, Recording, Span
from datasources.observability.trace_context import TraceContext, parse_trace_context
from datasources.request import RequestContext

DAEMON_HEADER = b'{"format":"json","version":1}\n'
# The limit of a datagram. X-Ray accepts documents of 64 kB, and UDP carries 65,507 bytes.
MAX_DATAGRAM_BYTES = 64_000
MAX_NAME_LENGTH = 200
# Characters that X-Ray forbids in names. It allows letters beyond ASCII, but our names contain none.
_INVALID_CHARACTERS = re.compile(r"[^A-Za-z0-9_ .:/%&#=+\\\-@]")

# Names of stores on the service map, if they differ from the name of the system.
_STORES = {"gremlin": "Neptune", "redis": "Redis", "postgresql": "PostgreSQL"}


class XRayExporter:
    """Exports to the daemon at `host:port`. `header` returns the trace header of the current invocation.

    Only what Lambda samples is recorded, because our subsegments belong to Lambda's segment.
    """

    def __init__(self, daemon: str, header: Callable[[], str]) -> None:
        host, _, port = daemon.rpartition(":")
        self._address = (host, int(port))
        self._header = header
        self._socket: socket.socket | None = None

    def trace_context(self, call: RequestContext) -> TraceContext | None:
        """See the protocol. The headers of the request are ignored: their parent is the gateway's."""
        trace = parse_trace_context("", self._header())
        return trace if trace.sampled and trace.parent else None

    def export(self, recording: Recording) -> None:
        """See the protocol. Sends before the function is frozen; a missing daemon is not an error."""
        with suppress(OSError):
            if self._socket is None:
                self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            for datagram in encode_datagrams(recording):
                self._socket.sendto(datagram, self._address)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def encode_datagrams(recording: Recording) -> Iterator[bytes]:
    """Yield one datagram with the call and all its parts, or one for each if that is too long."""
    belongs = {"type": "subsegment", "trace_id": f"1-{recording.trace[:8]}-{recording.trace[8:]}"}
    root = _subsegment(recording.root, recording)
    if recording.dropped:
        root["metadata"]["stackflow"]["dropped"] = recording.dropped
    parts = [_subsegment(span, recording) for span in recording.spans]
    alone = belongs | {"parent_id": recording.root.parent} | root
    datagram = DAEMON_HEADER + orjson.dumps(alone | {"subsegments": parts} if parts else alone)
    if len(datagram) <= MAX_DATAGRAM_BYTES:
        yield datagram
        return
    yield DAEMON_HEADER + orjson.dumps(alone)
    for part in parts:
        yield DAEMON_HEADER + orjson.dumps(belongs | {"parent_id": recording.root.id} | part)


def _subsegment(span: Span, recording: Recording) -> dict[str, Any]:
    attributes = span.attributes
    subsegment: dict[str, Any] = {
        "id": span.id,
        "name": _name(span),
        "start_time": span.begin_ns / 1e9,
        "end_time": span.end_ns / 1e9,
        "annotations": _annotations(span, recording),
        "metadata": {"stackflow": {"name": span.name, **attributes}},
    }
    if "messaging.system" in attributes:
        queue = {"operation": attributes["messaging.operation.name"], "queue_url": attributes["aws.sqs.queue.url"]}
        subsegment |= {"namespace": "aws", "aws": queue}
    elif span.kind in {CLIENT, PRODUCER}:
        subsegment["namespace"] = "remote"
    if attributes.get("db.system.name") == "postgresql":
        subsegment["sql"] = {"database_type": "PostgreSQL", "url": _url(attributes)}
    if span.error:
        subsegment["fault" if span.fault else "error"] = True
        subsegment["cause"] = {"exceptions": [{"id": urandom(8).hex(), "type": span.error}]}
    return subsegment


def _annotations(span: Span, recording: Recording) -> dict[str, Any]:
    operation = recording.root.attributes.get("graphql.operation.name") or recording.root.name
    annotations = {"request_id": recording.request_id, "operation": operation}
    statement = span.attributes.get("db.query.summary") or span.attributes.get("db.operation.name")
    return annotations if statement is None else annotations | {"statement": statement}


def _name(span: Span) -> str:
    # Each distinct name of a remote call is a node on X-Ray's service map.
    system = str(span.attributes.get("db.system.name", ""))
    if "messaging.system" in span.attributes:
        name = "SQS"
    elif "gen_ai.provider.name" in span.attributes:
        name = "Bedrock"
    elif system == "postgresql":
        name = f"{_STORES[system]} {span.attributes.get('stackflow.store', '')}"
    elif system:
        name = _STORES.get(system, system)
    elif span.kind is CLIENT:
        name = str(span.attributes.get("server.address", span.name))
    else:
        name = span.name
    return _INVALID_CHARACTERS.sub("_", name).strip()[:MAX_NAME_LENGTH] or "unnamed"


def _url(attributes: Mapping[str, Any]) -> str:
    port = f":{attributes['server.port']}" if "server.port" in attributes else ""
    return f"postgresql://{attributes.get('server.address', '')}{port}/{attributes.get('db.namespace', '')}"

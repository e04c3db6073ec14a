"""A readiness probe for a Gremlin server over a web socket: does its traversal source answer?"""

import base64
import json
import os
import socket
import struct
import uuid
from dataclasses import dataclass
from typing import Any, BinaryIO

# A request starts with its MIME type, after one byte for the length of the type.
_MIME = b"\x21application/vnd.gremlin-v3.0+json"
_TEXT = 1
_BINARY = 2
_BYTECODE = {"@type": "g:Bytecode", "@value": {"step": [["inject", {"@type": "g:Int32", "@value": 1}]]}}


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The status of the server: 200 with an empty message on success."""

    code: int
    message: str


def probe(port: int, timeout: float) -> ProbeResult:
    """Send `g.inject(1)` to a server on loopback and return its status. Raises OSError without a valid answer.

    An open port is not sufficient: a server whose script failed listens, but has no `g`.
    """
    with socket.create_connection(("127.0.0.1", port), timeout) as connection, connection.makefile("rb") as replies:
        _shake_hands(connection, replies, port)
        _send(connection, _MIME + json.dumps(_request()).encode())
        status = json.loads(_receive(replies))["status"]
        return ProbeResult(status["code"], status["message"])


def _request() -> dict[str, Any]:
    aliases = {"@type": "g:Map", "@value": ["g", "g"]}
    return {
        "requestId": {"@type": "g:UUID", "@value": str(uuid.uuid4())},
        "op": "bytecode",
        "processor": "traversal",
        "args": {"@type": "g:Map", "@value": ["gremlin", _BYTECODE, "aliases", aliases]},
    }


def _shake_hands(connection: socket.socket, replies: BinaryIO, port: int) -> None:
    lines = (
        "GET /gremlin HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}", "Sec-WebSocket-Version: 13", "", "",
    )  # fmt: skip
    connection.sendall("\r\n".join(lines).encode())
    status = replies.readline()
    if b" 101 " not in status:
        raise ConnectionError(f"no web socket but {status.decode(errors='replace').strip()!r}")
    while replies.readline().strip():
        pass


def _send(connection: socket.socket, data: bytes) -> None:
    # RFC 6455, section 5.2: one final frame with a 16-bit length, masked as required of clients, here with zeros.
    connection.sendall(struct.pack(">BBH", 0x80 | _BINARY, 0x80 | 126, len(data)) + bytes(4) + data)


def _receive(replies: BinaryIO) -> bytes:
    head, length = struct.unpack(">BB", _exactly(replies, 2))
    if length == 126:
        (length,) = struct.unpack(">H", _exactly(replies, 2))
    if head not in {0x80 | _TEXT, 0x80 | _BINARY} or length == 127:
        raise ConnectionError("the web socket gave no short message")
    return _exactly(replies, length)


def _exactly(replies: BinaryIO, size: int) -> bytes:
    data = replies.read(size)
    if len(data) < size:
        raise ConnectionError("the web socket was closed")
    return data

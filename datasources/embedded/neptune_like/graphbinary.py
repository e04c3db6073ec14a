"""GraphBinary requests, read into the shape GraphSON has, so that one set of rules serves both formats.

The format is TinkerPop's "dev/io: GraphBinary". Results of a traversal never come in a request; their types are unread.
"""

import struct
import uuid
from collections.abc import Callable

_ENUMS = {
    0x13: "g:Barrier", 0x16: "g:Cardinality", 0x17: "g:Column", 0x18: "g:Direction", 0x19: "g:Operator",
    0x1A: "g:Order", 0x1B: "g:Pick", 0x1C: "g:Pop", 0x1F: "g:Scope", 0x20: "g:T", 0x2E: "g:Merge", 0x2F: "g:DT",
}  # fmt: skip
_FIXED = {
    0x01: ("g:Int32", ">i"), 0x02: ("g:Int64", ">q"), 0x04: ("g:Date", ">q"), 0x05: ("g:Timestamp", ">q"),
    0x07: ("g:Double", ">d"), 0x08: ("g:Float", ">f"), 0x24: ("gx:Byte", ">b"), 0x26: ("gx:Int16", ">h"),
}  # fmt: skip
_NULL = 0xFE
_STRING = 0x03
_INT = 0x01


def read_request(body: bytes) -> tuple[str, str, str, object]:
    """Request id, op, processor and the argument `gremlin`. ValueError for what is no request of this format."""
    reader = _Reader(body)
    request_id, op, processor = reader.head()
    arguments = {reader.any(): reader.any() for _ in range(reader.count())}
    return request_id, op, processor, arguments.get("gremlin")


def with_arguments(data: bytes, timeout: int) -> bytes:
    """A whole request frame with `materializeProperties` off and, unless it has one, an `evaluationTimeout`."""
    start = 1 + data[0]
    reader = _Reader(data[start:])
    reader.head()
    at = start + reader.at
    count = reader.count()
    names = []
    for _ in range(count):
        names.append(reader.any())
        reader.any()
    added = _text("materializeProperties") + _text("tokens")
    if "evaluationTimeout" not in names:
        added += _text("evaluationTimeout") + bytes([0x02, 0]) + timeout.to_bytes(8, "big")
        count += 1
    return data[:at] + (count + 1).to_bytes(4, "big") + data[at + 4 :] + added


def _text(value: str) -> bytes:
    return bytes([_STRING, 0]) + len(value).to_bytes(4, "big") + value.encode()


class _Reader:
    def __init__(self, body: bytes) -> None:
        self.body = body
        self.at = 0
        self._by_code: dict[int, Callable[[], object]] = {
            0x03: self.text, 0x06: lambda: {"@type": "g:Class", "@value": self.text()},
            0x09: lambda: {"@type": "g:List", "@value": self._items()}, 0x0A: self._map,
            0x0B: lambda: {"@type": "g:Set", "@value": self._items()}, 0x0C: self._uuid,
            0x0D: self._edge, 0x11: self._vertex, 0x14: self._binding, 0x15: self._bytecode, 0x1D: self._lambda,
            0x1E: lambda: self._predicate("g:P"), 0x22: self._decimal, 0x23: lambda: self._sized("gx:BigInteger"),
            0x25: lambda: self._sized("gx:ByteBuffer"), 0x27: lambda: self.take(1) == b"\x01",
            0x28: lambda: self._predicate("g:TextP"), 0x29: self._strategy,
            0x81: lambda: {"@type": "gx:Duration", "@value": self.take(12).hex()},
        }  # fmt: skip

    def head(self) -> tuple[str, str, str]:
        """Version, request id, op and processor, which stand before the arguments."""
        if self.take(1) != b"\x81":
            raise ValueError("not GraphBinary 1")
        return str(uuid.UUID(bytes=self.take(16))), self.text(), self.text()

    def take(self, size: int) -> bytes:
        piece = self.body[self.at : self.at + size]
        if size < 0 or len(piece) < size:
            raise ValueError(f"the request ends before byte {self.at + size}")
        self.at += size
        return piece

    def count(self) -> int:
        return int.from_bytes(self.take(4), "big", signed=True)

    def text(self) -> str:
        return self.take(self.count()).decode()

    def any(self) -> object:
        """A value with its type and null flag before it."""
        code = self.take(1)[0]
        if self.take(1) == b"\x01" or code == _NULL:
            return None
        if code in _ENUMS:
            return {"@type": _ENUMS[code], "@value": self.any()}
        if code in _FIXED:
            kind, form = _FIXED[code]
            return {"@type": kind, "@value": struct.unpack(form, self.take(struct.calcsize(form)))[0]}
        if code not in self._by_code:
            raise ValueError(f"type 0x{code:02x} does not come in requests")
        return self._by_code[code]()

    def _items(self) -> list[object]:
        return [self.any() for _ in range(self.count())]

    def _map(self) -> object:
        return {"@type": "g:Map", "@value": [self.any() for _ in range(2 * self.count())]}

    def _uuid(self) -> object:
        return {"@type": "g:UUID", "@value": str(uuid.UUID(bytes=self.take(16)))}

    def _vertex(self) -> object:
        identity, label = self.any(), self.text()
        self.any()
        return {"@type": "g:Vertex", "@value": {"id": identity, "label": label}}

    def _edge(self) -> object:
        identity, label = self.any(), self.text()
        for _ in range(2):
            self.any(), self.text()
        self.any(), self.any()
        return {"@type": "g:Edge", "@value": {"id": identity, "label": label}}

    def _binding(self) -> object:
        return {"@type": "g:Binding", "@value": {"key": self.text(), "value": self.any()}}

    def _bytecode(self) -> object:
        steps, sources = self._instructions(), self._instructions()
        return {"@type": "g:Bytecode", "@value": {"source": sources, "step": steps}}

    def _instructions(self) -> list[list[object]]:
        return [[self.text(), *self._items()] for _ in range(self.count())]

    def _lambda(self) -> object:
        language, script = self.text(), self.text()
        self.take(4)
        return {"@type": "g:Lambda", "@value": {"language": language, "script": script}}

    def _predicate(self, kind: str) -> object:
        return {"@type": kind, "@value": {"predicate": self.text(), "value": self._items()}}

    def _strategy(self) -> object:
        # Its class comes with its package; GraphSON has the bare name.
        name = self.text().rpartition(".")[2]
        settings = {str(self.any()): self.any() for _ in range(self.count())}
        return {"@type": f"g:{name}", "@value": settings}

    def _sized(self, kind: str) -> object:
        return {"@type": kind, "@value": self.take(self.count()).hex()}

    def _decimal(self) -> object:
        self.take(4)
        return self._sized("gx:BigDecimal")

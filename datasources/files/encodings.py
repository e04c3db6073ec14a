"""Bytes to text: byte order marks, declared encodings, and lines of a bounded length."""

import codecs
import io
import re
from collections.abc import Iterator
from typing import IO

from datasources.files.errors import MappingError

# Characters of one line, and bytes of one whole document, that are held in memory.
MAX_LINE_CHARACTERS = 64 * 1_048_576
MAX_FILE_BYTES = 256 * 1_048_576

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Codecs of Python that are no encodings of files.
_NO_ENCODINGS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "utf-7"})
# Bytes at the beginning of a file that are looked at.
_HEAD = 4_096
_BAD = re.compile("[\udc00-\udcff]")
_ERRORS = "stackflow-bytes"


def _escape(error: UnicodeError) -> tuple[str, int]:
    # As surrogateescape does for ASCII's relatives, for every encoding: the line stays readable, and is refused later.
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_ERRORS, _escape)


def encoding_problem(name: str) -> str | None:
    """Why the name is no encoding of a file; None if it is one."""
    try:
        known = codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError):
        known = None
    if known is None or known.name.replace("_", "-") in _NO_ENCODINGS:
        return f"{name!r} is not an encoding; write utf-8 or latin-1"
    return None


def detect_encoding(stream: IO[bytes], declared: str | None, label: str) -> str:
    """The encoding of a file; the stream stands behind its byte order mark. MappingError where mark and name differ."""
    head = stream.read(_HEAD)
    name = codecs.lookup(declared).name if declared is not None else None
    family = name.removesuffix("-sig").removesuffix("-le").removesuffix("-be") if name is not None else None
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            exact = name if name is not None and name.endswith(("-le", "-be")) else family
            if exact is not None and not encoding.startswith(exact):
                raise MappingError(
                    f"{label}: begins with the byte order mark of {encoding}, but encoding says {declared};"
                    " take encoding away"
                )
            stream.seek(len(mark))
            return encoding
    stream.seek(0)
    zeros = head.count(0)
    if family in {"utf-16", "utf-32"}:
        if head and not zeros:
            raise MappingError(f"{label}: no byte is zero, so it is not {declared}; take encoding away")
        # Without a mark the order is the one that puts the zeros of Latin letters where they are.
        return name if name != family and name is not None else f"{family}-{'be' if head[:1] == bytes(1) else 'le'}"
    if declared is None and zeros > len(head) // 4:
        likely = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        raise MappingError(f"{label}: looks like {likely}; write encoding: {likely}")
    return name.removesuffix("-sig") if name is not None else "utf-8"


def decode_document(stream: IO[bytes], declared: str | None, label: str) -> str:
    """A whole document as text. MappingError with the byte and the line that do not decode."""
    encoding = detect_encoding(stream, declared, label)
    data = stream.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise MappingError(f"{label}: above {MAX_FILE_BYTES:,} bytes; give it as JSON Lines, which is streamed")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].decode(encoding, "replace").count("\n") + 1
        raise MappingError(
            f"{label}: byte {error.start:,} on line {line:,} is not {encoding}; give its encoding"
        ) from error


def read_lines(stream: IO[bytes], encoding: str, label: str) -> Iterator[str]:
    """Lines with their ends, which are \\n, \\r\\n or \\r. Bytes that do not decode come as lone surrogates."""
    text = io.TextIOWrapper(stream, encoding=encoding, errors=_ERRORS, newline="")
    number = 0
    try:
        # A line without end, as in a file that is no text, must not fill the memory.
        while line := text.readline(MAX_LINE_CHARACTERS):
            number += 1
            if len(line) >= MAX_LINE_CHARACTERS:
                raise MappingError(
                    f"{label}: line {number:,} is longer than {MAX_LINE_CHARACTERS:,} characters; is it the right"
                    " file and"
                    " format?"
                )
            yield line
    finally:
        # The stream is the caller's to close.
        if not stream.closed:
            text.detach()


def find_bad_byte(line: str, encoding: str) -> str | None:
    """The first byte of a line that did not decode; None when all did."""
    if line.isascii() or (bad := _BAD.search(line)) is None:
        return None
    at = len(line[: bad.start()].encode(encoding))
    return f"is not {encoding}: byte 0x{ord(bad.group()) - 0xDC00:02x} at place {at:,}"

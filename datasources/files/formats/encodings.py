"""Decodes bytes to text: byte order marks, declared encodings, and lines of limited length."""

import codecs
import io
import re
from collections.abc import Iterator
from typing import IO

from datasources.files.errors import MappingError

# Limits of what is held in memory: characters of one line, and bytes of one document.
MAX_LINE_CHARACTERS = 64 * 1_048_576
MAX_FILE_BYTES = 256 * 1_048_576

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Codecs of Python that are not encodings of files.
_NO_ENCODINGS = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape", "utf-7"})
# Bytes at the beginning of a file that are inspected.
_HEAD = 4_096
_BAD = re.compile("[\udc00-\udcff]")
_ERRORS = "stackflow-bytes"


def _escape(error: UnicodeError) -> tuple[str, int]:
    # Like surrogateescape, but for every encoding: the line stays readable, and is rejected later.
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(_ERRORS, _escape)


def encoding_problem(name: str) -> str | None:
    """Return why the name is not an encoding of a file; None if it is one."""
    try:
        known = codecs.lookup(name)
        "".encode(name)
    except (LookupError, ValueError):
        known = None
    if known is None or known.name.replace("_", "-") in _NO_ENCODINGS:
        return f"{name!r} is not an encoding; write utf-8 or latin-1"
    return None


def detect_encoding(stream: IO[bytes], declared: str | None, label: str) -> str:
    """Return the encoding of a file, and position the stream after its byte order mark.

    Raise MappingError if the mark and the declared name differ.
    """
    head = stream.read(_HEAD)
    name = codecs.lookup(declared).name if declared is not None else None
    family = name.removesuffix("-sig").removesuffix("-le").removesuffix("-be") if name is not None else None
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            exact = name if name is not None and name.endswith(("-le", "-be")) else family
            if exact is not None and not encoding.startswith(exact):
                raise MappingError(
                    f"{label}: begins with the byte order mark of {encoding}, but encoding says {declared};"
                    " remove encoding"
                )
            stream.seek(len(mark))
            return encoding
    stream.seek(0)
    zeros = head.count(0)
    if family in {"utf-16", "utf-32"}:
        if head and not zeros:
            raise MappingError(f"{label}: no byte is zero, so it is not {declared}; remove encoding")
        # Without a mark, the byte order follows from the position of the zero byte in Latin letters.
        return name if name != family and name is not None else f"{family}-{'be' if head[:1] == bytes(1) else 'le'}"
    if declared is None and zeros > len(head) // 4:
        likely = "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
        raise MappingError(f"{label}: looks like {likely}; write encoding: {likely}")
    return name.removesuffix("-sig") if name is not None else "utf-8"


def decode_document(stream: IO[bytes], declared: str | None, label: str) -> str:
    """Return a whole document as text. Raise MappingError with the byte and line that cannot be decoded."""
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
    """Yield lines with their endings: \\n, \\r\\n or \\r. Undecodable bytes become lone surrogates."""
    text = io.TextIOWrapper(stream, encoding=encoding, errors=_ERRORS, newline="")
    number = 0
    try:
        # A line without an end, as in a binary file, must not fill the memory.
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
        # The caller closes the stream.
        if not stream.closed:
            text.detach()


def find_bad_byte(line: str, encoding: str) -> str | None:
    """Return a message about the first byte of a line that did not decode; None if all did."""
    if line.isascii() or (bad := _BAD.search(line)) is None:
        return None
    at = len(line[: bad.start()].encode(encoding))
    return f"is not {encoding}: byte 0x{ord(bad.group()) - 0xDC00:02x} at place {at:,}"

"""Writes rejected rows as JSON Lines: their contents, their positions and the reasons."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import msgspec


class InvalidRow(Exception):
    """A row cannot be used. `harmless` means that it names no record that a prune could take as missing."""

    def __init__(self, reason: str, *, harmless: bool = False) -> None:
        super().__init__(reason)
        self.harmless = harmless


class RejectedRow(msgspec.Struct, frozen=True):
    """One rejected row: its file, its first line (from 1), the intended entity, the reason, and the row as read."""

    file: str
    line: int
    entity: str
    reason: str
    row: Any
    harmless: bool = False


class RejectFile:
    """Writes rejected rows to a file that only its owner can read; the file is created with the first one."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.count = 0
        self._file: BinaryIO | None = None
        self._encoder = msgspec.json.Encoder(enc_hook=str)

    def write(self, reject: RejectedRow) -> None:
        """Append one rejected row; without a path it is only counted."""
        self.count += 1
        if self.path is None:
            return
        if self._file is None:
            # Rows may be restricted, so only the owner can read the file.
            self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        fields = {name: getattr(reject, name) for name in ("file", "line", "entity", "reason", "row")}
        try:
            line = self._encoder.encode(_printable(fields))
        except RecursionError:
            line = self._encoder.encode(_printable(fields | {"row": "nested too deep to be shown"}))
        self._file.write(line + b"\n")

    def close(self) -> None:
        """Flush and close the file, if one was created."""
        if self._file is not None:
            self._file.close()
            self._file = None


def shorten(value: object, at_most: int = 60) -> str:
    """Return a value for a message: at most so many characters, with its length if it was longer."""
    try:
        text = str(value)
    except RecursionError:
        text = "a deeply nested value"
    shown = text if len(text) <= at_most else f"{text[:at_most]}… ({len(text):,} characters)"
    return repr(shown.encode("utf-8", "backslashreplace").decode())


def _printable(value: Any) -> Any:
    # Undecodable bytes are lone surrogates; JSON must be UTF-8, so they are escaped.
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_printable(str(key)): _printable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(item) for item in value]
    return value


RejectHandler = Callable[[int, str, Any], None]

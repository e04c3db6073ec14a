"""Logs as JSON on stderr, one line for each event; extra fields become fields of the line.

A line is safe to store: messages of foreign exceptions are omitted, because a database quotes rows in its messages,
and credentials are masked.
"""

import logging
import os
import re
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from datasources.config import ObservabilitySettings
from datasources.errors import SourceError

_STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
    "measured",
}

MASK = "***"
# A password in a URL, one in a libpq string, a bearer token, and an exception in asyncio's description of a task.
_SECRET_PATTERNS = (
    (re.compile(r"(://[^/\s:@\"\\]*:)[^/\s\"\\]+@"), rf"\1{MASK}@"),
    (re.compile(r"(?i)\b(password=)(?:'[^']*'|[^\s\"'&]+)"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]+"), rf"\1{MASK}"),
    (re.compile(r"(exception=\w+)\(.*\)(?=>)", re.DOTALL), rf"\1({MASK})"),
)
# Every pattern needs one of these texts to match; most lines contain none.
_SECRET_HINTS = ("://", "password=", "bearer", "exception=")


@dataclass(slots=True)
class Invocation:
    """The current invocation of a Lambda function: an execution environment handles one at a time."""

    id: str = ""
    number: int = 0
    trace: str = ""


_invocation = Invocation()


class JsonFormatter(logging.Formatter):
    """Formats time, level, logger, message, the extra fields, and the traceback as one text; on Lambda also the
    function and its invocation. `seen` contains the name of the function and whether metrics are written."""

    def __init__(self, seen: ObservabilitySettings | None = None) -> None:
        super().__init__()
        self._seen = seen or ObservabilitySettings()

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _STANDARD_ATTRIBUTES}
        if self._seen.function:
            line |= {
                "function": self._seen.function, "version": self._seen.version,
                "invocation": _invocation.id, "cold_start": _invocation.number <= 1,
            }  # fmt: skip
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = format_error(record.exc_info[1])
        measured = getattr(record, "measured", None)
        if self._seen.metrics and measured is not None:
            line |= measured.to_emf(self._seen.environment, record.created, self._seen.version)
        text = orjson.dumps(line, default=str).decode()
        # Most lines contain no secrets. Values are masked one by one, so that the line stays valid JSON.
        return text if not _may_hold_secrets(text) else orjson.dumps(_mask(line), default=_masked_text).decode()


def configure(level: str, seen: ObservabilitySettings | None = None) -> None:
    """Log to stderr from this level on; libraries from WARNING on. Lines with metrics are written at any level while
    metrics are on."""
    seen = seen or ObservabilitySettings()
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(seen))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("stackflow").setLevel(level)
    logging.getLogger("stackflow.metrics").setLevel(logging.INFO if seen.metrics else logging.CRITICAL)
    for name in ("stackflow.operations", "stackflow.events"):
        logging.getLogger(name).setLevel(logging.INFO if seen.metrics and level != "DEBUG" else logging.NOTSET)


def begin_invocation(context: Any) -> None:
    """Assign the following lines to this Lambda invocation. The first one in a process is a cold start."""
    _invocation.id = str(getattr(context, "aws_request_id", ""))
    _invocation.number += 1
    # Not a setting: the Lambda runtime sets it before each invocation, and the context does not contain it.
    _invocation.trace = os.environ.get("_X_AMZN_TRACE_ID", "")


def invocation_trace() -> str:
    """Return the X-Ray header of the current Lambda invocation, or an empty string."""
    return _invocation.trace


def format_error(error: BaseException) -> str:
    """Format the frames and types of an error and its causes. Only messages of SourceError are included."""
    parts: list[str] = []
    current: BaseException | None = error
    seen: list[BaseException] = []
    while current is not None and current not in seen:
        seen.append(current)
        frames = "".join(traceback.format_tb(current.__traceback__))
        message = f": {current}" if isinstance(current, SourceError) else ""
        parts.append(f"{frames}{type(current).__module__}.{type(current).__qualname__}{message}")
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\ncaused by\n".join(parts)


def _may_hold_secrets(text: str) -> bool:
    low = text.lower()
    return any(each in low for each in _SECRET_HINTS)


def _masked_text(value: object) -> str:
    return mask_secrets(str(value))


def _mask(value: Any) -> Any:
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, dict):
        return {name: _mask(each) for name, each in value.items()}
    return [_mask(each) for each in value] if isinstance(value, list | tuple) else value


def mask_secrets(text: str) -> str:
    """Return the text without passwords, bearer tokens and the messages of unretrieved task exceptions."""
    if not _may_hold_secrets(text):
        return text
    for pattern, cover in _SECRET_PATTERNS:
        text = pattern.sub(cover, text)
    return text

"""Logs as JSON, one line an event, on stderr; what an event says besides its message stands beside it.

A line is safe to keep: messages of other people's errors are left out, since a database quotes rows in its own, and
credentials are covered wherever they come from.
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
# A password in a URL, one in a libpq string, a bearer token, and an error's words within asyncio's account of a task.
_SECRET_PATTERNS = (
    (re.compile(r"(://[^/\s:@\"\\]*:)[^/\s\"\\]+@"), rf"\1{MASK}@"),
    (re.compile(r"(?i)\b(password=)(?:'[^']*'|[^\s\"'&]+)"), rf"\1{MASK}"),
    (re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]+"), rf"\1{MASK}"),
    (re.compile(r"(exception=\w+)\(.*\)(?=>)", re.DOTALL), rf"\1({MASK})"),
)
# What none of the patterns can match without; most lines have none of it.
_SECRET_HINTS = ("://", "password=", "bearer", "exception=")


@dataclass(slots=True)
class Invocation:
    """The call of a Lambda function that is under way: there is one at a time in an execution environment."""

    id: str = ""
    number: int = 0
    trace: str = ""


_invocation = Invocation()


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, the record's extras, on Lambda the function and its call, and the traceback as one
    text. `seen` says which function it is and whether metrics are written."""

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
        # Most lines have nothing to cover. Values are covered each by itself, so that the line stays JSON.
        return text if not _may_hold_secrets(text) else orjson.dumps(_mask(line), default=_masked_text).decode()


def configure(level: str, seen: ObservabilitySettings | None = None) -> None:
    """Send every log to stderr from this level on. Libraries speak from WARNING on. Lines with metrics come at any
    level while metrics are on."""
    seen = seen or ObservabilitySettings()
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter(seen))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("stackflow").setLevel(level)
    logging.getLogger("stackflow.metrics").setLevel(logging.INFO if seen.metrics else logging.CRITICAL)
    for measuring in ("stackflow.operations", "stackflow.events"):
        logging.getLogger(measuring).setLevel(logging.INFO if seen.metrics and level != "DEBUG" else logging.NOTSET)


def begin_invocation(context: Any) -> None:
    """Lines from now on are of this call of a Lambda function. The first of a process is a cold start."""
    _invocation.id = str(getattr(context, "aws_request_id", ""))
    _invocation.number += 1
    # No setting: Lambda's runtime sets it anew before each call, and its context does not have it.
    _invocation.trace = os.environ.get("_X_AMZN_TRACE_ID", "")


def invocation_trace() -> str:
    """X-Ray's header of the call of the function that is under way; empty elsewhere."""
    return _invocation.trace


def format_error(error: BaseException) -> str:
    """The frames and kinds of an error and of what caused it. The words are told of our own errors of sources only."""
    parts: list[str] = []
    at: BaseException | None = error
    met: list[BaseException] = []
    while at is not None and at not in met:
        met.append(at)
        frames = "".join(traceback.format_tb(at.__traceback__))
        words = f": {at}" if isinstance(at, SourceError) else ""
        parts.append(f"{frames}{type(at).__module__}.{type(at).__qualname__}{words}")
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
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
    """The text without passwords, bearer tokens and the words of errors that were never looked at."""
    if not _may_hold_secrets(text):
        return text
    for pattern, cover in _SECRET_PATTERNS:
        text = pattern.sub(cover, text)
    return text

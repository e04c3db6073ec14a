"""Parse CloudEvents from an HTTP request: structured, batch or binary mode, each event as bytes in structured form.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
"""

import asyncio
import re
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.requests import Request

from datasources.json_members import TooManyMembers
from resolvers.errors import BadUserInput, LimitExceeded
from resolvers.events.parser import JSON_ERRORS, MAX_EVENT_BYTES, MAX_EVENTS, InvalidEvent, split_batch
from resolvers.events.payload import is_json
from schema.http.request_body import UnsupportedMediaType, media_type, read_body

STRUCTURED_MEDIA_TYPE = "application/cloudevents+json"
BATCH_MEDIA_TYPE = "application/cloudevents-batch+json"
# The common prefix of the media types of all CloudEvents formats.
MEDIA_TYPE_PREFIX = "application/cloudevents"
# The prefix of attribute headers in binary mode; a required header indicates the mode.
ATTRIBUTE_HEADER_PREFIX = b"ce-"
REQUIRED_HEADERS = ("ce-specversion", "ce-id", "ce-source", "ce-type")
ATTRIBUTE_NAME = re.compile(r"[a-z0-9]+")

# The maximum size of a batch in bytes.
MAX_BODY_BYTES = 8 * 1_048_576


class TooManyEvents(LimitExceeded):
    """The batch has too many events for one request."""


async def read_events(http: Request) -> list[bytes]:
    """Return the events of a request in structured form.

    UnsupportedMediaType, BodyTooLarge, TooManyEvents or BadUserInput if it has none.
    """
    kind = media_type(http)
    if kind == BATCH_MEDIA_TYPE:
        # In a thread, because parsing a body of only brackets takes up to a second.
        return await asyncio.to_thread(_split_batch, await read_body(http, MAX_BODY_BYTES))
    if kind == STRUCTURED_MEDIA_TYPE:
        return [await read_body(http, MAX_EVENT_BYTES)]
    if kind.startswith(MEDIA_TYPE_PREFIX) or not any(name in http.headers for name in REQUIRED_HEADERS):
        raise UnsupportedMediaType(
            f"content-type is {kind or 'missing'!r}; send {STRUCTURED_MEDIA_TYPE} or {BATCH_MEDIA_TYPE}, or "
            f"{' and '.join(REQUIRED_HEADERS)} with "
            "the data as the body"
        )
    if kind and not is_json(kind):
        raise UnsupportedMediaType(f"content-type is {kind!r}; send application/json, or a type that ends in +json")
    return [_to_structured(_read_attributes(http), await read_body(http, MAX_EVENT_BYTES))]


def _split_batch(body: bytes) -> list[bytes]:
    try:
        return split_batch(body)
    except TooManyMembers as error:
        raise TooManyEvents(f"the batch has more than {MAX_EVENTS:,} events", allowed=MAX_EVENTS) from error
    except InvalidEvent as error:
        raise BadUserInput(error.reason) from error


def _read_attributes(http: Request) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for header, value in http.headers.raw:
        if not header.startswith(ATTRIBUTE_HEADER_PREFIX):
            continue
        shown = header.decode("latin-1")
        name = shown.removeprefix("ce-")
        if name in ("data", "datacontenttype") or not ATTRIBUTE_NAME.fullmatch(name):
            raise BadUserInput(
                f"{shown} is not an attribute; send the data as the body, and their type as content-type"
            )
        if name in attributes:
            raise BadUserInput(f"{shown} is present twice; send it once")
        attributes[name] = _decode_header(shown, value)
    return attributes


def _decode_header(header: str, value: bytes) -> str:
    """Decode a header once, as section 3.1.3.2 of the binding requires: first quotes, then percent encoding."""
    text = value.strip()
    if len(text) > 1 and text.startswith(b'"') and text.endswith(b'"'):
        text = re.sub(rb"\\(.)", rb"\1", text[1:-1])
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise BadUserInput(f"{header} is not UTF-8 once its percent signs are decoded") from error


def _to_structured(attributes: dict[str, str], body: bytes) -> bytes:
    event: dict[str, object] = dict(attributes)
    if body.strip():
        try:
            # Parsed as a whole, so that no part of it can close the envelope.
            msgspec.json.decode(body)
        except RecursionError as error:
            raise BadUserInput("the body is nested too deeply to be read; make it flatter") from error
        except JSON_ERRORS as error:
            raise BadUserInput(f"the body is not JSON: {error}") from error
        event["data"] = msgspec.Raw(body)
    return msgspec.json.encode(event)

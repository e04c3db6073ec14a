"""Read request bodies with limits of bytes and time: JSON in UTF-8, not compressed."""

import asyncio
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from datasources.values import read_json
from resolvers.errors import BadUserInput, LimitExceeded

JSON_MEDIA_TYPE = "application/json"
# JSON is UTF-8, which includes ASCII. https://www.rfc-editor.org/rfc/rfc8259#section-8.1
CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Seconds for a body to arrive.
BODY_TIMEOUT_SECONDS = 10.0
# Digits of a content-length that are parsed: a length of more digits is larger than any allowed body.
MAX_LENGTH_DIGITS = 10


class UnsupportedMediaType(BadUserInput):
    """The content type of the body is not JSON."""


class UnsupportedEncoding(UnsupportedMediaType):
    """The body is compressed. No endpoint accepts that, because a small body can expand to a very large one."""


class BodyTooLarge(LimitExceeded):
    """The body has too many bytes for a request."""


class BodyTimeout(LimitExceeded):
    """The body did not arrive in time."""


class ClientDisconnected(BadUserInput):
    """The client closed the connection before its body arrived, so the response is not read."""


async def read_body(http: HttpRequest, max_bytes: int, timeout_seconds: float = BODY_TIMEOUT_SECONDS) -> bytes:
    """Read the body, without a byte order mark.

    Raises UnsupportedEncoding; BodyTooLarge as soon as it has, or its content-length announces, more than `max_bytes`
    bytes; BodyTimeout after `timeout_seconds`; ClientDisconnected.
    """
    _check_content_encoding(http)
    _check_content_length(http, max_bytes)
    try:
        async with asyncio.timeout(timeout_seconds):
            return (await _read(http, max_bytes)).removeprefix(BYTE_ORDER_MARK)
    except TimeoutError:
        raise BodyTimeout(
            f"the body did not come within {timeout_seconds:g} seconds; send it faster", allowed=timeout_seconds
        ) from None
    except ClientDisconnect:
        raise ClientDisconnected("the client left before its body was here") from None


async def _read(http: HttpRequest, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in http.stream():
        size += len(piece)
        if size > max_bytes:
            raise BodyTooLarge(f"the body is over {max_bytes} bytes", allowed=max_bytes)
        pieces.append(piece)
    return b"".join(pieces)


def _check_content_encoding(http: HttpRequest) -> None:
    coding = http.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        raise UnsupportedEncoding(f"content-encoding is {coding[:60]!r}; send the body as it is, not compressed")


def _check_content_length(http: HttpRequest, max_bytes: int) -> None:
    digits = http.headers.get("content-length", "").strip().lstrip("0")
    # A number of more digits is larger in any case, and parsing it can take long.
    if digits.isdecimal() and (len(digits) > MAX_LENGTH_DIGITS or int(digits) > max_bytes):
        raise BodyTooLarge(f"the body is over {max_bytes} bytes", allowed=max_bytes)


def media_type(http: HttpRequest) -> str:
    """Return the media type of the body in lower case, without parameters; empty if there is none.

    UnsupportedMediaType for a charset other than UTF-8.
    """
    kind, *parameters = http.headers.get("content-type", "").split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        charset = value.strip().strip("\"'").lower()
        if name.strip().lower() == "charset" and charset not in CHARSETS:
            raise UnsupportedMediaType(f"the charset of content-type is {charset[:60]!r}; send utf-8")
    return kind.strip().lower()


def parse_json(data: bytes, what: str) -> Any:
    """Parse the JSON of a body or parameter. BadUserInput names it."""
    try:
        return read_json(data)
    except ValueError:
        raise BadUserInput(f"{what} is not JSON", argument=what) from None

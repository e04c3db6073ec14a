"""Bodies of requests: read within a bound of bytes and of time, not compressed, JSON in UTF-8."""

import asyncio
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest

from datasources.values import read_json
from resolvers.errors import BadUserInput, LimitExceeded

JSON_MEDIA_TYPE = "application/json"
# JSON is UTF-8, of which ASCII is a part. https://www.rfc-editor.org/rfc/rfc8259#section-8.1
CHARSETS = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Seconds for a body to come.
BODY_TIMEOUT_SECONDS = 10.0
# Digits of a content-length that are worth reading: a body of ten of them is larger than any that is allowed.
MAX_LENGTH_DIGITS = 10


class UnsupportedMediaType(BadUserInput):
    """The body is not JSON by its own word."""


class UnsupportedEncoding(UnsupportedMediaType):
    """The body is compressed; no door takes that, as a small one may hold a very large one."""


class BodyTooLarge(LimitExceeded):
    """The body has more bytes than a request may have."""


class BodyTimeout(LimitExceeded):
    """The body did not come in the time that it may take."""


class ClientDisconnected(BadUserInput):
    """The client closed the connection before its body was here; nobody reads the answer."""


async def read_body(http: HttpRequest, max_bytes: int, timeout_seconds: float = BODY_TIMEOUT_SECONDS) -> bytes:
    """The body, without a byte order mark.

    UnsupportedEncoding; BodyTooLarge as soon as it has, or says that it will have, more bytes than `most`; BodyTooSlow
    after `seconds`; ClientLeft.
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


async def _read(http: HttpRequest, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in http.stream():
        size += len(piece)
        if size > most:
            raise BodyTooLarge(f"the body is over {most} bytes", allowed=most)
        pieces.append(piece)
    return b"".join(pieces)


def _check_content_encoding(http: HttpRequest) -> None:
    coding = http.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        raise UnsupportedEncoding(f"content-encoding is {coding[:60]!r}; send the body as it is, not compressed")


def _check_content_length(http: HttpRequest, most: int) -> None:
    digits = http.headers.get("content-length", "").strip().lstrip("0")
    # A number of more digits is larger in any case, and reading it may take long.
    if digits.isdecimal() and (len(digits) > MAX_LENGTH_DIGITS or int(digits) > most):
        raise BodyTooLarge(f"the body is over {most} bytes", allowed=most)


def media_type(http: HttpRequest) -> str:
    """The type of the body in small letters, without parameters; empty if it is not said. UnsupportedMedia for a
    charset that is not UTF-8."""
    kind, *parameters = http.headers.get("content-type", "").split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        charset = value.strip().strip("\"'").lower()
        if name.strip().lower() == "charset" and charset not in CHARSETS:
            raise UnsupportedMediaType(f"the charset of content-type is {charset[:60]!r}; send utf-8")
    return kind.strip().lower()


def parse_json(data: bytes, what: str) -> Any:
    """The JSON of a body or of a parameter. BadUserInput names it."""
    try:
        return read_json(data)
    except ValueError:
        raise BadUserInput(f"{what} is not JSON", argument=what) from None

"""Parse events: CloudEvents 1.0 in structured JSON, alone or in a batch; each is rejected with its own reason."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from datasources.json_members import TooManyMembers, split_array, split_object
from datasources.messages import truncate_message
from datasources.values import find_violation
from resolvers.events.event import Event
from resolvers.events.payload import payload_of
from resolvers.events.registry import EVENT_TYPES

# In bytes, for an event and for its message with all metadata: the maximum size of an SQS message in every region.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_EVENT_BYTES = 262_144

# Maximum number of events in a batch, and of members in an object that is parsed member by member.
MAX_EVENTS = 5_000
MAX_MEMBERS = 1_000

# In characters, for the id and the source of an event.
MAX_NAME_CHARACTERS = 300

# How far the clock of a source may be ahead of ours. An event further in the future would block all later ones.
MAX_CLOCK_SKEW = timedelta(minutes=5)

# Earlier times are rejected, since some of them cannot be stored in PostgreSQL.
MIN_EVENT_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Envelope(Struct, frozen=True):
    """The CloudEvents attributes that are used here; others are allowed and ignored.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    """

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    source: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    type: str
    # Optional in CloudEvents, required here: it decides which of two events is newer.
    time: Annotated[datetime, Meta(tz=True)]
    # Exactly one of the two is set; the second holds the same JSON in Base64.
    data: msgspec.Raw | UnsetType = UNSET
    data_base64: str | None = None
    datacontenttype: str | None = None
    # Our extension; the HTTP endpoint overwrites any value that the client sends.
    stackflowsender: str = ""


class InvalidEvent(Exception):
    """An event that can never be applied. The reason, id and source are truncated."""

    def __init__(self, reason: str, id: str = "", source: str = "") -> None:
        super().__init__(reason)
        self.reason = truncate_message(reason)
        self.id = truncate_message(id, MAX_NAME_CHARACTERS)
        self.source = truncate_message(source, MAX_NAME_CHARACTERS)


# The library has no common base class for invalid JSON, invalid UTF-8 and too deep nesting.
JSON_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# Valid in RFC 3339, but neither in Python nor in PostgreSQL.
_LEAP_SECOND = re.compile(rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt_ ][0-9]{2}:[0-9]{2}:60')

# A surrogate without its other half, which the decoder reports only as malformed or truncated text.
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")

TOO_DEEP = "it is nested too deeply; use fewer levels"

_ENVELOPE = msgspec.json.Decoder(Envelope)
_DATA = {name: msgspec.json.Decoder(data) for name, data in EVENT_TYPES.items()}
_CONTENT = msgspec.json.Encoder(order="deterministic")


def parse_event(body: bytes, now: datetime) -> Event:
    """Parse an event. Raises InvalidEvent with the reason."""
    if len(body) > MAX_EVENT_BYTES:
        raise InvalidEvent(f"the event has {len(body)} bytes; {MAX_EVENT_BYTES} are allowed")
    if not _is_text(body):
        raise InvalidEvent("not JSON: it is not UTF-8, or contains a NUL character", *_names(body))
    try:
        envelope = _ENVELOPE.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidEvent(
            f"not a CloudEvent of version 1.0: {explain_json_error(error, body)}", *_names(body)
        ) from error
    except RecursionError as error:
        raise InvalidEvent(TOO_DEEP, *_names(body)) from error
    except JSON_ERRORS as error:
        raise InvalidEvent(f"not JSON: {explain_json_error(error, body)}", *_names(body)) from error
    names = (envelope.id, envelope.source)
    if violation := find_violation(envelope):
        raise InvalidEvent(f"its {violation}", *map(replace_nul, names))
    decoder = _DATA.get(envelope.type)
    if decoder is None:
        raise InvalidEvent(f"the type {envelope.type!r} is not known; known are {', '.join(sorted(_DATA))}", *names)
    try:
        payload = payload_of(envelope.data, envelope.data_base64, envelope.datacontenttype)
    except ValueError as error:
        raise InvalidEvent(str(error), *names) from error
    if envelope.time > now + MAX_CLOCK_SKEW:
        raise InvalidEvent(
            f"its time {envelope.time.isoformat()} is too far in the future; correct the clock of the source", *names
        )
    if envelope.time < MIN_EVENT_TIME:
        raise InvalidEvent(
            f"its time {envelope.time.isoformat()} is before 1970; correct the clock of the source", *names
        )
    try:
        data = decoder.decode(payload)
        identity = (envelope.type, envelope.time.astimezone(UTC), msgspec.json.decode(payload))
        content = hashlib.sha256(_CONTENT.encode(identity)).digest()
    except JSON_ERRORS as error:
        raise InvalidEvent(
            f"the data are not those of {envelope.type}: {explain_json_error(error, payload)}", *names
        ) from error
    if violation := find_violation(data):
        raise InvalidEvent(f"the data can't be stored: {violation}", *names)
    return Event(envelope.id, envelope.source, envelope.type, envelope.time, data, content, envelope.stackflowsender)


def explain_json_error(error: Exception, body: bytes) -> str:
    """Return the error of an event or alert with remedies for leap seconds and unpaired surrogates."""
    if "RFC3339" in str(error) and _LEAP_SECOND.search(body):
        return f"{error}; a leap second (:60) can't be stored: send the next second"
    if not isinstance(error, msgspec.ValidationError) and _HALF.search(body):
        return f"{error}; look for an unpaired surrogate such as \\ud800, which is no character: remove it"
    return str(error)


def split_batch(body: bytes) -> list[bytes]:
    """Split a batch into the bytes of its events, which are not validated.

    Raises TooManyMembers above MAX_EVENTS, and InvalidEvent if the body is not a JSON array or an empty one.
    """
    try:
        pieces = split_array(body, MAX_EVENTS)
    except TooManyMembers:
        raise
    except ValueError as error:
        raise InvalidEvent(f"not a JSON array of events: {error}") from error
    if not pieces:
        raise InvalidEvent("the batch is empty")
    return pieces


def _is_text(body: bytes) -> bool:
    # The decoder does not check the characters of members that it skips, but the queue stores them.
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in body


def _names(body: bytes) -> tuple[str, str]:
    """Return the `id` and `source` of an invalid event as far as they can be read."""
    try:
        members = split_object(body, MAX_MEMBERS)
    except ValueError:
        return "", ""
    return _name(members.get("id")), _name(members.get("source"))


def _name(member: bytes | None) -> str:
    try:
        return "" if member is None else replace_nul(msgspec.json.decode(member, type=str))
    except JSON_ERRORS:
        return ""


def replace_nul(name: str) -> str:
    """Replace NUL, which logs and tables cannot store."""
    return name.replace("\0", "\N{REPLACEMENT CHARACTER}")

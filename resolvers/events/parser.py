"""From bytes to an event: CloudEvents 1.0 in structured JSON, alone or as a batch, each refused with its reason."""

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

# Bytes of one event, and of one with all that the queue keeps of it: what a message of SQS may have everywhere.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_EVENT_BYTES = 262_144

# Events of a batch, and members of an object that is read member by member.
MAX_EVENTS = 5_000
MAX_MEMBERS = 1_000

# Characters of an event's id, and of its source.
MAX_NAME_CHARACTERS = 300

# How far the clock of a source may be ahead of ours. A time further ahead would hold back everything after it.
MAX_CLOCK_SKEW = timedelta(minutes=5)

# Before it there were no events, and some times have no place in a database.
MIN_EVENT_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Envelope(Struct, frozen=True):
    """The attributes of a CloudEvent that matter here; others are allowed.

    https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
    """

    specversion: Literal["1.0"]
    id: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    source: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]
    type: str
    # Not compulsory in CloudEvents, but here: it decides which of two events is the newer one.
    time: Annotated[datetime, Meta(tz=True)]
    # One of the two; the second holds the bytes of the same JSON.
    data: msgspec.Raw | UnsetType = UNSET
    data_base64: str | None = None
    datacontenttype: str | None = None
    # An extension of ours, written by the door of HTTP over whatever was sent.
    stackflowsender: str = ""


class InvalidEvent(Exception):
    """An event that can never have an effect; the reason, and what it calls itself, are bounded."""

    def __init__(self, reason: str, id: str = "", source: str = "") -> None:
        super().__init__(reason)
        self.reason = truncate_message(reason)
        self.id = truncate_message(id, MAX_NAME_CHARACTERS)
        self.source = truncate_message(source, MAX_NAME_CHARACTERS)


# Text that is not UTF-8, and arrays within arrays without end, are told apart from other errors by the library alone.
JSON_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

# RFC 3339 has such a time, and no date of Python or PostgreSQL does.
_LEAP_SECOND = re.compile(rb'"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt_ ][0-9]{2}:[0-9]{2}:60')

# An escape that is one half of a pair. The decoder calls one without its other half malformed, or the text truncated.
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")

TOO_DEEP = "it is nested too deeply to be read; make it flatter"

_ENVELOPE = msgspec.json.Decoder(Envelope)
_DATA = {name: msgspec.json.Decoder(data) for name, data in EVENT_TYPES.items()}
_CONTENT = msgspec.json.Encoder(order="deterministic")


def parse_event(body: bytes, now: datetime) -> Event:
    """The event in these bytes. Unusable with its reason."""
    if len(body) > MAX_EVENT_BYTES:
        raise InvalidEvent(f"the event has {len(body)} bytes; {MAX_EVENT_BYTES} are allowed")
    if not _is_text(body):
        raise InvalidEvent("not JSON: it is not UTF-8, or has a NUL character", *_names(body))
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
            f"its time {envelope.time.isoformat()} is too far in the future; mend the clock of the source", *names
        )
    if envelope.time < MIN_EVENT_TIME:
        raise InvalidEvent(f"its time {envelope.time.isoformat()} is before 1970; mend the clock of the source", *names)
    try:
        data = decoder.decode(payload)
        said = (envelope.type, envelope.time.astimezone(UTC), msgspec.json.decode(payload))
        content = hashlib.sha256(_CONTENT.encode(said)).digest()
    except JSON_ERRORS as error:
        raise InvalidEvent(
            f"the data are not those of {envelope.type}: {explain_json_error(error, payload)}", *names
        ) from error
    if violation := find_violation(data):
        raise InvalidEvent(f"the data can't be stored: {violation}", *names)
    return Event(envelope.id, envelope.source, envelope.type, envelope.time, data, content, envelope.stackflowsender)


def explain_json_error(error: Exception, body: bytes) -> str:
    """What is wrong with the JSON of an event or of an alert, and what to do about leap seconds and halves of pairs."""
    if "RFC3339" in str(error) and _LEAP_SECOND.search(body):
        return f"{error}; a leap second (:60) can't be stored: send the second after it"
    if not isinstance(error, msgspec.ValidationError) and _HALF.search(body):
        return f"{error}; look for half of a surrogate pair such as \\ud800, which is no character: remove it"
    return str(error)


def split_batch(body: bytes) -> list[bytes]:
    """The events of a batch, each as its own bytes, which may be anything.

    TooManyMembers above MAX_EVENTS; Unusable if it is no JSON array or an empty one.
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
    # The decoder skips members that it does not know without a look at their characters, and the queue stores them.
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in body


def _names(body: bytes) -> tuple[str, str]:
    """What an event that can't be read calls itself, by `id` and `source`, as far as these can be read."""
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
    """The name of something unusable as a log or a table can hold it."""
    return name.replace("\0", "\N{REPLACEMENT CHARACTER}")

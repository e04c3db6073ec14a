"""The page on events states the value limits of the code, and the extension attribute that the service reads."""

import re
from pathlib import Path

from datasources import values
from resolvers.events.parser import MAX_EVENT_BYTES, MAX_EVENTS, MIN_EVENT_TIME, Envelope
from schema.http.cloudevents import BATCH_MEDIA_TYPE, MAX_BODY_BYTES, STRUCTURED_MEDIA_TYPE

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()


def bounds() -> dict[str, str]:
    table = PAGE.partition("\n## Value limits\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (.+?) \| (.+?) \|$", table, re.MULTILINE)
    return {name: bound for name, bound in found if name != "value" and not name.startswith("-")}


def test_the_bounds_are_those_of_the_gate() -> None:
    hours = int(values.MAX_OFFSET.total_seconds() // 3_600)
    assert bounds() == {
        "levels of lists and objects in a document, such as `attributes`": f"{values.MAX_NESTING}",
        "values in a document, including its lists and objects": f"{values.MAX_VALUES:,}",
        "bytes of a document as JSON": f"{values.MAX_DOCUMENT_BYTES:,}",
        "an integer in a document": f"{values.MIN_INTEGER:,} to {values.MAX_INTEGER:,}",
        "any other number": "finite",
        "bytes of a string": f"{values.MAX_TEXT_BYTES:,}",
        "total bytes of the strings in one index entry, such as an identification key and its source": (
            f"{values.MAX_KEY_BYTES:,}"
        ),
        "characters": "no NUL, no lone surrogate",
        "a time": (
            f"with a time zone, a UTC offset below {hours} hours, in the years 1 to 9999 in UTC; "
            f"for an event, from {MIN_EVENT_TIME.year} on"
        ),
        "bytes of an event with its sender, source and request ID, as stored in the queue": f"{MAX_EVENT_BYTES:,}",
    }


def test_the_modes_are_those_of_the_code() -> None:
    shown = re.findall(r"^\| (structured|batch) \| `(.+?)` \|.*\| (.+?) \|$", PAGE, re.MULTILINE)
    assert shown == [
        ("structured", STRUCTURED_MEDIA_TYPE, f"256 KB ({MAX_EVENT_BYTES:,} bytes)"),
        ("batch", BATCH_MEDIA_TYPE, f"{MAX_EVENTS:,} events, {MAX_BODY_BYTES // 1_048_576} MiB, 256 KB each"),
    ]


def test_the_extension_that_is_looked_at_is_named() -> None:
    known = {"specversion", "id", "source", "type", "time", "data", "data_base64", "datacontenttype"}
    (extension,) = set(Envelope.__struct_fields__) - known
    assert f"The service reads one extension attribute, `{extension}`" in PAGE

"""The data of a CloudEvent as JSON, from the member `data` or `data_base64`.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#31-handling-of-data
"""

import base64
import binascii

import msgspec
from msgspec import UNSET, UnsetType

JSON = "application/json"


def payload_of(data: msgspec.Raw | UnsetType, data_base64: str | None, datacontenttype: str | None) -> bytes:
    """Return the JSON document of the event. Raises ValueError with a reason that names the invalid attribute."""
    if not is_json(datacontenttype or JSON):
        raise ValueError(f"datacontenttype is {datacontenttype!r}; send {JSON}, or a type that ends in +json")
    if data_base64 is None:
        if data is UNSET:
            raise ValueError("not a CloudEvent of version 1.0: Object missing required field `data`")
        return bytes(data)
    if data is not UNSET:
        raise ValueError("it has both data and data_base64; send one of them")
    try:
        return base64.b64decode(data_base64, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("data_base64 is not Base64 (RFC 4648, section 4)") from error


def is_json(media_type: str) -> bool:
    """Whether a content type is JSON: its subtype is `json` or ends in `+json`; parameters are ignored."""
    subtype = media_type.partition(";")[0].strip().lower().partition("/")[2]
    return subtype == "json" or subtype.endswith("+json")

"""Global ids: a short prefix for the type, an underscore, and the uuid of the row. Opaque to clients."""

from datasources.values import UUID
from resolvers.errors import BadUserInput


def encode_id(prefix: str, uuid: str) -> str:
    """Return the global id of a row."""
    return f"{prefix}_{uuid}"


def decode_id(text: str, argument: str = "id") -> tuple[str, str]:
    """Return the prefix and the uuid of a global id. BadUserInput, with the argument, if it is malformed."""
    prefix, _, uuid = text.partition("_")
    if not prefix.isalpha() or not UUID.fullmatch(uuid):
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise BadUserInput(f"{argument} {shown!r} is not an id; pass an id as this API returned it", argument=argument)
    return prefix, uuid


def decode_id_as(prefix: str, text: str, argument: str = "id") -> str | None:
    """Return the uuid of an id of one type; None for a well-formed id of another type, which matches no row."""
    actual, uuid = decode_id(text, argument)
    return uuid if actual == prefix else None

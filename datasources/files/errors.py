"""Errors in a mapping or a file as a whole."""

from datasources.messages import truncate_message

MAX_CHARACTERS = 2_000


class MappingError(Exception):
    """A mapping cannot be used, and nothing was written. The message names the file, the key and the remedy, in at most
    MAX_CHARACTERS."""

    def __init__(self, message: str) -> None:
        super().__init__(truncate_message(message, MAX_CHARACTERS))

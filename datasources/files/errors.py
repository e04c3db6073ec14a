"""What is wrong with a mapping or a file as a whole."""

from datasources.messages import truncate_message

MAX_CHARACTERS = 2_000


class MappingError(Exception):
    """A mapping cannot be used. The message names the file and the key, and says what to do, in MAX_CHARACTERS; nothing
    was written."""

    def __init__(self, message: str) -> None:
        super().__init__(truncate_message(message, MAX_CHARACTERS))

"""What is wrong with a mapping or a file as a whole."""


class MappingError(Exception):
    """A mapping cannot be used. The message names the file and the key, and says what to do; nothing was written."""

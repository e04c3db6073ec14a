"""The error of a file that is no document."""


class DocumentFileError(Exception):
    """A file cannot be imported. The message says why and how to fix it, without text of the file."""

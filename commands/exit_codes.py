"""Exit codes of the command line, and the conversion of errors to one line and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from datasources.embedded.process import EmbeddedError
from datasources.errors import SourceError, SourceUnavailable
from settings import SettingsError


class Exit(IntEnum):
    """The exit codes for scripts."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    EMBEDDED = 4
    BUSY = 5
    DIFFERS = 6
    UNKNOWN = 7


EXIT_CODES_HELP = (
    "Exit codes: 0 done. 1 failed. 2 wrong arguments or settings. 3 a store cannot be reached. "
    "4 an embedded store cannot run (disk, folder in use, missing library). 5 the port is in use. "
    "6 the graph differs from the tables. 7 nothing answers the question."
)


class CommandError(Exception):
    """A command failed. The message is one line with the problem and the remedy."""

    def __init__(self, message: str, exit_code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@contextmanager
def report_errors() -> Iterator[None]:
    """Convert errors that a user can fix to one line on stderr and an exit code.

    Other exceptions are bugs and keep their traceback.
    """
    try:
        yield
    except CommandError as error:
        _exit(str(error), error.exit_code)
    except SettingsError as error:
        _exit(str(error), Exit.USAGE)
    except EmbeddedError as error:
        _exit(str(error), Exit.EMBEDDED)
    except SourceUnavailable as error:
        _exit(f"{error}; {remedy(error.source)}", Exit.UNREACHABLE)
    except SourceError as error:
        _exit(str(error), Exit.FAILED)


URL_VARIABLES = {
    "main": "DATABASE_URL", "requirements": "REQUIREMENTS_URL", "cache": "REDIS_URL", "graph": "GRAPH_URL",
    "bucket": "GRAPH_LOADER_BUCKET",
}  # fmt: skip


def remedy(source: str) -> str:
    """Return the remedy for a store that does not respond."""
    return f"check {URL_VARIABLES.get(source, 'the settings')} and that the server runs"


def _exit(message: str, code: Exit) -> None:
    sys.stderr.write(f"stackflow: {' '.join(message.split())}\n")
    raise SystemExit(int(code))

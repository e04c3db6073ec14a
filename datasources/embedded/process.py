"""Child processes of embedded stores: free ports, who they run as, and how they end."""

import os
import secrets
import socket
from pathlib import Path

# PostgreSQL refuses to run as root; 65534 is 'nobody' on every Linux and macOS.
NOBODY = 65534


class EmbeddedError(Exception):
    """An embedded store cannot run. The message is one line that says what and what to do."""


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def kept_secret(path: Path) -> str:
    """The secret in a file that only we can read; made on first use."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(24))
    return path.read_text()

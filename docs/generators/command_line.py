"""The reference of the command line, as typer writes it."""

import subprocess
import sys


def sources() -> dict[str, bytes]:
    """Return the page. CalledProcessError if typer fails; it says why on stderr."""
    command = [sys.executable, "-m", "typer", "--app", "application", "commands.main"]
    done = subprocess.run([*command, "utils", "docs", "--name", "stackflow"], check=True, stdout=subprocess.PIPE)  # noqa: S603
    text = done.stdout.decode().replace("# `stackflow`", "# Command line", 1)
    return {"reference/command-line.md": text.encode()}

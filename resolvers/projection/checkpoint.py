"""Checkpoint of a rebuild: stored in a small file after each page, so that an interrupted rebuild can resume."""

import os
from pathlib import Path

import msgspec

from resolvers.projection.reports import RebuildPhase


class CheckpointError(Exception):
    """A rebuild cannot resume. The message is one line with the remedy."""


class Checkpoint(msgspec.Struct, kw_only=True):
    """The current phase, the last id that the graph has acknowledged in it, and the numbers of sent nodes and edges.

    `store` is the host of the graph; the file contains no secret. `folder` is the bulk load's folder for files, `part`
    the number of uploaded files of this phase, and `load` the id of the load.
    """

    store: str
    step: RebuildPhase
    last: str | None = None
    nodes: int = 0
    edges: int = 0
    folder: str | None = None
    part: int = 0
    load: str | None = None


class CheckpointFile:
    """The checkpoint file of a rebuild. Without a path nothing is stored."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self, store: str, *, bulk: bool) -> Checkpoint:
        """Return the checkpoint of the interrupted rebuild. Raises CheckpointError if there is none for this graph."""
        nothing = CheckpointError("there is no interrupted rebuild; run it without --resume")
        if self._path is None:
            raise nothing
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            raise nothing from None
        except OSError as error:
            raise CheckpointError(f"{self._path} cannot be read ({error.strerror}); run without --resume") from error
        try:
            place = msgspec.json.decode(text, type=Checkpoint)
        except msgspec.DecodeError as error:
            raise CheckpointError(f"{self._path} is damaged; run without --resume") from error
        if place.store != store:
            raise CheckpointError(
                f"the interrupted rebuild was of the graph at {place.store}, not {store}; run without --resume"
            )
        if bulk != (place.folder is not None):
            how = "with" if place.folder else "without"
            raise CheckpointError(f"the interrupted rebuild ran {how} the bulk loader; run without --resume")
        return place

    def write(self, place: Checkpoint) -> None:
        """Store the checkpoint atomically. Raises CheckpointError if the folder is not writable."""
        if self._path is None:
            return
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(msgspec.json.encode(place))
            os.replace(new, self._path)
        except OSError as error:
            raise CheckpointError(
                f"{self._path} cannot be written ({error.strerror}); set STACKFLOW_STATE to another folder"
            ) from error

    def remove(self) -> None:
        """Delete the checkpoint of a completed rebuild."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

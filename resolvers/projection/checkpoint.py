"""Where a rebuild is: kept in a small file after each page, so that one that broke off can go on."""

import os
from pathlib import Path

import msgspec

from resolvers.projection.reports import RebuildPhase


class CheckpointError(Exception):
    """A rebuild cannot go on from where the last one was. The message is one line with the remedy."""


class Checkpoint(msgspec.Struct, kw_only=True):
    """The pass under way, the last id of it that the graph has acknowledged, and how many nodes and edges it has.

    `store` is the host of the graph: nothing secret stands here. `folder` is where a bulk load puts its files, `part`
    how many files of this pass stand there, and `load` the loader's id of it.
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
    """The file of a rebuild's place. Without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def read(self, store: str, *, bulk: bool) -> Checkpoint:
        """The place of the rebuild that broke off. PlaceError if there is none, or it is not this one's."""
        nothing = CheckpointError("no rebuild broke off here; run it without --resume")
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
                f"the rebuild that broke off was of the graph at {place.store}, not {store}; run without --resume"
            )
        if bulk != (place.folder is not None):
            how = "with" if place.folder else "without"
            raise CheckpointError(f"the rebuild that broke off was one {how} the bulk loader; run without --resume")
        return place

    def write(self, place: Checkpoint) -> None:
        """Keep the place: whole or not at all, whenever the process ends. PlaceError if the folder can't be written."""
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
        """The rebuild is done: there is nothing to go on with."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

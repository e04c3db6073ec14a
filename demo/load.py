"""The demo landscape, loaded by the import itself into an empty system."""

from importlib import resources
from pathlib import Path

from datasources.aurora.driver.database import Database
from datasources.aurora.imports.waiting_rows import is_empty
from resolvers.imports.report import ImportReport
from resolvers.imports.run import AfterWrite, run_import


def demo_folder() -> Path:
    """Where the mapping of the demo and its files stand."""
    return Path(str(resources.files("demo")))


async def load_if_empty(
    main: Database, requirements: Database, *, after_write: AfterWrite | None = None
) -> ImportReport | None:
    """Load the demo when there is no configuration item at all; None when there is one.

    ImportStopped when another process loads at the same moment.
    """
    if not await is_empty(main):
        return None
    return await run_import(demo_folder() / "mapping.yaml", demo_folder(), main, requirements, after_write=after_write)

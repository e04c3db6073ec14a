"""Load the demo landscape with the import into an empty system."""

from importlib import resources
from pathlib import Path

from datasources.aurora.driver.database import Database
from datasources.aurora.imports.waiting_rows import is_empty
from resolvers.imports.report import ImportReport
from resolvers.imports.run import AfterWrite, run_import


def demo_folder() -> Path:
    """Return the folder with the mapping and the files of the demo."""
    return Path(str(resources.files("demo")))


async def load_if_empty(
    main: Database, requirements: Database, *, after_write: AfterWrite | None = None
) -> ImportReport | None:
    """Load the demo if there is no configuration item. Return None if there is one.

    ImportStopped if another process imports at the same time.
    """
    if not await is_empty(main):
        return None
    return await run_import(demo_folder() / "mapping.yaml", demo_folder(), main, requirements, after_write=after_write)

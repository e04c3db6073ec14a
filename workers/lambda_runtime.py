"""Lambda bootstrap: settings, logs, spans, and everything that the first call should not wait for."""

import gc
from collections.abc import Callable

import settings
from datasources.observability.logs import configure
from datasources.observability.tracing import configure_lambda_tracing
from workers import lazy_imports, snapstart


def load_settings() -> settings.Settings:
    """Load the settings and, on Lambda, configure logs and spans. SettingsError as for `settings.load_settings`."""
    loaded = settings.load_settings()
    if loaded.seen.function:
        # The handler of the runtime would write each line in another format.
        configure(loaded.log_level, loaded.seen)
        configure_lambda_tracing(loaded.seen)
    return loaded


def bootstrap(module: str, make: Callable[[], object] | None = None) -> None:
    """Prepare a handler before its first call. The module of the handler calls this as its last line.

    If this process runs the handler of `module`, create its application with `make`; an exception fails the start. If
    the module is only imported, do nothing. For a snapshot, also import the lazy modules; measured, test calls before
    the snapshot made the first response no faster.
    """
    start = settings.load_start_settings()
    if start.module != module:
        return
    if make is not None:
        make()
    if start.snapshot:
        lazy_imports.import_all()
        snapstart.register_restore_hook()
    # All current objects live as long as the process, so exclude them from garbage collection.
    gc.freeze()

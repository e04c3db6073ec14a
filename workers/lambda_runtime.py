"""What every Lambda entry does once: settings, logs, spans, and what no call shall wait for."""

import gc
from collections.abc import Callable

import settings
from datasources.observability.logs import configure
from datasources.observability.tracing import configure_lambda_tracing
from workers import lazy_imports as late
from workers import snapstart as restored


def load_settings() -> settings.Settings:
    """Load the settings and, on Lambda, set up logs and spans. SettingsError as of `settings.load_settings`."""
    whole = settings.load_settings()
    if whole.seen.function:
        # The runtime's own handler would write each line in a format of its own.
        configure(whole.log_level, whole.seen)
        configure_lambda_tracing(whole.seen)
    return whole


def bootstrap(module: str, make: Callable[[], object] | None = None) -> None:
    """To be called by the module of a handler as its last line, while AWS waits for the import and counts no call.

    Makes what the entry answers by, if this process runs the handler of that module; whoever only imports the module
    makes nothing. What `make` raises fails the start with its own words. A snapshot is to hold the late imports too:
    to try calls as well before it saved the first answer nothing that could be measured.
    """
    start = settings.load_start_settings()
    if start.module != module:
        return
    if make is not None:
        make()
    if start.snapshot:
        late.import_all()
        restored.register_restore_hook()
    # All that is there by now lives for ever, so calls need not have it looked through.
    gc.freeze()

"""What every Lambda entry does once: settings, logs, spans, and what no call shall wait for."""

import gc
from collections.abc import Callable

import settings
from datasources.observability.logs import configure
from datasources.observability.tracing import trace_function
from workers import lazy_imports as late
from workers import snapstart as restored


def entered() -> settings.Settings:
    """The settings, by which logs and spans are set up if this is Lambda. SettingsError as of `settings.read`."""
    whole = settings.read()
    if whole.seen.function:
        # The runtime's own handler would write each line in a format of its own.
        configure(whole.log_level, whole.seen)
        trace_function(whole.seen)
    return whole


def begin(module: str, make: Callable[[], object] | None = None) -> None:
    """To be called by the module of a handler as its last line, while AWS waits for the import and counts no call.

    Makes what the entry answers by, if this process runs the handler of that module; whoever only imports the module
    makes nothing. What `make` raises fails the start with its own words. A snapshot is to hold the late imports too:
    to try calls as well before it saved the first answer nothing that could be measured.
    """
    start = settings.started()
    if start.module != module:
        return
    if make is not None:
        make()
    if start.snapshot:
        late.imported()
        restored.registered()
    # All that is there by now lives for ever, so calls need not have it looked through.
    gc.freeze()

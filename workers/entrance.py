"""What every Lambda entry does once in its execution environment: read the settings and set up the logs and spans."""

import settings
from datasources.seen.exported import trace_function
from datasources.seen.logs import configure


def entered() -> settings.Settings:
    """The settings, by which logs and spans are set up if this is Lambda. SettingsError as of `settings.read`."""
    whole = settings.read()
    if whole.seen.function:
        # The runtime's own handler would write each line in a format of its own.
        configure(whole.log_level, whole.seen)
        trace_function(whole.seen)
    return whole

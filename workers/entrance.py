"""What every Lambda entry does once in its execution environment: read the settings and set up the logs."""

import settings
from datasources.seen.logs import configure


def entered() -> settings.Settings:
    """The settings, by which the logs are set up from now on if this is Lambda. SettingsError as of `settings.read`."""
    whole = settings.read()
    if whole.seen.function:
        # The runtime's own handler would write each line in a format of its own.
        configure(whole.log_level, whole.seen)
    return whole

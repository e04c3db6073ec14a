"""Settings: what the environment's variables say, as frozen values. Nothing else reads a variable."""

from settings.reading import read, started
from settings.shapes import AccessSettings, LimitSettings, ServerSettings, Settings, StartSettings
from settings.variables import SettingsError

__all__ = [
    "AccessSettings",
    "LimitSettings",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "StartSettings",
    "read",
    "started",
]

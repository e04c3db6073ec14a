"""Settings: what the environment's variables say, as frozen values. Nothing else reads a variable."""

from settings.load import read, started
from settings.models import AccessSettings, LimitSettings, ServerSettings, Settings, StartSettings
from settings.parsers import SettingsError

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

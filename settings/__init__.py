"""Settings: what the environment's variables say, as frozen values. Nothing else reads a variable."""

from settings.load import load_settings, load_start_settings
from settings.models import AccessSettings, LimitSettings, ServerSettings, Settings, StartSettings
from settings.parsers import SettingsError

__all__ = [
    "AccessSettings",
    "LimitSettings",
    "ServerSettings",
    "Settings",
    "SettingsError",
    "StartSettings",
    "load_settings",
    "load_start_settings",
]

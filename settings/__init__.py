"""Settings from environment variables, as frozen values. No other module reads environment variables."""

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

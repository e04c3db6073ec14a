"""Settings from environment variables, as frozen values. No other module reads environment variables."""

from settings.load import load_settings as load_settings
from settings.load import load_start_settings as load_start_settings
from settings.models import Settings as Settings
from settings.variables import SettingsError as SettingsError

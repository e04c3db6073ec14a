"""A catalog that cannot be used refuses the start of the service in one line; a local one needs none."""

from pathlib import Path

import pytest

import app
from settings import SettingsError, load_settings
from tests.fixtures.models import CATALOG

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"
STORES = {"DATABASE_URL": NOWHERE, "REQUIREMENTS_URL": NOWHERE, "REDIS_URL": "off"}


@pytest.mark.parametrize("more", [{}, {"LANGUAGE": "bedrock", "AWS_REGION": "us-east-1"}])
def test_a_model_without_a_price_refuses_the_start(tmp_path: Path, more: dict[str, str]) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(CATALOG.replace("    prices: [{input: 1,", "    prices: []\n    ignored: [{input: 1,"))
    path.write_text("\n".join(line for line in path.read_text().splitlines() if "ignored" not in line))
    with pytest.raises(SettingsError) as refused:
        app.create_app(load_settings(STORES | {"AI_MODELS": str(path)} | more))
    assert str(refused.value) == (
        f"AI_MODELS is not usable: {path}: the model us.test.small has no price; add it, or remove the model"
    )


def test_a_start_with_the_catalog_of_the_package() -> None:
    app.create_app(load_settings(STORES | {"LANGUAGE": "bedrock", "AWS_REGION": "us-east-1"}))
    app.create_app(load_settings(STORES))

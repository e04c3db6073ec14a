"""The models that the router chooses from are those that the environments allow, at the same prices."""

import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CATALOG = yaml.safe_load((ROOT / "datasources" / "language" / "models.yaml").read_text())
FILES = [path for folder in ("environments", "sizes") for path in sorted((ROOT / "cdk" / folder).glob("*.toml"))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_environment_allows_the_models_of_the_catalog(path: Path) -> None:
    """A model that is chosen and not allowed is refused by AWS, and no other is asked then."""
    allowed = tomllib.loads(path.read_text())["models"]["allowed"]
    claude = {id_: (price["input"], price["output"]) for id_, price in allowed.items() if ".anthropic." in id_}
    assert claude == {
        model["id"]: (model["prices"][0]["input"], model["prices"][0]["output"]) for model in CATALOG["models"]
    }

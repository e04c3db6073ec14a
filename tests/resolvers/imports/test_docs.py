"""The example of docs/import.md runs as it is written."""

import re
from pathlib import Path

import yaml

from tests.fixtures.imports import Stores

PAGE = Path(__file__).resolve().parents[3] / "docs" / "import.md"


async def test_the_small_example_runs_and_runs_again_without_a_change(stores: Stores) -> None:
    blocks = dict(re.findall(r"```(csv|yaml)\n(.*?)```", PAGE.read_text(), re.DOTALL))
    stores.write("servers.csv", blocks["csv"])
    report = await stores.load(yaml.safe_load(blocks["yaml"]))
    assert (report.total("created"), report.total("rejected"), report.total("unresolved")) == (7, 0, 0)
    assert (await stores.load(yaml.safe_load(blocks["yaml"]))).changes_nothing

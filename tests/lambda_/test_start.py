"""How functions start: the application is made before the first call, by no connection, and a fault says what it is."""

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from tests.lambda_.conftest import PYTHON, Landscape, Start
from tests.lambda_.runtime import ENTRIES
from tests.lambda_.test_api import HANDLER

IMPORTED = """
import importlib, sys
importlib.import_module(sys.argv[1])
importlib.import_module("workers.lazy_imports").import_all()
"""


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_and_its_late_imports_are_in_the_bundle(unfolded: Path, entry: str) -> None:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(unfolded), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [str(PYTHON), "-c", IMPORTED, entry]
    done = subprocess.run(command, env=environment, cwd=unfolded, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


async def test_an_application_is_made_and_nothing_connected(start: Start, landscape: Landscape) -> None:
    function = start(HANDLER, landscape.variables)
    await asyncio.to_thread(function.ready)
    assert [gate.seen for gate in landscape.gates] == [0] * 4


@pytest.mark.parametrize(
    ("handler", "variables", "words"),
    [
        (HANDLER, {}, "DATABASE_URL is missing"),
        (HANDLER, {"DATABASE_URL": "x"}, "DATABASE_URL is not a usable URL"),
        ("workers.events.handler", {"REDIS_URL": "off"}, "DATABASE_URL is missing"),
        (
            "workers.projection.handler",
            {"DATABASE_POOL_MAX": "11", "DATABASE_URL": "postgresql://h/d"},
            "between 1 and 10",
        ),
    ],
)
async def test_a_wrong_setting_fails_the_start_by_its_own_words(
    start: Start, handler: str, variables: dict[str, str], words: str
) -> None:
    function = start(handler, variables)
    failed = await asyncio.to_thread(function.failed)
    assert failed["errorType"] == "SettingsError"
    assert words in failed["errorMessage"]

"""From which seed the run of faults begins; its size is the option `--faults`."""

import os

import pytest


@pytest.fixture
def seed() -> int:
    """STACKFLOW_FAULT_SEED, to repeat a run or to try another one."""
    return int(os.environ.get("STACKFLOW_FAULT_SEED") or 5)

"""What all tests of use cases share."""

from collections.abc import Iterator

import pytest

from resolvers.workflows.expressions import budget


@pytest.fixture(scope="module", autouse=True)
def _slow_clock() -> Iterator[None]:
    """Ten times as much processor time for expressions, so that their work alone ends them.

    A collection of the garbage of all tests is charged to the thread that evaluates.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(budget, "CPU_SECONDS", 10 * budget.CPU_SECONDS)
        yield

"""Both modes, synthesized once a session with the feature flags and the checks of a deploy."""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.cdk import frozen

if find_spec("aws_cdk") is None:
    # The CDK has an environment of its own; in the other one these tests are not ours to run.
    collect_ignore_glob = ["*"]
else:
    from tests.cdk.templates import Synth, loaded

ROOT = Path(__file__).parents[2]
FILES = ROOT / "cdk" / "environments"


def _synth(name: str, out: Path) -> "Synth":
    from cdk_nag import AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks

    from cdk.app import FindingError, synthesize
    from cdk.loader import load_environment

    file, folder = FILES / f"{name}.toml", out / name
    checks = (AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks)
    # Their report is what test_findings.py and test_packs.py read; a deploy asks for the first alone.
    with suppress(FindingError):
        synthesize(file, folder, stubbed=True, checks=checks)
    return loaded(load_environment(file).environment, folder)


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> "Synth":
    """The documented system, adopted."""
    return _synth("prod", tmp_path_factory.mktemp("adopt"))


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> "Synth":
    """A fresh environment."""
    return _synth("dev", tmp_path_factory.mktemp("create"))


@pytest.fixture(params=["prod", "dev"])
def each(request: pytest.FixtureRequest) -> "Synth":
    """One mode after the other."""
    found: Synth = request.getfixturevalue(request.param)
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--write-snapshots` takes the present templates as reviewed."""
    parser.addoption("--write-snapshots", action="store_true", help="take the present templates as reviewed")


def pytest_configure(config: pytest.Config) -> None:
    frozen.WRITING = bool(config.getoption("--write-snapshots"))

"""`cdk synth`, `cdk diff` and `cdk deploy` work as typed: the CDK's command line finds the app and its templates."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from cdk import app

ROOT = Path(__file__).parents[2]
# The locked one, where `npm ci` was run in cdk/.
CDK = ROOT / "cdk" / "node_modules" / ".bin" / "cdk"


def terminated(folder: Path) -> set[bool]:
    """Whether stacks are protected from being ended, by the manifest that a deploy reads."""
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"].values()
    return {
        each["properties"].get("terminationProtection", False)
        for each in artifacts
        if each["type"] == "aws:cloudformation:stack"
    }


@pytest.mark.skipif(not CDK.exists(), reason="the locked command line is not installed: cd cdk && npm ci")
def test_the_locked_command_line_synthesizes_as_typed(tmp_path: Path) -> None:
    ran = subprocess.run(
        [str(CDK), "synth", "--quiet", "--output", str(tmp_path), "-c", "stub=true", "-c", "first=true"],
        cwd=ROOT,
        env=os.environ | {"ENVIRONMENT": "prod", "CDK_DISABLE_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert {path.name for path in tmp_path.glob("*.template.json")} == {
        f"StackFlow-prod-{stack}.template.json" for stack in ("Service", "Edge", "Watch")
    }
    # Both switches arrived.
    assert terminated(tmp_path) == {False}


def test_templates_go_where_the_command_line_reads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    monkeypatch.setattr(app, "synthesize", lambda file, out, **switches: written.append(out))
    monkeypatch.setenv("ENVIRONMENT", "prod")
    assert app.main([]) == 0
    monkeypatch.setenv("CDK_OUTDIR", str(tmp_path))
    assert app.main([]) == 0
    assert app.main(["--out", str(tmp_path / "elsewhere")]) == 0
    assert written == [ROOT / "cdk.out" / "prod", tmp_path, tmp_path / "elsewhere"]


def test_switches_are_those_of_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[dict[str, bool]] = []
    monkeypatch.setattr(app, "synthesize", lambda file, out, **switches: given.append(switches))
    monkeypatch.setenv("CDK_CONTEXT_JSON", json.dumps({"first": "true", "stub": "false"}))
    file = str(ROOT / "cdk" / "environments" / "prod.toml")
    assert app.main([file]) == 0
    monkeypatch.delenv("CDK_CONTEXT_JSON")
    assert app.main([file]) == 0
    assert app.main([file, "--first", "--stub"]) == 0
    assert [(each["first"], each["stubbed"]) for each in given] == [(True, False), (False, False), (True, True)]
    assert {each["unguarded"] for each in given} == {False}
    monkeypatch.setenv("CDK_CONTEXT_JSON", json.dumps({"unguarded": "true"}))
    assert app.main([file]) == 0
    assert given[-1]["unguarded"] is True


def test_an_environment_that_nobody_named_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    assert app.main([]) == 1
    assert "ENVIRONMENT: not set; name a file of cdk/environments" in capsys.readouterr().err


def test_the_app_is_the_environment_that_make_makes() -> None:
    assert json.loads((ROOT / "cdk.json").read_text())["app"] == ".venv-cdk/bin/python -m cdk.app"
    assert ".venv-cdk" in (ROOT / "Makefile").read_text()

"""The bundle is there, and of these sources."""

import zipfile
from pathlib import Path

import pytest

from cdk.app import main
from cdk.bundle import DIGEST_MEMBER, SOURCES, BundleError, load_bundle, sources_digest, write_stub

FILES = Path(__file__).parents[2] / "cdk" / "environments"


def repository(folder: Path) -> Path:
    for name in SOURCES:
        path = folder / name
        if "." in name:
            path.write_text(name)
        else:
            path.mkdir()
            (path / "__init__.py").write_text(name)
    return folder


def built(folder: Path, member: str, content: str) -> Path:
    path = folder / "bundle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
    return path


def test_a_bundle_of_these_sources_is_fresh(tmp_path: Path) -> None:
    root = repository(tmp_path)
    assert len(load_bundle(built(root, DIGEST_MEMBER, sources_digest(root) + "\n"), root).sha256) == 64


@pytest.mark.parametrize("changed", ["app/api.py", "workers/__init__.py", "workers/new.py", "datasources/one.sql"])
def test_a_bundle_older_than_the_code_is_refused(tmp_path: Path, changed: str) -> None:
    root = repository(tmp_path)
    path = built(root, DIGEST_MEMBER, sources_digest(root))
    (root / changed).write_text("changed")
    with pytest.raises(BundleError, match="was built from other sources than these; build it with `make bundle`"):
        load_bundle(path, root)


def test_what_python_leaves_behind_is_no_source(tmp_path: Path) -> None:
    root = repository(tmp_path)
    path = built(root, DIGEST_MEMBER, sources_digest(root))
    (root / "workers" / "__pycache__").mkdir()
    (root / "workers" / "__pycache__" / "a.pyc").write_text("")
    assert load_bundle(path, root).path == path


def test_a_bundle_that_cannot_be_judged_is_refused(tmp_path: Path) -> None:
    root = repository(tmp_path)
    with pytest.raises(BundleError, match="does not exist; build it"):
        load_bundle(root / "none.zip", root)
    with pytest.raises(BundleError, match="is no zip; build it"):
        load_bundle(root / "app" / "api.py", root)
    with pytest.raises(BundleError, match="does not say what it was built from"):
        load_bundle(built(root, "app/api.py", ""), root)


def test_a_stub_is_of_the_same_bytes_each_time(tmp_path: Path) -> None:
    assert write_stub(tmp_path / "a").sha256 == write_stub(tmp_path / "b").sha256


def test_templates_with_open_values_say_that_no_deploy_takes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = FILES / "prod.toml"
    assert main([str(file), "--out", str(tmp_path), "--stub"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"25 left open: no deploy takes these templates; `python -m cdk.check {file}` shows how to find each"
    )


def test_no_template_without_a_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "prod.toml"
    file.write_text(
        (FILES / "prod.toml").read_text().replace("concurrency = 200", 'concurrency = 200\nbundle = "none.zip"')
    )
    assert main([str(file), "--out", str(tmp_path / "out")]) == 1
    assert "none.zip does not exist; build it with `make bundle`" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()

"""The page on adding an entity is enough: a made-up one works in a copy of the project."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.test_house import ROOT

FILES = Path(__file__).parent / "files"
PRODUCT = ("datasources", "resolvers", "schema")
EDITS: list[dict[str, str]] = yaml.safe_load((Path(__file__).parent / "edits.yaml").read_text())
PAGE = (ROOT / "docs" / "add-an-entity.md").read_text()
MIGRATIONS = "datasources/aurora/migrations/main/"
# The tests of all entities.
LAWS = tuple(
    f"tests/architecture/test_{name}.py"
    for name in ("add_an_entity", "fields", "records", "sdl", "statements", "tables")
)


def created() -> list[str]:
    """The files of the entity."""
    return sorted(path.relative_to(FILES).as_posix() for path in FILES.rglob("*") if path.suffix in {".py", ".sql"})


def of_product(paths: Any) -> list[str]:
    """Those that are no tests, pages or docstrings of packages."""
    return sorted({path for path in paths if path.startswith(PRODUCT) and not path.endswith("__init__.py")})


def insert(text: str, before: str, lines: str) -> str:
    """The text with lines before the first line that begins with `before`."""
    found = re.search(rf"^{re.escape(before)}", text, re.MULTILINE)
    assert found is not None, before
    return text[: found.start()] + lines + text[found.start() :]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the entity in it."""
    folder = tmp_path_factory.mktemp("project")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    paths = [path for path in tracked.split("\0") if (ROOT / path).is_file()]
    numbers = [int(Path(path).name[:4]) for path in paths if path.startswith(MIGRATIONS) and path.endswith(".sql")]
    number = max(numbers) + 1
    contents = {path: (ROOT / path).read_bytes() for path in paths}
    contents |= {path.replace("NNNN", f"{number:04}"): (FILES / path).read_bytes() for path in created()}
    for edit in EDITS:
        text = contents[edit["file"]].decode()
        contents[edit["file"]] = insert(text, edit["before"], edit["insert"]).encode()
    for path, content in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        (folder / path).chmod((ROOT / path).stat().st_mode if (ROOT / path).is_file() else 0o644)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "-A"], cwd=folder, check=True)
    sdl = run(folder, "commands", "schema", "print")
    (folder / "schema" / "schema.graphql").write_text(sdl)
    return folder


def run(folder: Path, module: str, *arguments: str) -> str:
    """What a module of the copy prints. The copy comes first on the path, before the project itself."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)}, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_schema_has_the_entity(copy: Path) -> None:
    sdl = (copy / "schema" / "schema.graphql").read_text()
    assert "type Problem implements Node" in sdl
    assert "input OpenProblemInput" in sdl


def test_it_is_imported_written_read_and_followed(copy: Path) -> None:
    assert re.search(
        r"\b2 passed", run(copy, "pytest", "-p", "no:cacheprovider", "-o", "addopts=", "tests/schema/problems")
    )


def test_the_laws_of_the_house_hold(copy: Path) -> None:
    run(copy, "pytest", "-p", "no:cacheprovider", *LAWS)


def test_the_page_says_what_it_takes() -> None:
    new, edited = of_product(created()), of_product(edit["file"] for edit in EDITS)
    lines = sum(len((FILES / path).read_text().splitlines()) for path in new)
    more = sum(len(edit["insert"].splitlines()) for edit in EDITS if edit["file"] in edited)
    assert f"{len(new)} files with {lines} lines, and {more} lines in {len(edited)} other files" in PAGE


def test_the_page_names_every_file() -> None:
    named = set(re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE))
    assert set(of_product(created())) - named == set()
    named |= {"datasources/aurora/imports/landscape.sql"}
    assert set(of_product(edit["file"] for edit in EDITS)) - named == set()

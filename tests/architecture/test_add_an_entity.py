"""The page on adding an entity is true of every entity: the files, what they contain, and the files that are edited."""

import importlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from datasources.aurora.statements import statements
from schema import lazy_types as lazy
from schema import references
from schema.configuration_items.types import ConfigurationItem
from schema.mutation import MutationRoot
from schema.query import NODE_TYPES, Query
from tests.fixtures.tables import TABLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "add-an-entity.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))


def rows(section: str, verb: str) -> list[tuple[str, str]]:
    """Path and content of each row of a section's table of files to create or to edit."""
    (table,) = re.findall(rf"^(?:.* )?{verb}:\n\n((?:\|.*\n)+)", SECTIONS[section], re.MULTILINE)
    return re.findall(r"^\| `([^`]+)` \| (.+) \|$", table, re.MULTILINE)


PROMISED = rows("Read", "Create")
FILES = [path for path, _ in PROMISED if "NNNN" not in path and not path.startswith("tests/")]
MIGRATIONS = "\n".join(
    file.read_text() for file in sorted((ROOT / "datasources" / "aurora" / "migrations").glob("*/*/*.sql"))
)
TESTS = "\n".join(
    file.read_text() for file in (ROOT / "tests").rglob("*.py") if "architecture" not in file.parts
) + "\n".join(file.read_text() for file in (ROOT / "schema" / "operations").glob("*.graphql"))

# Relationships are found by walks: they are fetched by id, and never listed.
LISTED = [type_ for type_ in NODE_TYPES if type_.__name__ != "Relationship"]


def noun(type_: type[Any]) -> str:
    """The domain of a type, for example configuration_items."""
    return type_.__module__.split(".")[1]


def plural(type_: type[Any]) -> str:
    """The domain as a name, for example ConfigurationItems."""
    return noun(type_).title().replace("_", "")


def named(type_: type[Any], path: str) -> set[str]:
    """What the page's row for a file names, with the noun of the type in place of problems."""
    (text,) = [what for promised, what in PROMISED if promised == path]
    names = re.findall(r"`([A-Za-z_]+)`", text)
    swapped = {
        each.replace("PROBLEMS", noun(type_).upper())
        .replace("problems", noun(type_))
        .replace("Problems", plural(type_))
        .replace("Problem", type_.__name__)
        for each in names
    }
    return swapped - {"Table"}


def shown(type_: type[Any]) -> str:
    return type_.__name__


def test_the_page_promises_files_on_every_floor() -> None:
    assert FILES == [
        "datasources/records/problems.py",
        "datasources/aurora/problems/table.sql",
        "datasources/aurora/problems/table.py",
        "resolvers/problems/loaders.py",
        "schema/problems/types.py",
    ]


@pytest.mark.parametrize("type_", NODE_TYPES, ids=shown)
def test_the_files_exist_under_the_same_noun(type_: type[Any]) -> None:
    missing = [path for path in FILES if not (ROOT / path.replace("problems", noun(type_))).exists()]
    assert missing == []
    assert re.search(rf"^CREATE TABLE {noun(type_)} \(", MIGRATIONS, re.MULTILINE)


@pytest.mark.parametrize("type_", LISTED, ids=shown)
@pytest.mark.parametrize("path", [path for path in FILES if path.endswith(".py")])
def test_what_the_page_names_stands_in_its_file(path: str, type_: type[Any]) -> None:
    wanted = named(type_, path)
    assert len(wanted) >= 1
    module = importlib.import_module(path.removesuffix(".py").replace("/", ".").replace("problems", noun(type_)))
    # Only what hangs on configuration items has the mixin; test_mixins says that it is used there.
    optional = {f"Has{plural(type_)}"}
    assert {name for name in wanted - optional if not hasattr(module, name)} == set()


@pytest.mark.parametrize("type_", LISTED, ids=shown)
def test_the_statements_that_the_page_names_exist(type_: type[Any]) -> None:
    wanted = named(type_, "datasources/aurora/problems/table.sql")
    assert len(wanted) == 5
    if not any(column.grouped for column in TABLES[noun(type_)].columns.values()):
        wanted -= {f"{noun(type_)}_groups"}
    assert wanted - statements(f"{noun(type_)}/table").keys() == set()


@pytest.mark.parametrize("type_", LISTED, ids=shown)
def test_its_queries_are_among_the_bases_of_the_root_and_tests_ask_them(type_: type[Any]) -> None:
    queries = getattr(importlib.import_module(type_.__module__), f"{type_.__name__}Queries")
    assert queries in Query.__bases__
    for field in queries.__strawberry_definition__.fields:
        asked = re.sub(r"_([a-z])", lambda match: match[1].upper(), field.python_name)
        assert re.search(rf"\b{asked}\s*[({{]", TESTS), f"no test asks {asked}"


def test_mixins_are_among_the_bases_of_configuration_items() -> None:
    """Each `Has<Domain>` of a node's own domain, and no other domain is left out."""
    modules = [importlib.import_module(type_.__module__) for type_ in NODE_TYPES]
    mixins = [
        getattr(module, f"Has{plural(type_)}")
        for module, type_ in zip(modules, NODE_TYPES, strict=True)
        if hasattr(module, f"Has{plural(type_)}")
    ]
    assert len(mixins) == 7
    assert [mixin.__name__ for mixin in mixins if mixin not in ConfigurationItem.__bases__] == []


def test_what_is_referred_to_by_name_is_in_the_references() -> None:
    aliases = {name.removeprefix("Lazy") for name in vars(lazy) if name.startswith("Lazy")}
    assert aliases == set(references.__all__)
    assert {name for name in aliases if not hasattr(references, name)} == set()


def test_nodes_have_prefixes_of_their_own() -> None:
    assert len({type_.prefix for type_ in NODE_TYPES}) == len(NODE_TYPES)


def paths_of_changes() -> set[str]:
    """Every path that the page names, for the entity that has every part."""
    paths = {path for path in re.findall(r"`([\w./]+/[\w.]+)`", PAGE) if "NNNN" not in path}
    return {path.replace("problems", "changes").replace("problem_", "change_") for path in paths}


def tracked(*patterns: str) -> list[str]:
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    return subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def test_every_path_of_the_page_exists() -> None:
    assert {path for path in paths_of_changes() if not (ROOT / path).exists()} == set()


def test_every_file_of_changes_is_on_the_page() -> None:
    own = re.compile(r"(schema|resolvers|datasources/aurora)/changes/(?!__init__)|.*/(changes|change_types)\.py$")
    files = {path for path in tracked("schema", "resolvers", "datasources") if own.match(path)}
    # Changes of the tables that the graph has yet to get.
    assert files - {"resolvers/projection/changes.py"} <= paths_of_changes()
    assert len(files) == 14


def test_every_file_that_names_changes_is_on_the_page() -> None:
    """Whoever adds an entity and forgets one of these finds out late: in a feed, a search or a stale value."""
    naming = re.compile(r"\bCHANGES?\b|\"changes\"|Change(Mutations|Queries)|HasChanges|FROM changes\b")
    # Domains that link to changes, as the page says of every entity; and the path of a subscription's events.
    others = re.compile(r"(schema|resolvers|datasources/aurora)/(incidents|changes)/|schema/http/responses\.py")
    files = {
        path
        for path in tracked("schema/**.py", "resolvers/**.py", "datasources/**.py", "datasources/**.sql")
        if "/migrations/" not in path and not others.match(path) and naming.search((ROOT / path).read_text())
    }
    assert files - paths_of_changes() == set()
    assert len(files) == 17


@pytest.mark.parametrize(
    "type_", [type_ for type_ in NODE_TYPES if noun(type_) not in {"documents", "users"}], ids=shown
)
def test_an_entity_that_is_written_has_the_files_that_the_page_says(type_: type[Any]) -> None:
    files = [path for path, _ in rows("Written", "Create") if not path.startswith("tests/")]
    assert [path for path in files if not (ROOT / path.replace("problems", noun(type_))).exists()] == []
    mutations = importlib.import_module(f"schema.{noun(type_)}.mutations")
    assert getattr(mutations, f"{type_.__name__}Mutations") in MutationRoot.__bases__

"""The sources of the documentation site: each page is in a toctree, each type, command and event in the reference."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from graphql import build_schema

from docs.generators import __main__, command_line, event_types, graphql_schema, pages
from tests.architecture.test_house import PAGES, ROOT

ADDRESSES = pages.page_addresses(ROOT)
SCHEMA = (ROOT / "schema" / "schema.graphql").read_text()
NAVIGATION = (ROOT / "docs" / "index.md").read_text()
TOCTREE = re.compile(r"```\{toctree\}\n(?::.*\n)*\n((?:.+\n)+)```")


def test_each_page_is_on_the_site_once() -> None:
    on_site = {ROOT / page for page in ADDRESSES}
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= on_site
    assert len(set(ADDRESSES.values())) == len(ADDRESSES)


def test_each_page_is_in_the_navigation_once() -> None:
    lines = [line for block in TOCTREE.findall(NAVIGATION) for line in block.splitlines()]
    entries = sorted(match[1] if (match := re.search(r"<(.+)>", line)) else line for line in lines)
    generated = ["reference/command-line", "reference/event-types", "reference/schema/index"]
    written = [
        address.removesuffix(".md") for address in ADDRESSES.values() if not re.match(r"decisions/\d|index", address)
    ]
    assert entries == sorted(generated + written)


@pytest.mark.parametrize(
    ("page", "text", "expected"),
    [
        ("README.md", "[a](docs/access.md#permissions)", "[a](access.md#permissions)"),
        ("README.md", "[a](docs/decisions/)", "[a](decisions/index.md)"),
        ("docs/access.md", "[two\nlines](../README.md)", "[two\nlines](start.md)"),
        ("docs/decisions/README.md", "[a](../../CONTRIBUTING.md#decisions)", "[a](../contributing.md#decisions)"),
        ("docs/guides/analyst.md", "[a](../import.md)", "[a](../import.md)"),
        ("docs/README.md", "[a](../schema/schema.graphql)", "[a](files/schema/schema.graphql)"),
        ("docs/import.md", "[`mappings/`](../mappings)", "`mappings/`"),
        ("docs/import.md", "[a](https://example.org/x) [b](#c)", "[a](https://example.org/x) [b](#c)"),
        ("docs/guides/analyst.md", "![a](../images/a.png)", "![a](../images/a.png)"),
        ("docs/access.md", "[a](none.md)", "[a](none.md)"),
    ],
)
def test_a_link_leads_to_the_page_of_the_site(page: str, text: str, expected: str) -> None:
    assert pages.rewrite_links(text, page, ADDRESSES, ROOT)[0] == expected


def test_a_file_that_a_page_links_to_is_on_the_site() -> None:
    assert pages.sources(ROOT)["files/schema/schema.graphql"].decode() == SCHEMA


def test_the_schema_reference_has_each_type_and_field() -> None:
    text = "\n".join(page.decode() for page in graphql_schema.sources(SCHEMA).values())
    schema = build_schema(SCHEMA)
    types = {name: each for name, each in schema.type_map.items() if not name.startswith("__")}
    assert sorted(re.findall(r"^\(type-(\w+)\)=$", text, re.MULTILINE)) == sorted(types)
    roots = [root for root in (schema.query_type, schema.mutation_type, schema.subscription_type) if root is not None]
    members = sum(len(getattr(each, "fields", ())) for each in types.values() if each not in roots)
    arguments = sum(len(field.args) for root in roots for field in root.fields.values())
    assert text.count("\nReturns ") == sum(len(root.fields) for root in roots)
    assert len(re.findall(r"^- \*\*", text, re.MULTILINE)) == members + arguments
    assert text.count("*needs* `") == SCHEMA.count('@needs(permission: "')


def test_a_field_has_its_type_permission_arguments_and_text() -> None:
    text = graphql_schema.sources('''
        directive @needs(permission: String!) on FIELD_DEFINITION
        type Mutation { a: Int }
        type Subscription { a: Int }
        type Query {
          """All   cats
          there are."""
          cats(
            """The most."""
            first: Int = 25
          ): [Cat!]! @needs(permission: "cats:read")
        }
        """A cat."""
        type Cat { name(short: Boolean): String @needs(permission: "names:read") }
    ''')
    assert text["reference/schema/queries.md"].decode() == (
        "(type-Query)=\n# Queries\n\n"
        "## cats\n\nAll cats there are.\n\n"
        "Returns \\[[Cat](#type-Cat)!\\]! *needs* `cats:read`\n\n"
        "- **first**: [Int](#type-Int) = `25`\\\n  The most.\n"
    )
    assert (
        "(type-Cat)=\n## Cat\n\nA cat.\n\n"
        "- **name**: [String](#type-String) *needs* `names:read`\n"
        "  - **short**: [Boolean](#type-Boolean)\n"
    ) in text["reference/schema/objects.md"].decode()


def test_the_event_reference_has_each_event_and_member() -> None:
    folder = ROOT / "resolvers" / "events" / "schemas"
    text = event_types.sources(folder)["reference/event-types.md"].decode()
    titles = sorted(json.loads(path.read_text())["title"] for path in folder.glob("*.json"))
    assert re.findall(r"^## (io\..+)$", text, re.MULTILINE) == titles
    assert "| `key` | string of 1 to 450 characters | yes |  |" in text
    assert "| `impact` | integer from 1 to 5; default `3` | no | From 1 (highest) to 5. |" in text
    assert "| `items` | list of at most 50: [Key](#event-type-Key) | no |  |" in text


def test_the_command_reference_has_each_command() -> None:
    text = command_line.sources()["reference/command-line.md"].decode()
    assert text.startswith("# Command line\n")
    assert re.findall(r"^## `stackflow (\w+)`$", text, re.MULTILINE) == [
        "serve", "migrate", "import", "doctor", "ask", "explain", "schema", "key", "documents", "graph", "events",
        "queues",
    ]  # fmt: skip


def test_the_folder_holds_the_sources_alone_and_keeps_what_did_not_change(tmp_path: Path) -> None:
    __main__.main(tmp_path)
    (tmp_path / "old.md").write_text("")
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md") if path.name != "old.md"}
    __main__.main(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")} == times
    assert len(times) > 80


def test_the_lock_pins_what_the_settings_of_sphinx_need() -> None:
    lock = (ROOT / "requirements-docs.lock").read_text()
    for line in (ROOT / "docs" / "requirements.in").read_text().splitlines()[1:]:
        assert f"\n{line} " in f"\n{lock}"
    ignored = subprocess.run(
        ["git", "check-ignore", "docs/_build/html", ".venv-docs"], cwd=ROOT, capture_output=True, check=True
    )
    assert len(ignored.stdout.split()) == 2

"""The examples of docs/import.md run as they are written, and its tables say what the code does."""

import re
from pathlib import Path
from typing import Any

import yaml

from datasources.files.entities import ENTITIES
from datasources.files.formats.yaml_documents import parse_yaml
from datasources.files.mapping import ValueSpec
from tests.fixtures.imports import Stores
from tests.fixtures.sections import staged
from tests.fixtures.workbooks import number, row, text, workbook

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "import.md").read_text()
TABLE, *MAPPINGS = re.findall(r"```(?:text|yaml)\n(.*?)```", PAGE, re.DOTALL)


async def test_the_small_example_runs_and_runs_again_without_a_change(stores: Stores) -> None:
    stores.write("servers.csv", TABLE)
    report = await stores.load(yaml.safe_load(MAPPINGS[0]))
    assert (report.total("created"), report.total("rejected"), report.total("unresolved")) == (7, 0, 0)
    assert (await stores.load(yaml.safe_load(MAPPINGS[0]))).changes_nothing


def test_the_examples_of_files_conditions_and_look_ups(tmp_path: Path) -> None:
    mapping, where, fields = (parse_yaml(block) for block in MAPPINGS[1:])
    (tmp_path / "exports").mkdir()
    hosts = (
        "host,status,cpus,os,retired,owner_id\nweb-1,live,4,Linux,,7\nweb-2,live,2,Linux,,7\ndb-3,standby,8,BSD,,9\n"
    )
    (tmp_path / "exports" / "a.csv").write_bytes(hosts.encode("utf-16"))
    racks = row(1, A=text("Racks")) + row(2, A=text("rack"), B=text("room")) + row(3, A=text("r1"), B=number(12))
    (tmp_path / "racks.xlsx").write_bytes(workbook({"Racks": racks}))
    mapping["files"]["owners"] = {"inline": [{"id": 7, "team": "shop"}]}
    section = {"entity": "configuration_items", "file": "servers"} | where | fields
    rooms = {
        "entity": "configuration_items",
        "file": "racks",
        "fields": {"key": "rack"},
        "attributes": {"room": "room"},
    }
    found = staged(tmp_path, mapping | {"sections": [section, rooms]})
    assert found.refused == []
    assert [(each["key"], each.get("owner")) for each in found.records] == [
        ("web-1", "shop"),
        ("db-3", ""),
        ("r1", None),
    ]
    assert found.records[2]["attributes"] == '{"room":12}'


def test_the_order_of_the_steps_is_the_one_of_the_code() -> None:
    steps = re.findall(r"^[1-9]\. `(\w+)`", PAGE, re.MULTILINE)
    order = re.findall(r"\w+", (ValueSpec.__doc__ or "").split("in this order:")[1])
    assert steps == [*order, "default"]


def test_the_table_of_entities_is_the_one_of_the_code() -> None:
    rows: dict[str, Any] = dict(re.findall(r"^\| `(\w+)` \| (.*\\\*.*|\*\*.*) \|$", PAGE, re.MULTILINE))
    assert rows.keys() == ENTITIES.keys()
    for name, entity in ENTITIES.items():
        words = rows[name].split()
        assert {word.rstrip("\\*").strip("*") for word in words} == {field.name for field in entity.fields}
        required = {word.removesuffix("\\*").strip("*") for word in words if word.endswith("\\*")}
        assert required == {field.name for field in entity.fields if field.required}, name


async def test_the_defaults_of_new_records(stores: Stores) -> None:
    keys = {"incidents": "number", "changes": "number", "relationship_types": "key"}
    names = ["teams", "users", "classes", "relationship_types", "configuration_items", "changes", "incidents"]
    names += ["documents", "workflows", "requirements"]
    fields: dict[str, Any] = {name: {keys.get(name, "key"): "key"} for name in names}
    fields["relationship_types"]["impact"] = {"constant": "NONE"}
    fields["configuration_items"]["class"] = "key"
    fields["memberships"] = {"team": "key", "user": "key"}
    sections = [{"entity": name, "file": "f", "fields": given} for name, given in fields.items()]
    await stores.load({"source": "s", "files": {"f": {"inline": [{"key": "a_b"}]}}, "sections": sections})
    assert stores.reasons() == []

    def one(sql: str, **where: bool) -> tuple[Any, ...]:
        return stores.rows(sql, **where)[0]

    assert one("SELECT name FROM teams") == ("a_b",)
    assert one("SELECT name, active FROM users") == ("a_b", True)
    assert one("SELECT role FROM team_memberships") == ("MEMBER",)
    assert one("SELECT name FROM configuration_item_classes") == ("a_b",)
    assert one("SELECT label, inverse_label FROM relationship_types") == ("a b", "a b of")
    item = one("SELECT name, status, environment, criticality FROM configuration_items")
    assert item == ("a_b", "ACTIVE", "UNKNOWN", "MEDIUM")
    assert one("SELECT title, type, state, risk FROM changes") == ("a_b", "NORMAL", "PROPOSED", "UNKNOWN")
    opened = "now() - opened_at < interval '5 minutes'"
    incident = one(f"SELECT title, state, impact, urgency, priority, {opened} FROM incidents")
    assert incident == ("a_b", "NEW", 3, 3, 3, True)
    assert one("SELECT title, kind FROM documents") == ("a_b", "KNOWLEDGE")
    assert one("SELECT name, revision, state FROM workflows") == ("a_b", 1, "DRAFT")
    requirement = one("SELECT title, kind, state, priority FROM requirements", requirements=True)
    assert requirement == ("a_b", "FUNCTIONAL", "PROPOSED", "MEDIUM")
